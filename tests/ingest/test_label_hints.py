"""Label images are noticed, pictures are not taken for them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tasks.core.types import AnyArray
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.label_hints import is_label_image, label_hints

SQUARES = np.kron(np.pad(np.arange(1, 10).reshape(3, 3), 1), np.ones((5, 5))).astype(np.uint16)


def hints(folder: Path) -> tuple[str, ...]:
    references = build_index([folder], config=Load()).references
    channels, _ = resolve_channels(references, config=Load())
    return label_hints(references, channels=channels)


@pytest.mark.parametrize(
    ("plane", "expected"),
    [
        (SQUARES, True),
        (SQUARES * 1000, True),
        ((SQUARES > 0).astype(np.uint8) * 255, True),
        (SQUARES.astype(np.float32), False),
        (np.zeros_like(SQUARES), False),
        (np.full_like(SQUARES, 7), False),
        (np.random.default_rng(0).poisson(0.05, SQUARES.shape), False),
        (np.random.default_rng(0).poisson(90, SQUARES.shape), False),
        (np.random.default_rng(0).poisson(SQUARES * 20), False),
    ],
    ids=["labels", "with gaps", "mask", "floats", "empty", "even", "dim", "bright", "cells"],
)
def test_labels_are_pieces_of_equal_value(plane: AnyArray, expected: bool) -> None:  # noqa: FBT001
    assert is_label_image(plane[np.newaxis]) == expected


def test_a_folder_of_labels_beside_the_images_is_named_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for folder in ("images", "labels"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    for number in range(5):
        tifffile.imwrite(tmp_path / "set" / "images" / f"a{number}.tif", rng.poisson(50 + SQUARES).astype("u2"))
        tifffile.imwrite(tmp_path / "set" / "labels" / f"a{number}.tif", SQUARES)
    (hint,) = hints(tmp_path / "set")
    assert hint.startswith("set/labels: 5 images look like labels")
    assert "(a0.tif)" in hint
    assert hints(tmp_path / "set" / "images") == ()


@pytest.mark.parametrize("data", ["seg_dsb2018", "hcs_nf1"])
def test_real_labels_are_told_from_real_images(data: str, data_root: Path) -> None:
    (hint,) = hints(data_root / data)
    assert hint.startswith((f"{data}/labels: ", f"{data}/masks: "))
    assert hints(data_root / data / "images") == ()
