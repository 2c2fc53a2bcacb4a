"""Every reader's data can be filtered: what the tasks decide is compared with plain numpy on the pixels it loads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile

from tasks.core.decision import QualityDecision
from tasks.core.types import AnyArray
from tasks.ingest.config import Load
from tasks.ingest.listing import list_images
from tasks.ingest.readers import readers
from tasks.mask import circle_mask
from tasks.quality.decide import fit_rules
from tasks.quality.measure import with_regions
from tasks.quality.survey import CountsQuery, ValuesQuery
from tasks.quality.task import measure_partition, merge_surveys, read_survey, survey_partitions
from tests.running import Run


@dataclass(frozen=True, kw_only=True)
class Case:
    """Real images of one reader, how cells are found in them, and what two rules look at.

    Rule ``dim`` keeps images whose sum lies above a quantile, rule ``bright`` cells whose mean lies below one.

    Parameters
    ----------
    images
        Glob patterns below the folder of real images.
    image, mask
        Index of the channel that each rule looks at.
    dim, bright
        The quantiles.
    groups
        Metadata by which the first rule has its thresholds.
    """

    images: tuple[str, ...]
    load: dict[str, Any]
    find: dict[str, Any]
    image: int
    mask: int
    dim: float
    bright: float
    size: int
    groups: tuple[str, ...] = ()

    def config(self, channels: tuple[str, ...]) -> dict[str, Any]:
        """Return the configuration as a user would write it."""
        dim, bright = ({"method": "quantile", "q": q} for q in (self.dim, self.bright))
        image, mask = channels[self.image], channels[self.mask]
        rules = [
            {"name": "dim", "metric": "sum", "channel": image, "threshold": dim, "group_by": list(self.groups)},
            {"name": "bright", "metric": "mean", "channel": mask, "over": "mask", "keep": "below", "threshold": bright},
        ]
        return {"load": self.load, **self.find, "quality": rules}

    def group(self, cell: dict[str, Any]) -> tuple[str, ...]:
        """Return the group that a cell belongs to."""
        return tuple(cell[f"meta__{name}"] for name in self.groups)


CASES = {
    "cif": Case(
        images=("ifc_cif/eos_objects_000_059.cif",),
        load={"reader": "cif"},
        find={"mask": {"methods": ["circle"], "main_channel": "Ch5"}},
        image=4,
        mask=0,
        dim=0.3,
        bright=0.7,
        size=25,
    ),
    "image": Case(
        images=("seg_dsb2018/images/[013]*.tif",),  # of 162×519 to 512×640 pixels
        load={"reader": "image", "channels": {"DNA": 0}},
        find={"segment": {"objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 20}}}},
        image=0,
        mask=0,
        dim=0.4,
        bright=0.8,
        size=3,
    ),
    "multiframe_tiff": Case(
        images=("ifc_jurkat_cellcycle/images/G1/G1_000*.tif", "ifc_jurkat_cellcycle/images/G2/G2_000*.tif"),
        load={
            "reader": "multiframe_tiff",
            "pattern": r"(?P<phase>G\d)_\d+\.tif",
            "channels": {"BF": 0, "PI": 1, "SSC": 2},
        },
        find={"mask": {"methods": ["circle"], "main_channel": "PI"}},
        image=1,
        mask=0,
        dim=0.25,
        bright=0.6,
        size=8,
        groups=("phase",),
    ),
    "ome_zarr": Case(
        images=("omezarr_plates/nf1_plate_v0.4.zarr",),
        load={"reader": "ome_zarr"},
        find={"segment": {"objects": {"nucleus": {"method": "watershed", "channel": "c0", "diameter": 60}}}},
        image=1,
        mask=2,
        dim=0.3,
        bright=0.7,
        size=1,
    ),
    "ragged_zarr": Case(
        images=("ifc_pbmc_multiframe/test.zarr",),
        load={"reader": "ragged_zarr"},
        find={"mask": {"methods": ["circle"], "main_channel": "c0"}},
        image=0,
        mask=4,
        dim=0.3,
        bright=0.5,
        size=4,
    ),
    "tiff_per_channel": Case(
        images=("ifc_pbmc_multiframe/fields/*.tiff",),
        load={"reader": "tiff_per_channel", "pattern": r"test(?P<field>\d)_(?P<channel>\d)\.tiff$"},
        find={"segment": {"objects": {"nucleus": {"method": "watershed", "channel": "1", "diameter": 20}}}},
        image=1,
        mask=0,
        dim=0.3,
        bright=0.7,
        size=1,
    ),
}

WITHOUT = {"ome_tiff", "bioio", "aicsimageio"}
"""Readers of which the real images hold no set of several flat images."""


@dataclass(frozen=True, kw_only=True)
class Filtered:
    """What the tasks decided on the cells of a case.

    Parameters
    ----------
    cells
        The cells found, with what plain numpy measures in the pixels that the reader loads: ``image``, the sum over the
        image, and ``mask``, the mean over mask or object.
    statuses
        Of each cell, after the decision.
    """

    case: Case
    decision: QualityDecision
    cells: pl.DataFrame
    statuses: list[str]


def decide_on_files(case: Case, *, data: Path, work: Path) -> Filtered:
    """Run the tasks as the flow does, a partition after the other."""
    inputs = [data / image for image in case.images]
    listing = list_images(
        [*map(str, inputs)],
        config=Load.model_validate(case.load),
        partition_size=case.size,
        limit=None,
        seed=0,
        work=work / "work",
    )
    assert listing.faults.is_empty()
    run = Run.of(case.config(listing.images.channels.names), inputs=inputs, output=work, size=case.size)
    assert len(run.partitions) > 1
    assert run.config.quality is not None
    rules, measurements = run.config.quality.rules, run.config.quality.measurements
    cells, measured = [], []
    for partition, result in zip(run.partitions, run.cells, strict=True):
        own = {"partition": partition, "cells": result, "source": run.source}
        measured.append(run.do(measure_partition, **own, measurements=measurements))
        loaded = run.source.load(listing.index.slice(partition.start, partition.images))
        assert loaded.faults == []
        table = pl.read_parquet(result.file("cells.parquet"), glob=False)
        numpy = by_numpy(case, cells=table, images=loaded.images, labels=result.file("labels"))
        cells.append(table.with_columns(*numpy))

    def ask(survey: ValuesQuery | CountsQuery) -> Any:  # noqa: ANN401 - Answers or RuleCounts
        parts = [run.do(survey_partitions, measured=[result], survey=survey) for result in measured]
        return read_survey(run.do(merge_surveys, parts=parts))

    decision = fit_rules(ask, rules=with_regions(rules, main_region=run.layout.regions[0], stamps=run.layout.stamps))
    metrics = pl.concat([pl.read_parquet(result.file("metrics.parquet"), glob=False) for result in measured])
    statuses = decision.statuses(metrics, metrics["status"].to_list())
    return Filtered(case=case, decision=decision, cells=pl.concat(cells), statuses=statuses)


def by_numpy(case: Case, *, cells: pl.DataFrame, images: Sequence[AnyArray | None], labels: Path) -> list[pl.Series]:
    """Measure, of the cells that were found, the sum over the image and the mean over circle or nucleus."""
    sums, means = [], []
    for cell in cells.iter_rows(named=True):
        image = images[cell["position"]]
        assert image is not None
        if labels.is_dir():
            inside = tifffile.imread(labels / f"{cell['position']:05d}.nucleus.tif") == cell["meta__object"]
        else:
            inside = circle_mask(image[0])
        sums.append(float(image[case.image].sum(dtype=np.float64)))
        means.append(float(image[case.mask][inside].mean(dtype=np.float64)) if inside.any() else None)
    return [pl.Series("image", sums), pl.Series("mask", means, dtype=pl.Float64)]


@pytest.fixture(scope="module", params=sorted(CASES))
def filtered(request: pytest.FixtureRequest, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Filtered:
    """Decide on the images of each reader."""
    return decide_on_files(CASES[request.param], data=data_root, work=tmp_path_factory.mktemp(request.param))


def test_there_is_a_case_of_every_reader() -> None:
    assert {case.load["reader"] for case in CASES.values()} == set(readers.names) - WITHOUT == set(CASES)


def test_the_rule_over_images_is_that_of_numpy(filtered: Filtered) -> None:
    """Each image counts once; its threshold is a quantile of the sums of the images that have a cell to be kept."""
    images = {
        cell["meta__image"]: (filtered.case.group(cell), cell["image"])
        for cell in filtered.cells.iter_rows(named=True)
        if cell["status"] == "kept"
    }
    groups = filtered.decision.rules[0].groups
    assert [tuple(group.group.values()) for group in groups] == sorted({group for group, _ in images.values()})
    for fitted in groups:
        sums = np.array([total for group, total in images.values() if group == tuple(fitted.group.values())])
        assert fitted.threshold == np.quantile(sums, filtered.case.dim)
        assert fitted.before == len(sums)
        assert fitted.after == np.count_nonzero(sums > fitted.threshold)
        assert 0 < fitted.after < fitted.before


def test_the_rule_over_masks_is_that_of_numpy_among_what_the_first_rule_kept(filtered: Filtered) -> None:
    first, second = filtered.decision.rules
    thresholds = {tuple(group.group.values()): group.threshold for group in first.groups}
    left = [
        cell["mask"]
        for cell in filtered.cells.iter_rows(named=True)
        if cell["status"] == "kept" and cell["image"] > thresholds[filtered.case.group(cell)]
    ]
    (pooled,) = second.groups
    assert pooled.threshold == np.quantile(left, filtered.case.bright)
    assert pooled.before == len(left)
    assert pooled.after == np.count_nonzero(np.array(left) < pooled.threshold)
    assert 0 < pooled.after < pooled.before


def test_every_cell_tells_the_rule_that_rejects_it(filtered: Filtered) -> None:
    first, second = filtered.decision.rules
    thresholds = {tuple(group.group.values()): group.threshold for group in first.groups}
    for cell, status in zip(filtered.cells.iter_rows(named=True), filtered.statuses, strict=True):
        if cell["status"] != "kept":
            expected = cell["status"]
        elif cell["image"] <= thresholds[filtered.case.group(cell)]:
            expected = "quality:dim"
        else:
            expected = "kept" if cell["mask"] < second.groups[0].threshold else "quality:bright"
        assert status == expected
    assert {"kept", "quality:dim", "quality:bright"} <= set(filtered.statuses)
