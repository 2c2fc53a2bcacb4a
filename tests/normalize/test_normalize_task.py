"""Normalisation on files: pixels counted by partition, the scaling found, features measured of scaled pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from polars.testing import assert_frame_equal
from tasks.pixels import Reading, Scaled

from flows.config import parse_config
from tasks.core.decision import Decision
from tasks.features.task import extract_partition
from tasks.ingest.listing import Ingested, list_images
from tasks.mask.task import mask_partition
from tasks.normalize import Normalize, Scaling, read_scaling
from tasks.normalize.task import count_partition, decide_scaling, merge_counts
from tasks.segment.task import segment_partition

STAMPS: dict[str, Any] = {
    "load": {"reader": "multiframe_tiff", "pattern": r"(?P<plate>P\d)", "channels": {"BF": 0, "PI": 1}},
    "mask": {"methods": ["circle", "li"], "main_channel": "BF"},
}
FIELDS: dict[str, Any] = {
    "load": {"pattern": r"(?P<plate>P\d)", "channels": {"BF": 0, "PI": 1}},
    "segment": {"objects": {"nucleus": {"method": "watershed", "channel": "BF", "diameter": 12}}},
}
FEATURES = {"families": ["intensity"], "dtype": "float64"}


@dataclass(frozen=True)
class Run:
    """Images that are masked or segmented, a folder per partition."""

    listed: Ingested
    reading: Reading
    found: list[Path]
    work: Path

    def scaling(self, config: Normalize) -> tuple[Scaling, Scaled]:
        """Find the scaling from the counts of all partitions, the last ones merged first."""
        parts = []
        for number, (partition, found) in enumerate(zip(self.listed.partitions, self.found, strict=True)):
            parts.append(str(self.work / "normalize" / f"{number}"))
            count_partition.fn(
                folder=parts[-1], found=str(found), metrics=None, decision=Decision(rules=()), partition=partition,
                reading=self.reading, config=config, run="test",
            )  # fmt: skip
        merged = self.work / "normalize" / "merged"
        merge_counts.fn(folder=str(merged), parts=parts[::-1], group_by=config.group_by, run="test")
        decided = self.work / "normalize" / "scaling"
        made = decide_scaling.fn(
            folder=str(decided), counted=str(merged), config=config, channels=("BF", "PI"), groups=(),
            default_region=self.reading.layout.regions[0], run="test",
        )  # fmt: skip
        return read_scaling(decided), Scaled(file=str(decided / "normalization.json"), digest=made.digest)

    def features(self, name: str, *, scaled: Scaled | None) -> pl.DataFrame:
        config = parse_config({**STAMPS, "features": FEATURES}).features
        reading = self.reading.model_copy(update={"scaling": scaled})
        tables = []
        for partition, found in zip(self.listed.partitions, self.found, strict=True):
            folder = self.work / name / f"{partition.number}"
            extract_partition.fn(
                folder=str(folder), found=str(found), metrics=None, decision=Decision(rules=()), partition=partition,
                reading=reading, config=config, run="test",
            )  # fmt: skip
            tables.append(pl.read_parquet(folder / "features.parquet"))
        return pl.concat(tables)


def prepare(sections: dict[str, Any], *, images: Path, work: Path, size: int) -> Run:
    config = parse_config(sections)
    listed, index, _ = list_images(
        [str(images)], config=config.load, partition_size=size, limit=None, seed=0, work=work
    )
    Path(listed.folder).mkdir(parents=True)
    index.write_parquet(Path(listed.folder) / "index.parquet")
    layout = config.layout(channels=listed.channels, groups=listed.groups, numbered=listed.numbered)
    reading = Reading(channels=listed.channels, layout=layout)
    folders = []
    for partition in listed.partitions:
        folders.append(work / "found" / f"{partition.number}")
        common: dict[str, Any] = {"folder": str(folders[-1]), "partition": partition, "reading": reading, "run": "test"}
        if config.mask is not None:
            mask_partition.fn(**common, config=config.mask)
        elif config.segment is not None:
            segment_partition.fn(**common, config=config.segment)
    return Run(listed=listed, reading=reading, found=folders, work=work)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Write eight images of two plates, the second brighter; one is of 8 bits."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:60, :64]
    for number in range(8):
        image = rng.normal(60, 2, (2, 60, 64))
        image += (100 + 400 * (number % 2)) * (np.hypot(rows - 30, columns - 32) < 8)
        path = tmp_path / "images" / f"P{number % 2}" / f"{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        dtype = np.uint8 if number == 4 else np.uint16
        tifffile.imwrite(path, image.astype(dtype), photometric="minisblack")
    return tmp_path / "images"


@pytest.mark.parametrize(("sections", "region"), [(STAMPS, "circle"), (FIELDS, "nucleus")], ids=["stamps", "fields"])
def test_features_are_those_of_scaled_pixels(
    images: Path, tmp_path: Path, sections: dict[str, Any], region: str
) -> None:
    run = prepare(sections, images=images, work=tmp_path / "work", size=3)
    config = parse_config({**sections, "normalize": {"method": "robust", "group_by": "plate"}}).normalize
    assert isinstance(config, Normalize)
    scaling, scaled = run.scaling(config)
    assert scaling.region == region
    raw, found = run.features("raw", scaled=None), run.features("scaled", scaled=scaled)
    assert raw["meta__image"].to_list() == found["meta__image"].to_list()
    assert len(raw) == 8
    for row, plate in enumerate(raw["meta__plate"]):
        for channel in scaling.of({"plate": plate}).channels:
            for stat in ("mean", "median", "min", "max", "bgcorr_mean"):
                column = f"{region}__intensity_{stat}__{channel.channel}"
                center = 0 if stat == "bgcorr_mean" else channel.center
                expected = (raw[column][row] - center) / channel.scale
                assert found[column][row] == pytest.approx(expected, rel=1e-5, abs=1e-5), column
            column = f"{region}__intensity_std__{channel.channel}"
            assert found[column][row] == pytest.approx(raw[column][row] / channel.scale, rel=1e-5)


@pytest.mark.parametrize("sections", [STAMPS, FIELDS], ids=["stamps", "fields"])
def test_scaling_and_features_do_not_depend_on_partitions(
    images: Path, tmp_path: Path, sections: dict[str, Any]
) -> None:
    config = parse_config({**sections, "normalize": {"method": "quantile", "group_by": "plate"}}).normalize
    assert isinstance(config, Normalize)
    results = []
    for size in (1, 3, 100):
        run = prepare(sections, images=images, work=tmp_path / f"work{size}", size=size)
        scaling, scaled = run.scaling(config)
        results.append((scaling, scaled.digest, run.features("scaled", scaled=scaled)))
    for scaling, digest, features in results[1:]:
        assert scaling == results[0][0]
        assert digest == results[0][1]
        assert_frame_equal(features, results[0][2], check_exact=True)


def test_the_scaling_is_found_from_the_chosen_mask(images: Path, tmp_path: Path) -> None:
    run = prepare(STAMPS, images=images, work=tmp_path / "work", size=100)
    plain, own = read_count(run, region=""), read_count(run, region="li")
    assert plain == 2 * 8 * int((np.hypot(*np.mgrid[-30:30, -32:32]) <= 20).sum())
    assert 0 < own < plain


def read_count(run: Run, *, region: str) -> int:
    """Count the pixels that a scaling over the whole data set is found from."""
    config = parse_config({**STAMPS, "normalize": {"method": "minmax", "region": region}}).normalize
    assert isinstance(config, Normalize)
    folder = run.work / f"counts{region}"
    count_partition.fn(
        folder=str(folder), found=str(run.found[0]), metrics=None, decision=Decision(rules=()),
        partition=run.listed.partitions[0], reading=run.reading, config=config, run="test",
    )  # fmt: skip
    return int(pl.read_parquet(folder / "histogram.parquet")["count"].sum())


def test_an_image_of_a_group_that_a_scaling_does_not_know_is_set_aside(images: Path, tmp_path: Path) -> None:
    run = prepare(STAMPS, images=images, work=tmp_path / "work", size=100)
    config = parse_config({**STAMPS, "normalize": {"method": "minmax", "group_by": "plate"}}).normalize
    assert isinstance(config, Normalize)
    scaling, _ = run.scaling(config)
    one = scaling.model_copy(update={"groups": scaling.groups[:1]})
    path = tmp_path / "normalization.json"
    path.write_text(one.model_dump_json(), encoding="utf-8")
    features = run.features("one", scaled=Scaled(file=str(path), digest="0"))
    assert set(features["meta__plate"]) == {"P0"}
    faults = pl.read_parquet(run.work / "one" / "0" / "faults.parquet")
    assert faults["stage"].unique().to_list() == ["normalize"]
    assert "the group plate 'P1', of which no scaling is known ('P0' are)" in faults["message"][0]
