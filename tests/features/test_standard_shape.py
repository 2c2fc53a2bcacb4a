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
    found = named(mask)
    (region,) = regionprops(mask.astype(np.uint8))
    for name in NAMES:
        if name in {"form_factor", "equivalent_diameter"} or (name == "orientation" and np.isnan(found[name])):
            continue
        stat = next(term.stat for term in STANDARD if name == "_".join(filter(None, (term.stat, term.param))))
        value = np.asarray(region[stat], dtype=np.float64)
        index = tuple(int(part) for part in name.removeprefix(stat).split("_") if part)
        scale = np.nanmax(np.abs(value))
        assert found[name] == pytest.approx(
            float(value[index]), rel=1e-9, abs=1e-9 * scale + 1e-7 * (stat == "eccentricity")
        )
    assert found["equivalent_diameter"] == pytest.approx(region.equivalent_diameter_area)
    assert found["form_factor"] == pytest.approx(4 * np.pi * region.area / region.perimeter**2)


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
    found = named(mask)
    assert found["area"] == 72
    assert found["area_bbox"] == 23 * 26
    assert found["euler_number"] == 2
    assert found["area_convex"] > 72
    assert found["solidity"] < 0.5
    assert found["axis_major_length"] > 30


def test_no_pixel_has_no_shape_and_one_has_an_area_and_no_direction() -> None:
    mask = blank()
    assert np.isnan(shape(mask)).all()
    mask[0, 39] = True
    found = named(mask)
    assert (found["area"], found["area_convex"], found["area_filled"], found["area_bbox"]) == (1, 1, 1, 1)
    assert (found["solidity"], found["extent"], found["euler_number"]) == (1, 1, 1)
    assert (found["axis_major_length"], found["axis_minor_length"], found["perimeter"]) == (0, 0, 0)
    assert np.isnan([found["form_factor"], found["eccentricity"], found["orientation"]]).all()


@pytest.mark.parametrize(
    ("rows", "columns", "orientation"), [(slice(4, 5), slice(3, 20), np.pi / 2), (slice(3, 20), slice(4, 5), 0.0)]
)
def test_lines(rows: slice, columns: slice, orientation: float) -> None:
    mask = blank()
    mask[rows, columns] = True
    found = named(mask)
    assert found["area"] == found["area_convex"] == 17
    assert found["axis_minor_length"] == 0
    assert found["axis_major_length"] == pytest.approx(4 * np.sqrt((17**2 - 1) / 12))
    assert (found["eccentricity"], found["orientation"], found["solidity"]) == (1, orientation, 1)
    assert found["perimeter"] == 15  # scikit-image counts the steps between pixels that have two neighbours
    assert found["form_factor"] == pytest.approx(4 * np.pi * 17 / 15**2)


def test_a_diagonal_line() -> None:
    found = named(np.eye(12, dtype=bool))
    assert (found["area"], found["eccentricity"]) == (12, 1)
    assert found["orientation"] == pytest.approx(np.pi / 4)
    assert found["perimeter"] == pytest.approx(10 * np.sqrt(2))


def test_holes_and_rings() -> None:
    mask = blank()
    mask[5:18, 6:19] = disk(6)
    holed = mask.copy()
    holed[11, 12] = False
    ring = mask.copy()
    ring[7:16, 8:17] &= ~disk(4).astype(bool)
    for pierced in (holed, ring):
        found = named(pierced)
        assert found["euler_number"] == 0
        assert found["area"] == pierced.sum()
        assert found["area_filled"] == mask.sum()
        assert found["area_convex"] >= found["area_filled"]


def test_a_full_frame_and_the_form_factor_of_a_disk() -> None:
    found = named(np.ones((30, 40), dtype=bool))
    assert found["area"] == found["area_bbox"] == found["area_convex"] == 1200
    assert found["extent"] == found["solidity"] == 1
    assert found["orientation"] == pytest.approx(np.pi / 2)
    assert found["moments_1_0"] == 40 * 30 * 29 / 2
    assert named(np.pad(disk(40), 1).astype(bool))["form_factor"] == pytest.approx(1, abs=0.1)


PIXELS = arrays(np.bool_, st.tuples(st.integers(2, 12), st.integers(2, 12))).filter(lambda image: image.sum() > 1)


def close(found: FloatArray, expected: npt.ArrayLike, *, scale: float) -> bool:
    return bool(np.allclose(found, expected, rtol=1e-9, atol=1e-9 * scale, equal_nan=True))


@given(PIXELS)
def test_moments_are_those_of_scikit_image(image: BoolArray) -> None:
    found = moments(raw_moments(image))
    raw = raw_of(image.astype(np.uint8), order=3)
    center = raw[1, 0] / raw[0, 0], raw[0, 1] / raw[0, 0]
    central = moments_central(image.astype(np.uint8), center, order=3)
    normalized = moments_normalized(central, order=3)
    assert np.array_equal(found.raw, raw)
    assert close(found.central, central, scale=float(np.abs(central).max()))
    assert close(found.normalized, normalized, scale=float(np.nanmax(np.abs(normalized))))
    assert close(found.hu, moments_hu(normalized), scale=1.0)


@given(PIXELS)
def test_the_ellipse_is_that_of_scikit_image(image: BoolArray) -> None:
    raw = raw_moments(image)
    assert second_moments(image) == {powers: raw[powers] for powers in second_moments(image)}
    found = ellipse(raw)
    (region,) = regionprops(image.astype(np.uint8))
    scale = region.inertia_tensor_eigvals[0]
    assert close(found.tensor, region.inertia_tensor, scale=scale)
    assert close(found.eigenvalues, region.inertia_tensor_eigvals, scale=scale)
    # scikit-image subtracts nearly equal eigenvalues and takes a root of the rest
    assert found.eccentricity == pytest.approx(region.eccentricity, abs=1e-6)
    if found.eccentricity > 1e-3:
        turn = (found.orientation - region.orientation) % np.pi
        assert min(turn, np.pi - turn) == pytest.approx(0, abs=1e-6)


def test_what_is_symmetric_has_odd_moments_of_exactly_zero() -> None:
    found = moments(raw_moments(disk(7).astype(bool)))
    assert {found.central[p, q] for p, q in product(range(4), repeat=2) if p % 2 or q % 2} == {0.0}
    assert found.hu[2:].tolist() == [0.0] * 5


def test_a_disk_and_a_square_have_no_direction_a_line_has_no_width_and_a_pixel_is_a_point() -> None:
    for image in (disk(9).astype(bool), np.ones((8, 8), dtype=bool)):
        found = ellipse(raw_moments(image))
        assert found.eccentricity == 0.0
        assert np.isnan(found.orientation)
    found = ellipse(raw_moments(np.eye(11, dtype=bool)))
    assert found.eigenvalues[1] == 0.0
    assert found.eccentricity == 1.0
    assert found.orientation == pytest.approx(np.pi / 4)
    found = ellipse(raw_moments(np.ones((1, 1), dtype=bool)))
    assert found.eigenvalues.tolist() == [0.0, 0.0]
    assert np.isnan([found.eccentricity, found.orientation]).all()


def test_large_regions_do_not_overflow() -> None:
    found = moments(raw_moments(np.ones((3000, 2000), dtype=bool)))
    assert found.central[2, 0] / found.central[0, 0] == pytest.approx((3000**2 - 1) / 12)
    assert found.central[0, 2] / found.central[0, 0] == pytest.approx((2000**2 - 1) / 12)
