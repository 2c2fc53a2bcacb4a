"""Intensity of profile ``standard``."""

import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage.morphology import disk

from tasks.core.types import BoolArray, FloatArray
from tasks.features.definitions.intensity import SHIFTED, STANDARD, STATISTICS
from tasks.features.plain.intensity import intensity, mass_displacement, rim
from tasks.features.plain.statistics import statistics

RNG = np.random.default_rng(7)
PIXELS = RNG.integers(100, 4000, size=(31, 37)).astype(np.float64)
MASK = np.zeros((31, 37), dtype=bool)
MASK[4:25, 9:30] = disk(10)


def named(pixels: FloatArray, mask: BoolArray, *, background: float = 50.5) -> dict[str, float]:
    values = intensity(pixels, mask=mask, background=background)
    return dict(zip((term.stat for term in STANDARD), values.tolist(), strict=True))


def test_the_views_are_statistics_of_their_pixels() -> None:
    found = named(PIXELS, MASK)
    edge = rim(MASK)
    assert 0 < edge.sum() < MASK.sum()
    for prefix, view in (("", PIXELS[MASK]), ("edge_", PIXELS[edge])):
        plain = dict(zip(STATISTICS, statistics(view), strict=True))
        assert {name: found[prefix + name] for name in STATISTICS} == plain
        shifted = dict(zip(STATISTICS, statistics(view - 50.5), strict=True))
        for name in SHIFTED:
            assert found[f"bgcorr_{prefix}{name}"] == shifted[name]
        # what is not repeated would have been the same
        for name in set(STATISTICS) - set(SHIFTED):
            assert shifted[name] == pytest.approx(plain[name])
    assert found["background"] == 50.5


def test_the_rim_is_what_an_erosion_by_a_disk_takes_away() -> None:
    by_distance = np.zeros_like(MASK)
    outside = np.argwhere(~MASK)
    for row, column in np.argwhere(MASK):
        # some pixel outside lies under the disk of radius 6 around this one
        by_distance[row, column] = ((outside - (row, column)) ** 2).sum(axis=1).min() <= 36
    assert np.array_equal(rim(MASK), by_distance)


def test_beyond_the_frame_counts_as_inside() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[:10] = True
    edge = rim(mask)
    assert not edge[:4].any()
    assert edge[4:10].all()
    assert not rim(np.ones((20, 20), dtype=bool)).any()


def test_a_full_frame_has_no_rim_and_no_rim_statistics() -> None:
    found = named(PIXELS, np.ones_like(MASK))
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {name for name in found if "edge" in name}


def test_an_empty_mask_has_no_intensity() -> None:
    values = intensity(PIXELS, mask=np.zeros_like(MASK), background=3.0)
    assert np.isnan(values).all()


def test_a_missing_pixel_in_the_region_leaves_nothing_and_outside_does_not_matter() -> None:
    pixels = PIXELS.copy()
    pixels[0, 0] = np.nan
    assert named(pixels, MASK) == named(PIXELS, MASK)
    pixels[14, 19] = np.nan
    assert np.isnan(list(named(pixels, MASK).values())).all()


def test_without_a_background_nothing_is_corrected() -> None:
    found = named(PIXELS, MASK, background=np.nan)
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {name for name in found if name.startswith("bgcorr")} | {"background"}


def test_mass_displacement_is_the_distance_of_centroids() -> None:
    found = named(PIXELS, MASK)["mass_displacement"]
    plain = np.array(ndi.center_of_mass(MASK))
    weighted = np.array(ndi.center_of_mass(np.where(MASK, PIXELS, 0)))
    assert found == pytest.approx(np.linalg.norm(plain - weighted))
    # all light in the last of five pixels in a row: two pixels from their middle
    light = np.zeros((1, 5))
    light[0, 4] = 7
    assert mass_displacement(light, mask=np.ones((1, 5), dtype=bool)) == 2


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_weights_that_add_up_to_nothing_have_no_centre(value: float) -> None:
    assert np.isnan(mass_displacement(np.full((4, 4), value), mask=np.ones((4, 4), dtype=bool)))


def test_saturated_constant_and_negative_pixels() -> None:
    full = named(np.full_like(PIXELS, 65535), MASK)
    assert full["sum"] == 65535.0 * MASK.sum()
    assert (full["std"], full["mad"]) == (0, 0)
    assert full["mass_displacement"] == pytest.approx(0, abs=1e-12)
    assert np.isnan([full["skewness"], full["kurtosis"]]).all()
    below = named(-PIXELS, MASK)
    above = named(PIXELS, MASK)
    assert below["min"] == -above["max"]
    assert below["skewness"] == pytest.approx(-above["skewness"])


def test_one_pixel() -> None:
    mask = np.zeros_like(MASK)
    mask[3, 3] = True
    found = named(PIXELS, mask)
    assert found["mean"] == found["edge_mean"] == PIXELS[3, 3]
    assert (found["std"], found["mass_displacement"]) == (0, 0)
    assert np.isnan(found["skewness"])
