"""Cells cut out of a field: with their surroundings, or as the published system cuts."""

import numpy as np
import pytest

from tasks.core.crop import CLIPPED, TIGHT, WITH_MARGIN, crop_cells
from tasks.core.types import AnyArray, LabelArray

CHANNELS = ("DNA", "RNA")


@pytest.fixture
def image() -> AnyArray:
    return np.random.default_rng(3).integers(0, 4000, (2, 40, 50)).astype(np.uint16)


@pytest.fixture
def labels() -> dict[str, LabelArray]:
    """Cell 1 with its nucleus inside; cell 2 in a corner, its nucleus sticking out of it; 3 is only a nucleus."""
    nucleus = np.zeros((40, 50), dtype=np.int32)
    cell = np.zeros((40, 50), dtype=np.int32)
    cell[12:24, 10:26], nucleus[15:20, 14:20] = 1, 1
    cell[0:4, 44:50], nucleus[2:9, 40:46] = 2, 2
    nucleus[34:37, 5:9] = 3
    return {"nucleus": nucleus, "cell": cell}


def test_all_objects_fit_with_their_surroundings_as_far_as_the_field_reaches(
    image: AnyArray, labels: dict[str, LabelArray]
) -> None:
    batch, _ = crop_cells(image, labels=labels, numbers=[1, 2, 3], channels=CHANNELS)
    windows = [(slice(6, 30), slice(4, 32)), (slice(0, 15), slice(34, 50)), (slice(28, 40), slice(0, 15))]
    assert batch.channels == CHANNELS
    for got, (rows, columns) in zip(batch.pixels.unstack(), windows, strict=True):
        np.testing.assert_array_equal(got, image[:, rows, columns])


def test_the_published_cut_is_the_first_objects_box(image: AnyArray, labels: dict[str, LabelArray]) -> None:
    batch, regions = crop_cells(image, labels=labels, numbers=[2, 1], channels=CHANNELS, crop=CLIPPED)
    np.testing.assert_array_equal(batch.pixels.unstack()[0], image[:, 2:9, 40:46])
    np.testing.assert_array_equal(batch.pixels.unstack()[1], image[:, 15:20, 14:20])
    cell = regions[1].masks.unstack()
    assert cell[0][0].sum() == 2 * 2  # what of cell 2 lies in its nucleus' box: rows 2 and 3, columns 44 and 45
    assert cell[1].all()
    assert all((region.background == 0).all() for region in regions)


@pytest.mark.parametrize("crop", [WITH_MARGIN, CLIPPED])
def test_masks_are_those_of_the_cells_own_number_only(
    image: AnyArray, labels: dict[str, LabelArray], crop: object
) -> None:
    labels["cell"][12:24, 26:30] = 7  # a neighbour that touches cell 1, within its surroundings
    chosen = WITH_MARGIN if crop == WITH_MARGIN else CLIPPED
    batch, regions = crop_cells(image, labels=labels, numbers=[1], channels=CHANNELS, crop=chosen)
    assert [region.name for region in regions] == ["nucleus", "cell"]
    assert all(region.shared for region in regions)
    for region in regions:
        (mask,) = region.masks.unstack()
        assert mask.shape[1:] == batch.pixels.unstack()[0].shape[1:]
        uncut = labels[region.name] == 1
        assert mask.sum() == (uncut.sum() if crop == WITH_MARGIN else uncut[15:20, 14:20].sum())


def test_an_object_that_a_cell_lacks_has_an_empty_mask(image: AnyArray, labels: dict[str, LabelArray]) -> None:
    _, (nucleus, cell) = crop_cells(image, labels=labels, numbers=[3], channels=CHANNELS)
    assert nucleus.masks.flat.sum() == 12
    assert not cell.masks.flat.any()


def test_a_fitted_cut_has_all_pixels_of_all_objects_and_no_more(image: AnyArray, labels: dict[str, LabelArray]) -> None:
    batch, regions = crop_cells(image, labels=labels, numbers=[1, 2, 3], channels=CHANNELS, crop=TIGHT)
    assert batch.pixels.shapes.tolist() == [[12, 16], [9, 10], [3, 4]]
    for region in regions:
        for number, mask, pixels in zip((1, 2, 3), region.masks.unstack(), batch.pixels.unstack(), strict=True):
            np.testing.assert_array_equal(pixels[:, mask[0]], image[:, labels[region.name] == number])


def test_the_background_is_the_mean_outside_all_objects_of_all_cells_whichever_are_wanted(
    image: AnyArray, labels: dict[str, LabelArray]
) -> None:
    _, regions = crop_cells(image, labels=labels, numbers=[1, 3], channels=CHANNELS)
    outside = (labels["nucleus"] == 0) & (labels["cell"] == 0)
    expected = [image[channel][outside].mean() for channel in range(2)]
    for region in regions:
        np.testing.assert_allclose(region.background, [expected, expected], rtol=1e-14)


def test_a_field_full_of_objects_has_no_background(image: AnyArray) -> None:
    full = np.ones((40, 50), dtype=np.int32)
    _, (region,) = crop_cells(image, labels={"cell": full}, numbers=[1], channels=CHANNELS)
    assert np.isnan(region.background).all()
    assert region.masks.flat.all()


def test_a_cell_does_not_depend_on_which_others_are_cut_out_with_it(
    image: AnyArray, labels: dict[str, LabelArray]
) -> None:
    batch, regions = crop_cells(image, labels=labels, numbers=[1, 2, 3], channels=CHANNELS)
    alone, own = crop_cells(image, labels=labels, numbers=[2], channels=CHANNELS)
    np.testing.assert_array_equal(alone.pixels.flat, batch.take([1]).pixels.flat)
    for alone_region, region in zip(own, regions, strict=True):
        np.testing.assert_array_equal(alone_region.masks.flat, region.take([1]).masks.flat)
        np.testing.assert_array_equal(alone_region.background, region.take([1]).background)
