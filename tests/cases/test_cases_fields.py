"""A field is more than its first object: scalings, backgrounds, borders and windows, with right values known apart."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile

from tasks.core.crop import WITH_MARGIN, crop_cells
from tasks.core.partition_files import read_labels
from tasks.core.types import AnyArray, BoolArray, FloatArray, LabelArray
from tasks.features.family import families_of
from tasks.normalize import Normalize, find_scaling
from tasks.normalize.task import count_partition
from tests.running import Run

CHANNELS = ("DNA", "actin")


def disc(shape: tuple[int, int], *, at: tuple[int, int], radius: float) -> BoolArray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(rows - at[0], columns - at[1]) <= radius, dtype=np.bool_)


def cells_of(*, sigma: float, border: str) -> dict[str, Any]:
    return {
        "border": border,
        "objects": {
            "nucleus": {"method": "watershed", "channel": "DNA", "diameter": 20, "sigma": sigma},
            "cell": {"method": "seeded_watershed", "channel": "actin", "seeds": "nucleus", "sigma": sigma},
            "cytoplasm": {"method": "subtract", "from": "cell", "remove": "nucleus"},
        },
    }


def segmented(fields: list[AnyArray], *, folder: Path, **sections: Any) -> Run:  # noqa: ANN401 - as in YAML
    """Write fields and list them, as one partition."""
    (folder / "in").mkdir()
    for number, image in enumerate(fields):
        tifffile.imwrite(folder / "in" / f"{number}.tif", image.astype(np.uint16), photometric="minisblack")
    load = {"channels": {name: at for at, name in enumerate(CHANNELS)}}
    return Run.of({"load": load, **sections}, inputs=[folder / "in"], output=folder)


@pytest.mark.parametrize("region", ["nucleus", "cell", "cytoplasm"])
def test_a_scaling_is_found_from_all_pixels_of_its_region(tmp_path: Path, region: str) -> None:
    shape, draw = (220, 260), np.random.default_rng(0)
    dna, actin, ring = np.full(shape, 50), np.full(shape, 20), np.zeros(shape, dtype=np.bool_)
    for at in ((50, 60), (50, 190), (160, 60), (160, 190)):
        for radius, level in ((25, 300), (13, 900), (9, 300)):
            actin[disc(shape, at=at, radius=radius)] = level
        dna[disc(shape, at=at, radius=9)] = 900
        ring |= disc(shape, at=at, radius=25) & ~disc(shape, at=at, radius=9)
    fields = [np.stack([draw.poisson(dna), draw.poisson(actin)]) for _ in range(2)]
    section = {"method": "quantile", "lower": 0.1, "upper": 0.9, "region": region}
    run = segmented(fields, folder=tmp_path, segment=cells_of(sigma=1, border="drop"), normalize=section)
    config = run.config.normalize
    assert isinstance(config, Normalize)
    counted = pl.read_parquet(run.do_kept(count_partition, region=region, group_by=()).file("histogram.parquet"))
    (group,) = find_scaling(counted, config=config, channels=CHANNELS).groups
    labels = [read_labels(Path(run.cells[0].folder), position=number, name=region) > 0 for number in range(2)]
    for channel, scale in enumerate(group.channels):
        pixels = np.concatenate([image[channel][own] for image, own in zip(fields, labels, strict=True)])
        low, high = np.quantile(pixels, [0.1, 0.9])
        assert (scale.count, scale.center, scale.scale) == (len(pixels), low, high - low)
    if region == "cytoplasm":  # as it was drawn; a threshold finds rims within a pixel
        low, high = np.quantile(np.concatenate([image[1][ring] for image in fields]), [0.1, 0.9])
        assert scale.count == pytest.approx(2 * ring.sum(), rel=0.05)
        assert (scale.center, scale.scale) == pytest.approx((low, high - low), rel=0.03)


@pytest.mark.parametrize("column", [236, 218], ids=["nucleus cut", "only its body cut"])
@pytest.mark.parametrize("border", ["drop", "primary", "keep"])
def test_no_object_of_any_cell_is_background_and_a_cell_is_cut_where_any_of_its_objects_is(
    tmp_path: Path, border: str, column: int
) -> None:
    shape = (200, 240)
    dna, actin = np.full(shape, 100), np.full(shape, 100)
    for at in ((100, 70), (100, column)):
        actin[disc(shape, at=at, radius=35)], dna[disc(shape, at=at, radius=9)] = 1100, 1500
    run = segmented(
        [np.stack([dna, actin])],
        folder=tmp_path,
        segment=cells_of(sigma=0, border=border),
        features={"families": ["intensity"], "dtype": "float64"},
    )
    table = run.features()
    n_kept = 2 if border == "keep" or (border == "primary" and column == 218) else 1
    assert len(table) == n_kept
    assert table["nucleus__intensity_background__actin"].to_list() == [100] * n_kept
    assert table["cell__intensity_bgcorr_mean__actin"].to_list() == [1000] * n_kept
    assert table["cell__intensity_mean__actin"][0] / table["nucleus__intensity_background__actin"][0] == 11
    cells = pl.read_parquet(run.cells[0].file("cells.parquet"))
    assert cells["status"].to_list() == ["kept"] * n_kept + ["border"] * (2 - n_kept)
    assert cells["meta__bbox_max_col__cell"].to_list() == [106, 240]


@pytest.fixture(scope="module")
def objects() -> tuple[AnyArray, dict[str, LabelArray]]:
    """Objects of different extent: a cell far beyond its nucleus, one beside it, one that the frame cuts."""
    shape = (70, 80)
    nucleus, cell = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    for number, (at, small, large) in enumerate((((30, 25), 5, 16), ((44, 50), 4, 9), ((60, 74), 6, 12)), start=1):
        cell[disc(shape, at=at, radius=large) & (cell == 0)] = number
        nucleus[disc(shape, at=at, radius=small)] = number
    image = np.random.default_rng(1).poisson(100 + 400 * (cell > 0) + 300 * (nucleus > 0), (2, *shape))
    return image.astype(np.uint16), {"nucleus": nucleus, "cell": cell}


def windows(field: tuple[AnyArray, dict[str, LabelArray]], *, margin: int) -> Any:  # noqa: ANN401 - batch and regions
    image, labels = field
    crop = WITH_MARGIN.model_copy(update={"margin": margin})
    return crop_cells(image, labels=labels, numbers=[1, 2, 3], channels=CHANNELS, crop=crop)


@pytest.mark.parametrize("name", sorted(families_of("standard")))
def test_no_feature_depends_on_the_window_that_its_cell_was_cut_out_with(
    objects: tuple[AnyArray, dict[str, LabelArray]], name: str
) -> None:
    family = families_of("standard")[name]
    measure = family.plain or family.measure
    (batch, regions), (field, uncut) = windows(objects, margin=WITH_MARGIN.margin), windows(objects, margin=1000)
    assert batch.pixels.flat.size < field.pixels.flat.size
    for region, uncut_region in zip(regions, uncut, strict=True):
        measured: FloatArray = measure(batch, region)
        np.testing.assert_allclose(measured, measure(field, uncut_region), rtol=1e-9, atol=1e-9)
