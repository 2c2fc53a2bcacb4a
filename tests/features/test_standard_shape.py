"""Shape of profile ``standard``: all pixels as one object, NaN where not defined, and moments in whole numbers."""

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import moments as raw_of
from skimage.measure import moments_central, moments_hu, moments_normalized, regionprops
from skimage.morphology import disk

from tasks.core.shape import ellipse, second_moments
from tasks.core.types import BoolArray, FloatArray
from tasks.features.definitions.shape import SCIP, STANDARD
from tasks.features.plain.moments import moments, raw_moments
from tasks.features.plain.shape import shape

NAMES = ["_".join(filter(None, (term.stat, term.param))) for term in STANDARD]


def named(mask: BoolArray) -> dict[str, float]:
    return dict(zip(NAMES, shape(mask).tolist(), strict=True))


def blank() -> BoolArray:
    return np.zeros((30, 40), dtype=bool)


def blob() -> BoolArray:
    mask = blank()
    mask[5:16, 8:21] |= disk(6)[1:-1].astype(bool)
    mask[10:24, 15:19] = True
    mask[9:11, 12:14] = False
    return mask


@pytest.mark.parametrize("mask", [blob(), np.ones((30, 40), dtype=bool), np.pad(disk(5), 2).astype(bool)])
def test_one_component_is_measured_as_scikit_image_does(mask: BoolArray) -> None:
    features = named(mask)
    (region,) = regionprops(mask.astype(np.uint8))
    for name in NAMES:
        if name in {"form_factor", "equivalent_diameter"} or (name == "orientation" and np.isnan(features[name])):
            continue
        stat = next(term.stat for term in STANDARD if name == "_".join(filter(None, (term.stat, term.param))))
        value = np.asarray(region[stat], dtype=np.float64)
        index = tuple(int(part) for part in name.removeprefix(stat).split("_") if part)
        scale = np.nanmax(np.abs(value))
        assert features[name] == pytest.approx(
            float(value[index]), rel=1e-9, abs=1e-9 * scale + 1e-7 * (stat == "eccentricity")
        )
    assert features["equivalent_diameter"] == pytest.approx(region.equivalent_diameter_area)
    assert features["form_factor"] == pytest.approx(4 * np.pi * region.area / region.perimeter**2)


def test_nothing_that_the_published_system_measures_is_lost() -> None:
    ours = {(term.stat, term.param) for term in STANDARD}
    missing = {(term.stat, term.param) for term in SCIP} - ours
    assert missing == {
        ("moments", "0_0"),  # the area
        ("moments_central", "0_0"),  # the area
        ("moments_central", "0_1"),  # always zero
        ("moments_central", "1_0"),  # always zero
        ("inertia_tensor", "1_0"),  # equal to 0_1
    }


def test_components_are_one_object_not_averaged() -> None:
    mask = blank()
    mask[3:9, 4:10] = True
    mask[20:26, 24:30] = True
    features = named(mask)
    assert features["area"] == 72
    assert features["area_bbox"] == 23 * 26
    assert features["euler_number"] == 2
    assert features["area_convex"] > 72
    assert features["solidity"] < 0.5
    assert features["axis_major_length"] > 30


def test_no_pixel_has_no_shape_and_one_has_an_area_and_no_direction() -> None:
    mask = blank()
    assert np.isnan(shape(mask)).all()
    mask[0, 39] = True
    features = named(mask)
    assert (features["area"], features["area_convex"], features["area_filled"], features["area_bbox"]) == (1, 1, 1, 1)
    assert (features["solidity"], features["extent"], features["euler_number"]) == (1, 1, 1)
    assert (features["axis_major_length"], features["axis_minor_length"], features["perimeter"]) == (0, 0, 0)
    assert np.isnan([features["form_factor"], features["eccentricity"], features["orientation"]]).all()


@pytest.mark.parametrize(
    ("rows", "columns", "orientation"), [(slice(4, 5), slice(3, 20), np.pi / 2), (slice(3, 20), slice(4, 5), 0.0)]
)
def test_lines(rows: slice, columns: slice, orientation: float) -> None:
    mask = blank()
    mask[rows, columns] = True
    features = named(mask)
    assert features["area"] == features["area_convex"] == 17
    assert features["axis_minor_length"] == 0
    assert features["axis_major_length"] == pytest.approx(4 * np.sqrt((17**2 - 1) / 12))
    assert (features["eccentricity"], features["orientation"], features["solidity"]) == (1, orientation, 1)
    assert features["perimeter"] == 15  # scikit-image counts the steps between pixels that have two neighbours
    assert features["form_factor"] == pytest.approx(4 * np.pi * 17 / 15**2)


def test_a_diagonal_line() -> None:
    features = named(np.eye(12, dtype=bool))
    assert (features["area"], features["eccentricity"]) == (12, 1)
    assert features["orientation"] == pytest.approx(np.pi / 4)
    assert features["perimeter"] == pytest.approx(10 * np.sqrt(2))


def test_holes_and_rings() -> None:
    mask = blank()
    mask[5:18, 6:19] = disk(6)
    holed = mask.copy()
    holed[11, 12] = False
    ring = mask.copy()
    ring[7:16, 8:17] &= ~disk(4).astype(bool)
    for pierced in (holed, ring):
        features = named(pierced)
        assert features["euler_number"] == 0
        assert features["area"] == pierced.sum()
        assert features["area_filled"] == mask.sum()
        assert features["area_convex"] >= features["area_filled"]


def test_a_full_frame_and_the_form_factor_of_a_disk() -> None:
    features = named(np.ones((30, 40), dtype=bool))
    assert features["area"] == features["area_bbox"] == features["area_convex"] == 1200
    assert features["extent"] == features["solidity"] == 1
    assert features["orientation"] == pytest.approx(np.pi / 2)
    assert features["moments_1_0"] == 40 * 30 * 29 / 2
    assert named(np.pad(disk(40), 1).astype(bool))["form_factor"] == pytest.approx(1, abs=0.1)


PIXELS = arrays(np.bool_, st.tuples(st.integers(2, 12), st.integers(2, 12))).filter(lambda image: image.sum() > 1)


def close(actual: FloatArray, expected: npt.ArrayLike, *, scale: float) -> bool:
    return bool(np.allclose(actual, expected, rtol=1e-9, atol=1e-9 * scale, equal_nan=True))


@given(PIXELS)
def test_moments_are_those_of_scikit_image(image: BoolArray) -> None:
    measured = moments(raw_moments(image))
    raw = raw_of(image.astype(np.uint8), order=3)
    center = raw[1, 0] / raw[0, 0], raw[0, 1] / raw[0, 0]
    central = moments_central(image.astype(np.uint8), center, order=3)
    normalized = moments_normalized(central, order=3)
    assert np.array_equal(measured.raw, raw)
    assert close(measured.central, central, scale=float(np.abs(central).max()))
    assert close(measured.normalized, normalized, scale=float(np.nanmax(np.abs(normalized))))
    assert close(measured.hu, moments_hu(normalized), scale=1.0)


@given(PIXELS)
def test_the_ellipse_is_that_of_scikit_image(image: BoolArray) -> None:
    raw = raw_moments(image)
    assert second_moments(image) == {powers: raw[powers] for powers in second_moments(image)}
    measured = ellipse(raw)
    (region,) = regionprops(image.astype(np.uint8))
    scale = region.inertia_tensor_eigvals[0]
    assert close(measured.tensor, region.inertia_tensor, scale=scale)
    assert close(measured.eigenvalues, region.inertia_tensor_eigvals, scale=scale)
    # scikit-image subtracts nearly equal eigenvalues and takes a root of the rest
    assert measured.eccentricity == pytest.approx(region.eccentricity, abs=1e-6)
    if measured.eccentricity > 1e-3:
        turn = (measured.orientation - region.orientation) % np.pi
        assert min(turn, np.pi - turn) == pytest.approx(0, abs=1e-6)


def test_what_is_symmetric_has_odd_moments_of_exactly_zero() -> None:
    measured = moments(raw_moments(disk(7).astype(bool)))
    assert {measured.central[p, q] for p, q in product(range(4), repeat=2) if p % 2 or q % 2} == {0.0}
    assert measured.hu[2:].tolist() == [0.0] * 5


def test_a_disk_and_a_square_have_no_direction_a_line_has_no_width_and_a_pixel_is_a_point() -> None:
    for image in (disk(9).astype(bool), np.ones((8, 8), dtype=bool)):
        measured = ellipse(raw_moments(image))
        assert measured.eccentricity == 0.0
        assert np.isnan(measured.orientation)
    measured = ellipse(raw_moments(np.eye(11, dtype=bool)))
    assert measured.eigenvalues[1] == 0.0
    assert measured.eccentricity == 1.0
    assert measured.orientation == pytest.approx(np.pi / 4)
    measured = ellipse(raw_moments(np.ones((1, 1), dtype=bool)))
    assert measured.eigenvalues.tolist() == [0.0, 0.0]
    assert np.isnan([measured.eccentricity, measured.orientation]).all()


def test_large_regions_do_not_overflow() -> None:
    measured = moments(raw_moments(np.ones((3000, 2000), dtype=bool)))
    assert measured.central[2, 0] / measured.central[0, 0] == pytest.approx((3000**2 - 1) / 12)
    assert measured.central[0, 2] / measured.central[0, 0] == pytest.approx((2000**2 - 1) / 12)
