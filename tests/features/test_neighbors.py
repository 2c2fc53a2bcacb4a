"""Neighbours of objects in a field: by hand, and what they may not depend on."""

import numpy as np
import pytest

from tasks.core.crop import crop_cells
from tasks.core.errors import ConfigError
from tasks.core.types import Field, LabelArray, Ragged, Region
from tasks.features import Features, feature_columns, measure
from tasks.features.families.neighbors import TERMS, neighbors

CONFIG = Features(families=("neighbors",))


def field() -> LabelArray:
    """Draw two squares side by side, one at a corner of the second, one far away."""
    labels = np.zeros((60, 80), dtype=np.int32)
    labels[10:15, 10:15] = 1
    labels[10:15, 15:20] = 2
    labels[15:20, 20:25] = 3
    labels[40:43, 60:63] = 4
    return labels


def test_by_hand() -> None:
    features = neighbors(field(), numbers=np.array([1, 2, 3, 4], dtype=np.int32))
    # objects that meet at a corner do not touch, but their outlines do
    assert features[:, 0].tolist() == [1, 1, 0, 0]
    # of 16 pixels of an outline 5 lie beside a neighbour, and one at the corner of another
    np.testing.assert_allclose(features[:, 1], [100 * 5 / 16, 100 * 6 / 16, 100 / 16, 0])
    np.testing.assert_allclose(features[0, 2:5], [5, np.hypot(10, 5), np.degrees(np.arctan2(5, 10))])
    np.testing.assert_allclose(features[1, 2:5], [5, np.hypot(5, 5), 135])
    # at most 50 px from the last are the third, at 40.8 px, and the second, at 52.3 px, is not
    assert (features[3, 5] > 0) == (np.hypot(24, 39) <= 50)


def test_density_counts_the_pixels_of_the_field() -> None:
    labels = np.zeros((301, 301), dtype=np.int32)
    labels[150, 150], labels[150, 190], labels[60, 150] = 1, 2, 3
    features = neighbors(labels, numbers=np.array([1, 3], dtype=np.int32))
    rows, columns = np.mgrid[:301, :301]
    for at, (row, column) in enumerate(((150, 150), (60, 150))):
        distance = np.hypot(rows - row, columns - column)
        others = np.hypot(*(np.array([[150, 150], [150, 190], [60, 150]]) - (row, column)).T)
        expected = [((others <= r).sum() - 1) / (distance <= r).sum() for r in (50, 100, 200)]
        np.testing.assert_allclose(features[at, 5:], expected)


def test_one_object_and_two() -> None:
    labels = np.zeros((9, 9), dtype=np.int32)
    labels[2:4, 2:4] = 1
    (alone,) = neighbors(labels, numbers=np.array([1], dtype=np.int32))
    assert alone[[0, 1, 5, 6, 7]].tolist() == [0] * 5
    assert np.isnan(alone[2:5]).all()
    labels[6, 6] = 5
    (first, second) = neighbors(labels, numbers=np.array([1, 5], dtype=np.int32))
    assert first[2] == second[2] == pytest.approx(np.hypot(3.5, 3.5))
    assert np.isnan(first[3:5]).all()
    labels[1:8, 1:8], labels[3:6, 3:6] = 1, 2  # around the same point
    features = neighbors(labels, numbers=np.array([1, 2], dtype=np.int32))
    assert features[:, 2].tolist() == [0, 0]
    assert features[:, 0].tolist() == [1, 1]


def test_an_object_without_pixels_is_missing() -> None:
    features = neighbors(field(), numbers=np.array([9, 1], dtype=np.int32))
    assert np.isnan(features[0]).all()
    assert np.isfinite(features[1]).all()
    assert np.isnan(neighbors(np.zeros((4, 4), dtype=np.int32), numbers=np.array([1], dtype=np.int32))).all()


def test_all_cells_of_the_field_count_whichever_are_measured() -> None:
    labels = field()
    image = np.random.default_rng(2).integers(0, 99, size=(1, 60, 80)).astype(np.uint16)
    all_cells = crop_cells(image, labels={"nucleus": labels}, numbers=[1, 2, 3, 4], channels=["a"])
    part = crop_cells(image, labels={"nucleus": labels}, numbers=[2, 4], channels=["a"])
    values = measure(*all_cells, config=CONFIG)
    assert np.array_equal(measure(*part, config=CONFIG), values[[1, 3]], equal_nan=True)
    taken = all_cells[0].take([3, 1]), [region.take([3, 1]) for region in all_cells[1]]
    assert np.array_equal(measure(*taken, config=CONFIG), values[[3, 1]], equal_nan=True)


def test_every_object_has_those_of_its_kind_as_neighbours_wanted_or_not() -> None:
    nuclei = field()
    nuclei[10:15, 0:5] = 5
    cells = nuclei.copy()
    cells[9:16, 0:10] = 5
    labels = {"nucleus": nuclei, "cell": cells}
    batch, regions = crop_cells(np.zeros((1, 60, 80)), labels=labels, numbers=[1], channels=["a"])
    columns = feature_columns(config=CONFIG, channels=["a"], regions=[("nucleus", True), ("cell", True)])
    features = dict(zip([column.name for column in columns], measure(batch, regions, config=CONFIG)[0], strict=True))
    assert (features["nucleus__neighbors_number_touching"], features["cell__neighbors_number_touching"]) == (1, 2)
    assert features["nucleus__neighbors_second_closest_distance"] == 10
    assert features["cell__neighbors_second_closest_distance"] == 7.5


def test_fields_have_one_column_a_term_and_stamps_have_no_neighbours() -> None:
    columns = feature_columns(config=CONFIG, channels=["a", "b"], regions=[("nucleus", True)])
    assert len(columns) == len(TERMS)
    assert "nucleus__neighbors_density_r100" in [column.name for column in columns]
    with pytest.raises(ConfigError, match=r"'neighbors' looks at the other objects of a field.*leave it out"):
        feature_columns(config=CONFIG, channels=["a"], regions=[("li", False), ("li.combined", True)])


def test_a_region_without_a_field_is_refused() -> None:
    batch, regions = crop_cells(np.zeros((1, 60, 80)), labels={"cell": field()}, numbers=[1], channels=["a"])
    bare = Region(name="cell", shared=True, masks=regions[0].masks, background=regions[0].background)
    with pytest.raises(ValueError, match="'cell' has no field"):
        measure(batch, [bare], config=CONFIG)


def test_a_field_names_as_many_cells_as_there_are_masks() -> None:
    masks = Ragged.of([np.ones((1, 2, 2), dtype=bool)])
    two = Field(labels=field(), numbers=np.array([1, 2], dtype=np.int32))
    with pytest.raises(ValueError, match="1 masks, but the field names 2 cells"):
        Region(name="cell", shared=True, masks=masks, background=np.zeros((1, 1)), field=two)
