"""Objects made of the maps of a network."""

import numpy as np
import pytest

from tasks.core.types import FloatArray, LabelArray
from tasks.segment.model.instances import instances


def discs(*centers: tuple[float, float], radius: float = 10.0, shape: tuple[int, int] = (48, 80)) -> FloatArray:
    """(3, H, W): the maps of a perfect network for discs."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    depths = np.stack([1 - np.hypot(rows - row, columns - column) / radius for row, column in centers])
    distance = depths.max(axis=0).clip(0)
    second = np.sort(depths, axis=0)[-2] if len(centers) > 1 else np.full(shape, -1.0)
    boundary = (np.abs(depths.max(axis=0) - second) < 1 / radius) & (distance > 0)
    return np.stack([distance > 0, distance, boundary]).astype(np.float32)


def find(maps: FloatArray, **changes: float) -> LabelArray:
    parameters = {"foreground_threshold": 0.5, "peak_drop": 0.1, "boundary_weight": 1.0, "min_diameter": 4.0}
    return instances(maps, **(parameters | changes))


def test_touching_discs_are_parted() -> None:
    labels = find(discs((20, 20), (20, 37), (34, 29)))
    assert labels.dtype == np.int32
    assert sorted({labels[20, 20], labels[20, 37], labels[34, 29]}) == [1, 2, 3]


def test_a_shallow_pass_parts_nothing() -> None:
    assert find(discs((20, 20), (20, 24)), peak_drop=0.5, boundary_weight=0.0).max() == 1


def test_a_boundary_parts_what_the_distance_does_not() -> None:
    maps = discs((20, 20), radius=12)
    maps[1] = np.where(maps[0] > 0, 0.8, 0)
    maps[2, :, 20] = 1
    assert [find(maps, boundary_weight=weight).max() for weight in (0.0, 1.0)] == [1, 2]


def test_every_area_is_an_object_however_low() -> None:
    maps = discs((20, 20), (20, 60))
    maps[1, :, 40:] *= 0.01
    assert find(maps).max() == 2


@pytest.mark.parametrize("height", [0.0, 1.0])
def test_an_object_that_fills_the_frame_is_one(height: float) -> None:
    maps = np.stack([np.ones((9, 9)), np.full((9, 9), height), np.zeros((9, 9))])
    assert np.array_equal(find(maps), np.ones((9, 9)))


def test_small_objects_are_dropped_and_holes_filled() -> None:
    maps = discs((20, 20))
    maps[0, 20, 20] = 0
    maps[:2, 5, 70] = 1
    labels = find(maps)
    assert labels.max() == 1
    assert labels[20, 20] == 1


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (7, 1)])
def test_maps_without_foreground_have_no_object(shape: tuple[int, int]) -> None:
    labels = find(np.zeros((3, *shape), dtype=np.float32))
    assert labels.shape == shape
    assert not labels.any()


def test_pixels_that_are_not_finite_are_background() -> None:
    maps = discs((20, 20))
    maps[:, :, :20] = np.nan
    labels = find(maps)
    assert not labels[:, :20].any()
    assert labels[20, 21] == 1
