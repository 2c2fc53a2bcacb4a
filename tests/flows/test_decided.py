"""A run with illumination, quality rules and normalisation, and another one that takes over what it decided."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from polars.testing import assert_frame_equal

from flows.config import parse_config
from flows.engine.summary import Summary
from flows.preprocess import preprocess
from tasks.core.types import AnyArray
from tasks.illumination.config import Polynomial
from tasks.illumination.correction import corrected, correction_image
from tasks.illumination.pictures import read_tiff
from tasks.illumination.published import read_published
from tasks.illumination.sums import FieldSum, added
from tasks.normalize import read_scaling

HEIGHT, WIDTH = 150, 190
DECIDED: dict[str, Any] = {
    "illumination": {"method": "polynomial", "group_by": "plate", "degree": 2},
    "quality": [{"metric": "area", "threshold": {"method": "mad", "n": -4}, "group_by": "plate"}],
    "normalize": {"method": "quantile", "lower": 0.1, "upper": 0.9, "group_by": "plate"},
}


def run(images: Path, output: Path, *, scheduler: str, size: int, **sections: object) -> Summary:
    config = parse_config(
        {
            "load": {"pattern": r"P(?P<plate>[AB])/", "channels": {"DNA": 0, "RNA": 1}},
            "segment": {"objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 14}}},
            "features": {"families": ["intensity"], "dtype": "float64"},
            "run": {"partition_size": size, "resources": {"segment": {"CPU": 1}}},
            **sections,
        }
    )
    return preprocess(config=config, inputs=[str(images)], output=str(output), cluster=scheduler)


def table(output: Path) -> pl.DataFrame:
    return pl.read_parquet(output / "features" / "part-*.parquet")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fields of two plates, each shaded in its own way; a few cells are far too small."""
    folder = tmp_path_factory.mktemp("plates") / "images"
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for number in range(10):
        plate = "AB"[number % 2]
        shade = 1 - 0.4 * (rows / HEIGHT if plate == "A" else columns / WIDTH)
        image = np.full((2, HEIGHT, WIDTH), 150.0)
        for place, (row, column) in enumerate(np.ndindex(4, 5)):
            distance = np.hypot(rows - (20 + 36 * row), columns - (20 + 37 * column))
            image += (900 + 10 * place) * (distance < (4 if place == number else 8))
        path = folder / f"P{plate}" / f"{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, rng.poisson(image * shade).astype(np.uint16), photometric="minisblack")
    return folder


@pytest.fixture(scope="module")
def preprocessed(scheduler: str, images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    output = tmp_path_factory.mktemp("decided")
    return output, run(images, output, scheduler=scheduler, size=3, **DECIDED)


def plate_images(images: Path, plate: str) -> dict[str, AnyArray]:
    return {f"images/P{plate}/{path.name}": tifffile.imread(path) for path in sorted((images / f"P{plate}").iterdir())}


@pytest.mark.parametrize("plate", ["A", "B"])
def test_correction_images_are_those_of_one_process(
    images: Path, preprocessed: tuple[Path, Summary], plate: str
) -> None:
    statistics = preprocessed[0] / "statistics"
    (correction,) = [
        entry
        for entry in read_published(statistics / "illumination.json").corrections
        if entry.group == {"plate": plate}
    ]
    assert (correction.images, correction.height, correction.width) == (5, HEIGHT, WIDTH)
    light = added([FieldSum.of(field, downscale=4) for field in plate_images(images, plate).values()])
    image = read_tiff(statistics / correction.file)
    assert np.array_equal(image, correction_image(light, config=Polynomial(degree=2)))
    shade = image[0, :, 0] / image[0, 0, 0] if plate == "A" else image[0, 0] / image[0, 0, 0]
    assert shade[-1] == pytest.approx(0.6, abs=0.12)  # the cells stand on a grid
    assert (statistics / correction.file).with_suffix(".png").stat().st_size > 1000


@pytest.mark.parametrize("plate", ["A", "B"])
def test_the_scaling_is_that_of_all_pixels_of_the_kept_cells(
    images: Path, preprocessed: tuple[Path, Summary], plate: str
) -> None:
    output, _ = preprocessed
    cells = table(output).filter(pl.col("meta__plate") == plate)
    correction = next(iter((output / "statistics" / "illumination").glob(f"*_{plate}_*.tif")))
    pixels = []
    for name, image in plate_images(images, plate).items():
        labels = tifffile.imread(output / "labels" / f"{name}.nucleus.tif")
        own = cells.filter(pl.col("meta__image") == name)["meta__object"].to_numpy()
        pixels.append(corrected(image, read_tiff(correction))[0][np.isin(labels, own)])
    lower, upper = np.quantile(np.concatenate(pixels).astype(np.float64), [0.1, 0.9])
    scaling = read_scaling(output).of({"plate": plate}).channels[0]
    assert scaling.count == sum(map(len, pixels)) > 10_000
    assert scaling.center == pytest.approx(lower, rel=2**-13)
    assert scaling.center + scaling.scale == pytest.approx(upper, rel=2**-12)
    means = cells["nucleus__intensity_mean__DNA"]
    assert -0.5 < means.min() < means.max() < 1.5  # type: ignore[operator]


def test_too_small_cells_are_rejected_by_the_rule(preprocessed: tuple[Path, Summary]) -> None:
    output, summary = preprocessed
    assert summary.statuses == {"kept": 190, "quality:area": 10}
    assert [(decision.step, decision.groups, decision.before, decision.after) for decision in summary.decided] == [
        ("illumination", 2, None, None), ("quality:area", 2, 200, 190), ("normalize", 2, None, None),
    ]  # fmt: skip
    assert len(table(output)) == 190


def test_another_run_takes_over_all_that_was_decided(
    images: Path, preprocessed: tuple[Path, Summary], tmp_path: Path, scheduler: str
) -> None:
    output, summary = preprocessed
    used = {"use": str(output)}
    again = run(images, tmp_path, scheduler=scheduler, size=7, illumination=used, quality=used, normalize=used)
    assert_frame_equal(table(tmp_path), table(output), check_exact=True)
    assert again.statuses == summary.statuses
    assert [decision.model_dump(exclude={"how"}) for decision in again.decided] == [
        decision.model_dump(exclude={"how"}) for decision in summary.decided
    ]
    for name in ("normalization.json", "illumination/0000_A_150x190.tif"):
        assert (tmp_path / "statistics" / name).read_bytes() == (output / "statistics" / name).read_bytes()

    without = run(images, tmp_path, scheduler=scheduler, size=7)
    assert sorted(path.name for path in (tmp_path / "statistics").rglob("*") if path.is_file()) == ["quality.json"]
    assert without.rows == 200
    mean = table(tmp_path)["nucleus__intensity_mean__DNA"].mean()
    assert mean == pytest.approx(840, rel=0.1)
