"""A partition is worked through in batches of bounded bytes, and what is made of it does not depend on them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tasks.core.pixel_source import Footprint, read_images
from tasks.core.types import AnyArray
from tasks.core.work import StageResult
from tasks.features.task import extract_partition
from tasks.illumination.task import sum_partition
from tasks.normalize.task import count_partition
from tasks.quality.task import measure_partition
from tests.running import Run

LOAD = {"channels": {"BF": 0, "PI": 1}, "pattern": r"(?P<plate>P\d)"}
FIND: dict[str, dict[str, Any]] = {
    "stamps": {"mask": {"methods": ["li", {"method": "circle", "name": "disc"}], "main_channel": "BF"}},
    "fields": {"segment": {"objects": {"nucleus": {"method": "watershed", "channel": "BF", "diameter": 12}}}},
}
RULE = {"metric": "mean", "channel": "PI", "over": "mask", "threshold": {"method": "absolute", "value": 0}}
IMAGE_BYTES = 2 * 60 * 70 * 2
"""Pixels of the smallest image; one of float32 has twice as many."""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Images of two plates, dtypes and sizes, one of them larger than the others together, and two broken ones."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(9):
        side = 400 if number == 5 else 60
        rows, columns = np.mgrid[:side, : side + 10]
        image = rng.normal(100, 3, (2, side, side + 10))
        for row, column in [(20, 20), (35, 45)]:
            image += (500 + 10 * number) * (np.hypot(rows - row, columns - column) < 7)
        dtype = np.float32 if number % 3 == 1 else np.uint16
        path = folder / f"P{number % 2}_{number}.tif"
        tifffile.imwrite(
            path, image.astype(dtype), photometric="minisblack", compression="zlib" if number > 6 else None
        )
    for name in ("P0_3.tif", "P1_9.tif"):
        (folder / name).write_bytes(b"II*\0 no picture")
    return folder


def run_of(kind: str, *, images: Path, batch_bytes: int) -> Run:
    config = {"load": LOAD, "quality": [RULE], **FIND[kind]}
    run = Run.of(config, inputs=[images], output=images.parent / str(batch_bytes))
    return replace(run, source=replace(run.source, batch_bytes=batch_bytes))


def results(kind: str, *, images: Path, batch_bytes: int) -> dict[str, StageResult]:
    """Do all tasks of the one partition."""
    run = run_of(kind, images=images, batch_bytes=batch_bytes)
    (partition,), (cells,) = run.partitions, run.cells
    quality = run.config.quality
    assert quality is not None
    own = {"partition": partition, "cells": cells, "source": run.source}
    made = {
        "cells": cells,
        "metrics": run.do(measure_partition, **own, measurements=quality.measurements),
        "counts": run.do_kept(count_partition, region=run.layout.regions[0], group_by=("plate",)),
        "features": run.do_kept(extract_partition, config=run.config.features),
    }
    if kind == "fields":
        given = {"partition": partition, "source": run.source, "group_by": ("plate",), "downscale": 4}
        made["sums"] = run.do(sum_partition, **given)
    return made


@pytest.mark.parametrize("kind", ["stamps", "fields"])
def test_every_task_makes_the_same_of_a_partition_whatever_the_batches(kind: str, images: Path) -> None:
    at_once, *others = (results(kind, images=images, batch_bytes=size) for size in (2**30, 3 * IMAGE_BYTES, 1))
    for other in others:
        for name, expected in at_once.items():
            got = other[name]
            assert (got.key, got.content, got.counts) == (expected.key, expected.content, expected.counts)
            files = [path.relative_to(expected.folder) for path in sorted(Path(expected.folder).rglob("*.*"))]
            assert files == [path.relative_to(got.folder) for path in sorted(Path(got.folder).rglob("*.*"))]
            for path in (str(file) for file in files):
                if path.endswith(".parquet"):
                    tables = [pl.read_parquet(result.file(path), glob=False) for result in (got, expected)]
                    assert_frame_equal(*tables, check_exact=True)
                else:
                    assert got.file(path).read_bytes() == expected.file(path).read_bytes()
        assert other["features"].file("features.parquet").read_bytes() == (
            at_once["features"].file("features.parquet").read_bytes()
        )
    assert at_once["cells"].counts["quarantined"] == 2
    assert at_once["features"].counts["rows"] > 5


@pytest.mark.parametrize("batch_bytes", [1, 3 * IMAGE_BYTES, 2**30])
def test_a_batch_takes_so_many_bytes_and_a_larger_image_comes_alone(images: Path, batch_bytes: int) -> None:
    run = run_of("stamps", images=images, batch_bytes=batch_bytes)
    batches = list(read_images(run.partitions[0], source=run.source))
    for batch in batches:
        assert len(batch.table) == 1 or sum(pixels(batch.pixels)) <= batch_bytes
    assert [row for batch in batches for row in batch.table["position"]] == list(range(11))
    assert len(batches) == {1: 11, 2**30: 1}.get(batch_bytes, len(batches))
    if 1 < batch_bytes < 2**30:
        assert 4 < len(batches) < 11


def test_only_the_images_asked_for_are_read(images: Path) -> None:
    run = run_of("stamps", images=images, batch_bytes=1)
    read = list(read_images(run.partitions[0], source=run.source, positions=[2, 7]))
    assert [batch.table["position"].to_list() for batch in read] == [[2], [7]]
    assert list(read_images(run.partitions[0], source=run.source, positions=[])) == []


@given(
    sizes=st.lists(st.integers(0, 1_000), min_size=1, max_size=40),
    limit=st.integers(1, 10_000),
    ratio=st.integers(1, 9),
)
def test_files_that_shrink_alike_are_taken_so_that_they_fit(sizes: list[int], limit: int, ratio: int) -> None:
    read = Footprint(images=1, file_bytes=10, pixel_bytes=10 * ratio)
    count = read.fitting(np.array(sizes), limit=limit)
    assert 1 <= count <= len(sizes)
    assert count == 1 or ratio * sum(sizes[:count]) <= limit


def pixels(images: list[AnyArray | None]) -> list[int]:
    return [image.nbytes for image in images if image is not None]
