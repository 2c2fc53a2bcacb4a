"""Projections of z-stacks."""

import re
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.errors import ConfigError, InputError
from tasks.core.types import AnyArray
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.load import load_images
from tasks.project import Project, check_stacks, project

Method = Literal["max", "mean", "sum", "best_focus"]
METHODS: tuple[Method, ...] = ("max", "mean", "sum", "best_focus")

FIRST = [[[1, 9], [5, 0]], [[7, 7], [7, 7]]]
SECOND = [[[3, 2], [5, 0]], [[7, 8], [7, 7]]]
"""Two planes of two channels of 2×2. Laplacians with reflected border, channel 0 of the first plane:
[[12, -17], [-9, 14]], of the second [[1, -1], [-7, 7]]: the first is sharper. Of channel 1 the second is.
"""


@pytest.mark.parametrize(
    ("method", "expected", "dtype"),
    [
        ("max", [[[3, 9], [5, 0]], [[7, 8], [7, 7]]], "uint16"),
        ("mean", [[[2, 5.5], [5, 0]], [[7, 7.5], [7, 7]]], "float32"),
        ("sum", [[[4, 11], [10, 0]], [[14, 15], [14, 14]]], "uint32"),
        ("best_focus", [FIRST[0], SECOND[1]], "uint16"),
    ],
)
def test_two_planes_by_hand(method: Method, expected: list[Any], dtype: str) -> None:
    planes = [np.array(FIRST, dtype=np.uint16), np.array(SECOND, dtype=np.uint16)]
    image = project(iter(planes), config=Project(method=method))
    assert image.dtype == dtype
    assert image.tolist() == expected
    assert planes[0].tolist() == FIRST, "what came in is left as it was"


@pytest.mark.parametrize(
    ("dtype", "mean", "total"),
    [
        ("uint8", "float32", "uint32"),
        ("int16", "float32", "int32"),
        ("uint32", "float64", "int64"),
        ("int64", "float64", "float64"),
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
    ],
)
def test_sums_have_room_for_the_largest_values(dtype: str, mean: str, total: str) -> None:
    kind = np.dtype(dtype)
    largest = kind.type(1e30) if kind.kind == "f" else kind.type(np.iinfo(kind).max)
    planes = [np.full((1, 2, 3), largest)] * 5
    summed = project(planes, config=Project(method="sum"))
    assert summed.dtype == total
    np.testing.assert_allclose(summed, 5 * float(largest), rtol=1e-6)
    averaged = project(planes, config=Project(method="mean"))
    assert averaged.dtype == mean
    np.testing.assert_allclose(averaged, float(largest), rtol=1e-6)


STACKS = hnp.arrays(
    dtype=st.sampled_from([np.dtype(code) for code in ("u1", "u2", "i2", "i4")]),
    shape=hnp.array_shapes(min_dims=4, max_dims=4, max_side=4),
)


@given(stack=STACKS)
def test_projections_are_numpys_of_the_whole_stack(stack: AnyArray) -> None:
    result = {method: project(iter(stack), config=Project(method=method)) for method in METHODS}
    np.testing.assert_array_equal(result["max"], stack.max(axis=0))
    np.testing.assert_array_equal(result["sum"], stack.sum(axis=0, dtype=np.int64))
    np.testing.assert_allclose(result["mean"], stack.mean(axis=0), rtol=1e-6)
    for channel, plane in enumerate(result["best_focus"]):
        assert any(np.array_equal(plane, z_plane[channel]) for z_plane in stack)


@given(stack=STACKS, seed=st.integers(0, 5))
def test_only_best_focus_may_depend_on_the_order_and_only_among_equals(stack: AnyArray, seed: int) -> None:
    turned = np.random.default_rng(seed).permutation(stack)
    for method in METHODS[:3]:
        config = Project(method=method)
        np.testing.assert_array_equal(project(stack, config=config), project(turned, config=config))


def test_one_plane_is_its_own_projection_and_none_is_refused() -> None:
    plane = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    for method in METHODS:
        np.testing.assert_array_equal(project([plane], config=Project(method=method)), plane)
    with pytest.raises(ValueError, match="at least one plane"):
        project([], config=Project(method="max"))


def test_stacks_need_the_section_and_the_section_needs_stacks() -> None:
    config = Project(method="max")
    check_stacks(None, depth=1, groups=("z",))
    check_stacks(config, depth=4, groups=("well",))
    check_stacks(config, depth=1, groups=("well",))
    with pytest.raises(InputError, match=re.escape("z-stacks of 4 planes; add project: {method: max}")):
        check_stacks(None, depth=4, groups=())
    with pytest.raises(ConfigError, match="no group 'channel'"):
        check_stacks(config, depth=1, groups=("well", "z"))


def test_real_stacks_are_projected_without_their_thumbnails(data_root: Path) -> None:
    pattern = r"ZStep_(?P<z>\d+)/.*_(?P<well>[A-P]\d\d)_s(?P<site>\d)_w(?P<channel>\d)[0-9A-F]{8}-"
    config = Load.model_validate({"pattern": pattern, "channels": {"DNA": 1, "ER": 2}})
    index = build_index([data_root / "hcs_imagexpress" / "ImageXpress"], config=config)
    assert [reference.depth for reference in index.references] == [4, 4]
    assert [reference.metadata for reference in index.references] == [{"well": "E07", "site": site} for site in "12"]
    assert index.faults == ()
    assert (index.left_out.unused, index.left_out.unmatched) == (2, 9)  # w4; projections and thumbnails
    channels, probe = resolve_channels(index.references, config=config)
    assert probe.shape == (2, 512, 512)
    with pytest.raises(InputError, match="a z-stack of 4 planes; add project"):
        load_images(index.references, channels=channels)
    projection = partial(project, config=Project(method="max"))
    images = load_images(index.references, channels=channels, projection=projection).images
    for reference, image in zip(index.references, images, strict=True):
        stack = np.stack([tifffile.imread(path) for path in reference.paths]).reshape(2, 4, 512, 512)
        assert [f"ZStep_{z}" in path for z, path in zip((1, 2, 3, 4) * 2, reference.paths, strict=True)] == [True] * 8
        np.testing.assert_array_equal(image, stack.max(axis=1))
