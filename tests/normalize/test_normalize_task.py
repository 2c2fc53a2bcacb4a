"""Normalisation on files: pixels counted by partition, the scaling found, features measured of scaled pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from polars.testing import assert_frame_equal

from flows.config import parse_config
from tasks.core.work import StageResult
from tasks.features.task import extract_partition
from tasks.normalize import Normalize, Scaling, read_scaling
from tasks.normalize.task import count_partition, fit_scaling, merge_counts
from tasks.normalize.transform import NormalizationRef
from tests.running import Run

STAMPS: dict[str, Any] = {
    "load": {"reader": "multiframe_tiff", "pattern": r"(?P<plate>P\d)", "channels": {"BF": 0, "PI": 1}},
    "mask": {"methods": ["circle", "li"], "main_channel": "BF"},
}
FIELDS: dict[str, Any] = {
    "load": {"pattern": r"(?P<plate>P\d)", "channels": {"BF": 0, "PI": 1}},
    "segment": {"objects": {"nucleus": {"method": "watershed", "channel": "BF", "diameter": 12}}},
}
FEATURES = {"families": ["intensity"], "dtype": "float64"}


def count_of(run: Run, config: Normalize, *, partition: int = 0) -> StageResult:
    region = config.region or run.layout.regions[0]
    return run.do_kept(count_partition, partition=partition, region=region, group_by=config.group_by)


def fit(run: Run, section: dict[str, Any]) -> tuple[Scaling, NormalizationRef]:
    """Find the scaling from the counts of all partitions, the last ones merged first."""
    config = parse_config({**STAMPS, "normalize": section}).normalize
    assert isinstance(config, Normalize)
    parts = [count_of(run, config, partition=number) for number in reversed(range(len(run.partitions)))]
    total = run.do(merge_counts, parts=parts, group_by=config.group_by)
    given = {"channels": ("BF", "PI"), "groups": (), "region": run.layout.regions[0]}
    fitted = run.do(fit_scaling, counted=total, config=config, **given)
    return read_scaling(fitted.folder), NormalizationRef.of(fitted)


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
    run = Run.of({**sections, "features": FEATURES}, inputs=[images], output=tmp_path, size=3)
    scaling, scaled = fit(run, {"method": "robust", "group_by": "plate"})
    assert scaling.region == region
    raw, scaled_features = run.features(), run.features(source=run.source.scaled_by(scaled))
    assert raw["meta__image"].to_list() == scaled_features["meta__image"].to_list()
    assert len(raw) == 8
    for row, plate in enumerate(raw["meta__plate"]):
        for channel in scaling.of({"plate": plate}).channels:
            for stat in ("mean", "median", "min", "max", "bgcorr_mean"):
                column = f"{region}__intensity_{stat}__{channel.channel}"
                center = 0 if stat == "bgcorr_mean" else channel.center
                expected = (raw[column][row] - center) / channel.scale
                assert scaled_features[column][row] == pytest.approx(expected, rel=1e-5, abs=1e-5), column
            column = f"{region}__intensity_std__{channel.channel}"
            assert scaled_features[column][row] == pytest.approx(raw[column][row] / channel.scale, rel=1e-5)


@pytest.mark.parametrize("sections", [STAMPS, FIELDS], ids=["stamps", "fields"])
def test_scaling_and_features_do_not_depend_on_partitions(
    images: Path, tmp_path: Path, sections: dict[str, Any]
) -> None:
    results = []
    for size in (1, 3, 100):
        run = Run.of({**sections, "features": FEATURES}, inputs=[images], output=tmp_path / f"{size}", size=size)
        scaling, scaled = fit(run, {"method": "quantile", "group_by": "plate"})
        results.append((scaling, scaled.identity, run.features(source=run.source.scaled_by(scaled))))
    for scaling, digest, features in results[1:]:
        assert scaling == results[0][0]
        assert digest == results[0][1]
        assert_frame_equal(features, results[0][2], check_exact=True)


def test_the_scaling_is_found_from_the_chosen_mask(images: Path, tmp_path: Path) -> None:
    run = Run.of({**STAMPS, "features": FEATURES}, inputs=[images], output=tmp_path)
    plain, own = read_count(run, region=""), read_count(run, region="li")
    assert plain == 2 * 8 * int((np.hypot(*np.mgrid[-30:30, -32:32]) <= 20).sum())
    assert 0 < own < plain


def read_count(run: Run, *, region: str) -> int:
    """Count the pixels that a scaling over the whole data set is found from."""
    config = parse_config({**STAMPS, "normalize": {"method": "minmax", "region": region}}).normalize
    assert isinstance(config, Normalize)
    return int(pl.read_parquet(count_of(run, config).file("histogram.parquet"))["count"].sum())


def test_an_image_of_a_group_that_a_scaling_does_not_know_is_set_aside(images: Path, tmp_path: Path) -> None:
    run = Run.of({**STAMPS, "features": FEATURES}, inputs=[images], output=tmp_path)
    scaling, _ = fit(run, {"method": "minmax", "group_by": "plate"})
    known = scaling.model_copy(update={"groups": scaling.groups[:1]})
    path = tmp_path / "normalization.json"
    path.write_text(known.model_dump_json(), encoding="utf-8")
    source = run.source.scaled_by(NormalizationRef(file=str(path), identity="0"))
    measured = run.do_kept(extract_partition, source=source, config=run.config.features)
    assert set(pl.read_parquet(measured.file("features.parquet"))["meta__plate"]) == {"P0"}
    faults = pl.read_parquet(measured.file("faults.parquet"))
    assert faults["stage"].unique().to_list() == ["normalize"]
    assert "the group plate 'P1', of which no scaling is known ('P0' are)" in faults["message"][0]
