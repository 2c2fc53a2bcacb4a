"""The quality stage on files: metrics of a partition, the decision over all, and images that change in between."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from tasks.pixels import Reading

from flows.config import Config, parse_config
from tasks.core.decision import Decision
from tasks.core.errors import RunError
from tasks.core.layout import FAULTS, Layout
from tasks.ingest.listing import Ingested, list_images
from tasks.mask.task import mask_partition
from tasks.quality.config import Quality
from tasks.quality.decide import decide, decide_by
from tasks.quality.survey import AskTally, AskValues
from tasks.quality.task import measure_partition, merge_surveys, read_survey, survey_partitions
from tasks.segment.task import segment_partition

RUN = "test"
NUCLEI = {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 12}}
CELLS = {**NUCLEI, "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"}}
MEDIAN = {"method": "quantile", "q": 0.5}


@dataclass(frozen=True)
class Found:
    """A data set that is masked or segmented, a folder per partition."""

    config: Config
    listed: Ingested
    layout: Layout
    folders: list[Path]
    work: Path

    @property
    def quality(self) -> Quality:
        assert self.config.quality is not None
        return self.config.quality

    def cells(self, partition: int = 0) -> pl.DataFrame:
        return pl.read_parquet(self.folders[partition] / "cells.parquet", glob=False)

    def measure(self, partition: int = 0) -> Path:
        folder = self.work / "quality-metrics" / f"{partition:040d}"
        measure_partition.fn(
            folder=str(folder),
            found=str(self.folders[partition]),
            partition=self.listed.partitions[partition],
            reading=Reading(channels=self.listed.channels, layout=self.layout),
            config=self.quality,
            run=RUN,
        )
        return folder


def find_cells(config: dict[str, Any], *, images: Path, work: Path, size: int) -> Found:
    parsed = parse_config({**config, "run": {"partition_size": size}})
    listed, index, faults = list_images(
        [str(images)], config=parsed.load, partition_size=size, limit=None, seed=0, work=work
    )
    Path(listed.folder).mkdir(parents=True)
    index.write_parquet(Path(listed.folder) / "index.parquet")
    faults.write_parquet(Path(listed.folder) / "faults.parquet")
    layout = parsed.layout(channels=listed.channels, groups=listed.groups, numbered=listed.numbered)
    reading = Reading(channels=listed.channels, layout=layout)
    folders = []
    for partition in listed.partitions:
        folders.append(folder := work / "found" / partition.digest)
        common: dict[str, Any] = {"folder": str(folder), "partition": partition, "reading": reading}
        if parsed.mask is not None:
            mask_partition.fn(**common, config=parsed.mask, run=RUN)
        elif parsed.segment is not None:
            segment_partition.fn(**common, config=parsed.segment, run=RUN)
    return Found(config=parsed, listed=listed, layout=layout, folders=folders, work=work)


@pytest.fixture
def stamps(tmp_path: Path) -> Found:
    """Nine stamps on two plates, ever brighter, a partition per plate; number 4 is all zero, number 8 of uint8."""
    rng = np.random.default_rng(0)
    for number in range(9):
        image = rng.integers(90, 110, (2, 32, 30 + number)).astype(np.uint16)
        image[:, 9:22, 8:21] += np.uint16(100 + 100 * number)
        if number == 4:
            image[:] = 0
        path = tmp_path / "images" / f"P{number % 2}" / f"{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, (image // 4).astype(np.uint8) if number == 8 else image, photometric="minisblack")
    config = {
        "load": {"reader": "multiframe_tiff", "pattern": r"(?P<plate>P\d)", "channels": {"BF": 0, "PI": 1}},
        "mask": {"methods": ["li", "circle"], "main_channel": "BF"},
        "quality": [
            {"metric": "sum", "channel": "BF", "threshold": MEDIAN, "group_by": "plate"},
            {"metric": "mean", "channel": "PI", "over": "mask", "threshold": {"method": "absolute", "value": 0}},
        ],
    }
    return find_cells(config, images=tmp_path / "images", work=tmp_path / "out[1]" / "work", size=5)


@pytest.fixture
def fields(tmp_path: Path) -> Found:
    """Two fields of round cells of different brightness, one file per field with both channels; one partition."""
    rows, columns = np.mgrid[:96, :112]
    rng = np.random.default_rng(1)
    for number in range(2):
        image = rng.normal(100, 3, (2, 96, 112))
        for place, (row, column) in enumerate([(24, 24), (24, 64), (64, 40), (66, 90)]):
            distance = np.hypot(rows - row, columns - column)
            image[0] += (distance < 6) * (300 + 200 * place)
            image[1] += (distance < 12) * (200 + 300 * place + 500 * number)
        (tmp_path / "images").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "images" / f"{number}.tif", image.astype(np.uint16), photometric="minisblack")
    config = {
        "load": {"channels": {"DNA": 0, "RNA": 1}},
        "segment": {"objects": CELLS},
        "quality": [
            {"metric": "mean", "channel": "RNA", "over": "mask", "region": "cell", "threshold": MEDIAN},
            {"metric": "sum", "channel": "DNA", "threshold": {"method": "absolute", "value": 0}},
        ],
    }
    return find_cells(config, images=tmp_path / "images", work=tmp_path / "work", size=2)


def test_every_cell_found_has_a_row_and_the_kept_ones_have_metrics(stamps: Found) -> None:
    for partition in range(2):
        cells = stamps.cells(partition)
        metrics = pl.read_parquet(stamps.measure(partition) / "metrics.parquet", glob=False)
        assert metrics["meta__image"].to_list() == cells["meta__image"].to_list()
        assert metrics["status"].to_list() == cells["status"].to_list()
        assert metrics["meta__plate"].to_list() == cells["meta__plate"].to_list()
        kept = (metrics["status"] == "kept").to_numpy()
        for column in ("image__quality_sum__BF", "li__quality_mean__PI"):
            np.testing.assert_array_equal(metrics[column].is_not_null().to_numpy(), kept)
    first = pl.read_parquet(stamps.work / "quality-metrics" / f"{0:040d}" / "metrics.parquet", glob=False)
    image = tifffile.imread(stamps.work.parents[1] / "images" / "P0" / "2.tif")
    (row,) = first.filter(pl.col("meta__image") == "images/P0/2.tif").iter_rows(named=True)
    assert row["image__quality_sum__BF"] == int(image[0].sum(dtype=np.int64))


def test_stamps_of_another_dtype_are_measured_in_their_place(stamps: Found) -> None:
    metrics = [pl.read_parquet(stamps.measure(part) / "metrics.parquet", glob=False) for part in range(2)]
    table = pl.concat(metrics).filter(pl.col("status") == "kept")
    for image, total in table.select("meta__image", "image__quality_sum__BF").rows():
        pixels = tifffile.imread(stamps.work.parents[1] / image)
        assert total == int(pixels[0].sum(dtype=np.int64))
    dtypes = pl.read_parquet(stamps.folders[0] / "images.parquet", glob=False)["dtype"].to_list()
    assert dtypes == ["uint16"] * 4 + ["uint8"]


def test_the_metrics_of_objects_are_those_of_their_own_pixels_in_the_field(fields: Found) -> None:
    metrics = pl.read_parquet(fields.measure() / "metrics.parquet", glob=False)
    assert len(metrics) == 8
    for row in metrics.iter_rows(named=True):
        pixels = tifffile.imread(fields.work.parent / row["meta__image"])
        labels = tifffile.imread(fields.folders[0] / "labels" / f"{row['position']:05d}.cell.tif")
        mean = pixels[1][labels == row["meta__object"]].mean()
        assert row["cell__quality_mean__RNA"] == pytest.approx(mean, rel=1e-12)
        assert row["image__quality_sum__DNA"] == pixels[0].sum()


def decide_by_tasks(found: Found) -> Decision:
    """Decide as the flow does, a task per partition and one that merges their answers."""
    measured = [str(found.measure(part)) for part in range(len(found.folders))]
    counter = count()

    def ask(survey: AskValues | AskTally) -> Any:  # noqa: ANN401 - Answers or Tally
        parts = []
        for one in measured:
            parts.append(str(found.work / "quality-decision" / f"{next(counter):040d}"))
            survey_partitions.fn(folder=parts[-1], measured=[one], survey=survey, run=RUN)
        folder = found.work / "quality-decision" / f"{next(counter):040d}"
        merge_surveys.fn(folder=str(folder), parts=parts, run=RUN)
        return read_survey(folder)

    return decide_by(ask, rules=found.quality.rules, default_region=found.layout.regions[0], stamps=found.layout.stamps)


def test_tasks_decide_as_one_process_does(stamps: Found) -> None:
    decision = decide_by_tasks(stamps)
    groups = decision.rules[0].groups
    # P0: 0, 2, 6 and the dim uint8 stamp; P1: 1, 3, 5, 7. Number 4 is all zero.
    assert [(one.group, one.before, one.after) for one in groups] == [({"plate": "P0"}, 4, 2), ({"plate": "P1"}, 4, 2)]
    folders = [stamps.work / "quality-metrics" / f"{part:040d}" for part in range(2)]
    metrics = pl.concat([pl.read_parquet(folder / "metrics.parquet", glob=False) for folder in folders])
    assert decision == decide(metrics, rules=stamps.quality.rules, default_region="li", stamps=True)
    statuses = decision.statuses(metrics, metrics["status"].to_list())
    assert {one: statuses.count(one) for one in statuses} == {"kept": 4, "no_object": 1, "quality:sum_BF": 4}


def test_a_data_set_without_kept_cells_goes_through(stamps: Found) -> None:
    for folder in stamps.folders:
        cells = pl.read_parquet(folder / "cells.parquet", glob=False)
        cells.with_columns(status=pl.lit("border")).write_parquet(folder / "cells.parquet")
    assert [one.groups for one in decide_by_tasks(stamps).rules] == [(), ()]


def test_an_image_that_has_gone_is_set_aside_and_the_others_are_measured(stamps: Found) -> None:
    gone = stamps.work.parents[1] / "images" / "P0" / "2.tif"
    gone.unlink()
    folder = stamps.measure()
    faults = pl.read_parquet(folder / "faults.parquet", glob=False)
    assert faults["meta__image"].to_list() == ["images/P0/2.tif"]
    assert "is not there any more" in faults["message"].item()
    assert dict(faults.schema) == FAULTS
    metrics = pl.read_parquet(folder / "metrics.parquet", glob=False)
    without = metrics.filter(pl.col("image__quality_sum__BF").is_null())["meta__image"].to_list()
    assert sorted(without) == ["images/P0/2.tif", "images/P0/4.tif"]


def test_an_image_that_has_changed_stops_the_run_and_what_was_found_in_it_is_discarded(stamps: Found) -> None:
    changed = stamps.work.parents[1] / "images" / "P0" / "2.tif"
    image = tifffile.imread(changed)
    image[0, 0, 0] += 1
    tifffile.imwrite(changed, image, photometric="minisblack")
    with pytest.raises(RunError, match=r"images/P0/2\.tif changed while the run went on \(1 such images"):
        stamps.measure()
    assert not stamps.folders[0].exists()
    assert stamps.folders[1].exists()
    assert (stamps.measure(1) / "metrics.parquet").exists()
