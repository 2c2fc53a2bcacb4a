"""Digests: equal for equal values everywhere, different for any difference."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.core.digest import digest, pixel_digest
from tasks.core.layout import Layout

PROJECT = Path(__file__).resolve().parents[2]

LAYOUT = Layout(channels=("BF", "PI"), regions=("li",), stamps=True, groups=(), numbered=False)

IN_ANOTHER_PROCESS = """
from tasks.core.digest import digest
from tasks.core.layout import Layout
layout = Layout(channels=("BF", "PI"), regions=("li",), stamps=True, groups=(), numbered=False)
print(digest(1, layout, {"b": {"x", "y", "z"}, "a": [0.1, None, "é"]}))
"""


@pytest.mark.parametrize("seed", ["0", "12345"])
def test_a_digest_is_the_same_in_every_process(seed: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        cwd=PROJECT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == digest(1, LAYOUT, {"a": (0.1, None, "é"), "b": {"z", "y", "x"}})


def test_a_digest_is_forty_hexadecimal_digits() -> None:
    assert len(digest()) == 40
    assert set(digest("x")) <= set("0123456789abcdef")


def test_the_order_of_keys_does_not_matter_but_that_of_a_list_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])


def test_every_difference_changes_the_digest() -> None:
    values: list[tuple[object, ...]] = [
        (), ("",), (None,), (0,), (1,), ("1",), (True,), (1.5,), ("a", "b"), (["a", "b"],), ("a,b",), (["a"], ["b"]),
        (["a", ["b"]],), ({"a": "b"},), (LAYOUT,), (LAYOUT.model_copy(update={"numbered": True}),),
        (LAYOUT.model_copy(update={"channels": ("PI", "BF")}),), (0.1,), (np.nextafter(0.1, 1).item(),),
    ]  # fmt: skip
    assert len({digest(*value) for value in values}) == len(values)


def test_what_json_cannot_write_is_refused_rather_than_told_by_its_address() -> None:
    with pytest.raises(TypeError, match="object has no digest"):
        digest(object())


def test_pixels_of_other_type_shape_or_value_have_another_digest() -> None:
    image = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    changed = image.copy()
    changed[1, 2, 3] += 1
    others = [changed, image.astype(np.int16), image.reshape(2, 4, 3), image.astype(">u2"), image[:, :, ::-1]]
    assert len({pixel_digest(different) for different in [image, *others]}) == len(others) + 1
    assert pixel_digest(np.asfortranarray(image)) == pixel_digest(image)
