"""Label images from files: which belongs to which image, what is read, and what a run does without one."""

import re
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

from flows.engine.keys import task_key
from flows.pipeline import PIPELINE
from flows.stages.cells import find_cells
from tasks.core.errors import ConfigError, InputError, UserError
from tasks.core.partition_files import read_faults, read_labels
from tasks.core.types import AnyArray
from tasks.core.work import StageResult
from tasks.ingest.label_files import LabelFiles
from tasks.segment.task import segment_partition
from tests.running import prepared

LOAD = {"load": {"pattern": r"images/(?P<well>[A-H]\d\d)_(?P<site>\d)\.tif"}}
LABELS = np.zeros((20, 30), dtype=np.uint16)
LABELS[2:6, 3:9], LABELS[8:12, 20:25], LABELS[15:17, 2:4] = 40, 7, 9


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three fields, and label images in a folder beside theirs."""
    for number in (1, 2, 3):
        for path in (tmp_path / "images" / f"B07_{number}.tif", tmp_path / "labels" / f"B07-{number}_nuclei.tiff"):
            path.parent.mkdir(exist_ok=True)
            pixels = LABELS if path.parent.name == "labels" else np.full((1, 20, 30), number, dtype=np.uint8)
            tifffile.imwrite(path, pixels, photometric="minisblack")
    return tmp_path / "images"


def find(images: Path, *, files: str = "../labels/{well}-{site}_nuclei.tiff", **sections: Any) -> StageResult:  # noqa: ANN401
    """Prepare a run and segment its only partition, in the folder of its key."""
    config = {**LOAD, "segment": {"objects": {"nucleus": {"method": "labels", "files": files}}}, **sections}
    output = images.parent / "out"
    preparation = prepared(config, inputs=[images], output=output, stages=(find_cells,))
    (output / "work").mkdir(parents=True, exist_ok=True)
    preparation.listing.write()
    files_of_run = preparation.stages["cells"]
    assert isinstance(files_of_run, LabelFiles)
    (partition,) = preparation.listing.images.partitions
    given: dict[str, Any] = {
        "partition": partition,
        "source": preparation.dataset.source,
        "config": preparation.spec.config.segment,
        "devices": {"nucleus": "cpu"},
        "given": files_of_run.of(start=partition.start, stop=partition.stop),
    }
    folder = output / "work" / "segment" / task_key(segment_partition, given)
    return segment_partition.fn(**given, folder=str(folder), run_id="test")


def rewrite(path: Path, pixels: AnyArray) -> None:
    tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")


def test_objects_of_a_run_are_those_of_the_files(images: Path) -> None:
    result = find(images)
    assert result.counts == {"images": 3, "quarantined": 0, "cells": 9, "kept": 9}
    labels = read_labels(Path(result.folder), position=1, name="nucleus")
    assert_array_equal(labels > 0, LABELS > 0)
    assert [int(labels[row, column]) for row, column in ((2, 3), (8, 20), (15, 2))] == [1, 2, 3]


@pytest.mark.parametrize(
    "files",
    ["{stem}_cp_masks.png", "../out/labels/{folder}/{name}.nucleus.tif", "{tmp}/all/{folder}-{stem}.TIFF"],
)
def test_paths_are_those_that_other_programs_use(images: Path, files: str) -> None:
    files = files.replace("{tmp}", str(images.parent))
    for number in (1, 2, 3):
        stem = f"B07_{number}"
        named = files.format(stem=stem, folder="images", name=f"{stem}.tif")
        path = images / named
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            imageio.imwrite(path, LABELS)
        else:
            tifffile.imwrite(path, LABELS)
    assert find(images, files=files).counts["cells"] == 9


def test_any_change_of_a_file_is_seen_and_no_other(images: Path) -> None:
    label_file = images.parent / "labels" / "B07-2_nuclei.tiff"
    first = find(images).key
    moved = images.parent.rename(images.parent.with_name("moved"))
    assert find(moved / "images").key == first
    rewrite(moved / "labels" / label_file.name, np.where(LABELS == 7, 0, LABELS).astype(np.uint16))
    assert (second := find(moved / "images")).key != first
    assert second.counts["cells"] == 8


def test_whole_numbers_may_be_floats(images: Path) -> None:
    expected = find(images)
    for path in (images.parent / "labels").iterdir():
        rewrite(path, LABELS.astype(np.float32))
    assert find(images).counts == expected.counts


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((20, 31), dtype=np.uint8), r"shape \(20, 31\), expected that of the image, \(20, 30\)"),
        (np.full((20, 30), -1, dtype=np.int16), "got the label -1, expected no negative ones"),
        ((LABELS / 2).astype(np.float32), "_nuclei.tiff' does not do: .* of float32, expected whole .* or correct"),
        (np.zeros((20, 30, 3), dtype=np.uint8), "B07-2_nuclei.tiff, has 3 planes, expected one"),
        (b"II*\0no", "B07-2_nuclei.tiff, cannot be read; it is cut short"),
        (None, "B07-2_nuclei.tiff, is missing; write it, or correct segment.objects.nucleus.files"),
    ],
)
def test_an_image_whose_file_does_not_do_is_set_aside_alone(
    images: Path, pixels: AnyArray | bytes | None, words: str
) -> None:
    path = images.parent / "labels" / "B07-2_nuclei.tiff"
    if isinstance(pixels, bytes):
        path.write_bytes(pixels)
    elif pixels is None:
        path.unlink()
    else:
        rewrite(path, pixels)
    result = find(images, run={"max_quarantined": 0.5})
    assert result.counts["quarantined"] == 1
    assert result.counts["cells"] == 6
    (fault,) = read_faults(result).iter_rows(named=True)
    assert (fault["meta__image"], fault["stage"]) == ("images/B07_2.tif", "segment")
    assert re.search(words, fault["message"]), fault["message"]


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        ("../labels/{well}.tif", ConfigError, "images/B07_1.tif and images/B07_2.tif have one label image"),
        ("../labels/{wall}.tif", ConfigError, r"nucleus\.files: got the placeholder {wall} .* did you mean 'well'"),
        (
            "../labels/{stem}.npy",
            ConfigError,
            r"got '../labels/B07_1.npy', expected a file with a suffix .tif, .tiff, .png",
        ),
        (
            "{name}",
            ConfigError,
            "B07_1.tif is the label image of images/B07_1.tif, but is itself one of the run's images",
        ),
        ("../labels/{stem}_nuclei.tiff", InputError, "3 of 3 images have no .*holds 3 TIFF or PNG files, such as B07-"),
        ("../masks/{stem}.tif", InputError, "3 of 3 images have no label image; .*there is no folder .*masks"),
    ],
)
def test_files_that_cannot_be_meant_are_refused_before_anything_is_computed(
    images: Path, files: str, error: type[UserError], words: str
) -> None:
    with pytest.raises(error, match=words):
        find(images, files=files)


def test_a_run_of_which_too_many_images_lack_their_file_is_refused(images: Path) -> None:
    (images.parent / "labels" / "B07-3_nuclei.tiff").unlink()
    with pytest.raises(
        InputError, match=r"1 of 3 images have no label image; of images/B07_3.tif it should be .*B07-3"
    ):
        find(images)


def test_the_pipeline_looks_for_the_files_too(images: Path) -> None:
    section = {"objects": {"nucleus": {"method": "labels", "files": "{stem}.png"}}}
    with pytest.raises(InputError, match="no label image"):
        prepared({**LOAD, "segment": section}, inputs=[images], output=images.parent / "out", stages=PIPELINE)
