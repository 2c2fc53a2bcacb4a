"""Shape of profile ``standard``: all pixels as one object, and NaN for what is not defined."""

import numpy as np
import pytest
from skimage.measure import regionprops
from skimage.morphology import disk

from tasks.core.types import BoolArray
from tasks.features.definitions.shape import SCIP, STANDARD
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


def test_an_empty_mask_has_no_shape_and_no_area() -> None:
    assert np.isnan(shape(blank())).all()


def test_one_pixel() -> None:
    mask = blank()
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
    assert found["area"] == 12
    assert found["orientation"] == pytest.approx(np.pi / 4)
    assert found["eccentricity"] == 1
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


def test_a_full_frame() -> None:
    found = named(np.ones((30, 40), dtype=bool))
    assert found["area"] == found["area_bbox"] == found["area_convex"] == 1200
    assert found["extent"] == found["solidity"] == 1
    assert found["orientation"] == pytest.approx(np.pi / 2)
    assert found["moments_1_0"] == 40 * 30 * 29 / 2


def test_the_form_factor_of_a_disk_is_near_one() -> None:
    assert named(np.pad(disk(40), 1).astype(bool))["form_factor"] == pytest.approx(1, abs=0.1)
