"""The quality stage on files: metrics of a partition, the decision over all, and images that change in between."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile

from tasks.core.decision import QualityDecision
from tasks.core.errors import RunError
from tasks.core.layout import FAULTS
from tasks.core.work import StageResult
from tasks.quality.config import Quality
from tasks.quality.decide import decide, fit_rules
from tasks.quality.measure import with_regions
from tasks.quality.survey import CountsQuery, ValuesQuery
from tasks.quality.task import measure_partition, merge_surveys, read_survey, survey_partitions
from tests.running import Run

NUCLEI = {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 12}}
CELLS = {**NUCLEI, "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"}}
MEDIAN = {"method": "quantile", "q": 0.5}


def measure(run: Run, partition: int = 0) -> StageResult:
    given = {"partition": run.partitions[partition], "cells": run.cells[partition], "source": run.source}
    return run.do(measure_partition, **given, measurements=quality(run).measurements)


def quality(run: Run) -> Quality:
    assert run.config.quality is not None
    return run.config.quality


def table(result: StageResult, name: str = "metrics.parquet") -> pl.DataFrame:
    return pl.read_parquet(result.file(name), glob=False)


@pytest.fixture
def stamps(tmp_path: Path) -> Run:
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
    return Run.of(config, inputs=[tmp_path / "images"], output=tmp_path / "out[1]", size=5)


@pytest.fixture
def fields(tmp_path: Path) -> Run:
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
    return Run.of(config, inputs=[tmp_path / "images"], output=tmp_path, size=2)


def test_every_cell_found_has_a_row_and_the_kept_ones_have_metrics(stamps: Run) -> None:
    for partition in range(2):
        cells, metrics = table(stamps.cells[partition], "cells.parquet"), table(measure(stamps, partition))
        assert metrics["meta__image"].to_list() == cells["meta__image"].to_list()
        assert metrics["status"].to_list() == cells["status"].to_list()
        assert metrics["meta__plate"].to_list() == cells["meta__plate"].to_list()
        passes = (metrics["status"] == "kept").to_numpy()
        for column in ("image__quality_sum__BF", "li__quality_mean__PI"):
            np.testing.assert_array_equal(metrics[column].is_not_null().to_numpy(), passes)
    image = tifffile.imread(stamps.work.parents[1] / "images" / "P0" / "2.tif")
    (row,) = table(measure(stamps)).filter(pl.col("meta__image") == "images/P0/2.tif").iter_rows(named=True)
    assert row["image__quality_sum__BF"] == int(image[0].sum(dtype=np.int64))


def test_stamps_of_another_dtype_are_measured_in_their_place(stamps: Run) -> None:
    kept_cells = pl.concat(table(measure(stamps, part)) for part in range(len(stamps.partitions))).filter(
        pl.col("status") == "kept"
    )
    for image, total in kept_cells.select("meta__image", "image__quality_sum__BF").rows():
        pixels = tifffile.imread(stamps.work.parents[1] / image)
        assert total == int(pixels[0].sum(dtype=np.int64))
    dtypes = {frozenset(table(cells, "images.parquet")["dtype"]) for cells in stamps.cells}
    assert frozenset({"uint16", "uint8"}) in dtypes, "one partition has both"


def test_the_metrics_of_objects_are_those_of_their_own_pixels_in_the_field(fields: Run) -> None:
    metrics = table(measure(fields))
    assert len(metrics) == 8
    for row in metrics.iter_rows(named=True):
        pixels = tifffile.imread(fields.work.parent / row["meta__image"])
        labels = tifffile.imread(fields.cells[0].file("labels") / f"{row['position']:05d}.cell.tif")
        mean = pixels[1][labels == row["meta__object"]].mean()
        assert row["cell__quality_mean__RNA"] == pytest.approx(mean, rel=1e-12)
        assert row["image__quality_sum__DNA"] == pixels[0].sum()


def decide_by_tasks(run: Run) -> QualityDecision:
    """Decide as the flow does, a task per partition and one that merges their answers."""
    measured = [measure(run, part) for part in range(len(run.partitions))]

    def ask(survey: ValuesQuery | CountsQuery) -> Any:  # noqa: ANN401 - Answers or RuleCounts
        parts = [run.do(survey_partitions, measured=[result], survey=survey) for result in measured]
        return read_survey(run.do(merge_surveys, parts=parts))

    layout = run.layout
    rules = with_regions(quality(run).rules, main_region=layout.regions[0], stamps=layout.stamps)
    return fit_rules(ask, rules=rules)


def test_tasks_decide_as_one_process_does(stamps: Run) -> None:
    decision = decide_by_tasks(stamps)
    groups = decision.rules[0].groups
    # P0: 0, 2, 6 and the dim uint8 stamp; P1: 1, 3, 5, 7. Number 4 is all zero.
    assert [(group.group, group.before, group.after) for group in groups] == [
        ({"plate": "P0"}, 4, 2),
        ({"plate": "P1"}, 4, 2),
    ]
    metrics = pl.concat(table(measure(stamps, part)) for part in range(2))
    assert decision == decide(metrics, rules=with_regions(quality(stamps).rules, main_region="li", stamps=True))
    statuses = decision.statuses(metrics, metrics["status"].to_list())
    assert {status: statuses.count(status) for status in statuses} == {"kept": 4, "no_object": 1, "quality:sum_BF": 4}


def test_a_data_set_without_kept_cells_goes_through(stamps: Run) -> None:
    for cells in stamps.cells:
        table(cells, "cells.parquet").with_columns(status=pl.lit("border")).write_parquet(cells.file("cells.parquet"))
    assert [rule.groups for rule in decide_by_tasks(stamps).rules] == [(), ()]


def test_an_image_that_has_gone_is_set_aside_and_the_others_are_measured(stamps: Run) -> None:
    assert len(stamps.cells) == 2, "found while it was there"
    gone = stamps.work.parents[1] / "images" / "P0" / "2.tif"
    gone.unlink()
    measured = measure(stamps)
    faults = table(measured, "faults.parquet")
    assert faults["meta__image"].to_list() == ["images/P0/2.tif"]
    assert "is not there any more" in faults["message"].item()
    assert dict(faults.schema) == FAULTS
    without = table(measured).filter(pl.col("image__quality_sum__BF").is_null())["meta__image"].to_list()
    assert sorted(without) == ["images/P0/2.tif", "images/P0/4.tif"]


def test_an_image_that_has_changed_stops_the_run_and_what_was_found_in_it_is_discarded(stamps: Run) -> None:
    folders = [Path(result.folder) for result in stamps.cells]
    changed = stamps.work.parents[1] / "images" / "P0" / "2.tif"
    image = tifffile.imread(changed)
    image[0, 0, 0] += 1
    tifffile.imwrite(changed, image, photometric="minisblack")
    with pytest.raises(RunError, match=r"images/P0/2\.tif changed while the run went on \(1 such images"):
        measure(stamps)
    assert [folder.exists() for folder in folders] == [False, True]
    assert measure(stamps, 1).file("metrics.parquet").exists()
