"""Ragged arrays, batches and regions: they keep every pixel, and refuse what does not fit."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.types import AnyArray, Batch, Ragged, Region

SIDES = st.tuples(st.integers(0, 5), st.integers(0, 5))
DTYPES = st.sampled_from(["bool", "uint8", "uint16", "int32", "float32", "float64"])


def arrays(shapes: Sequence[tuple[int, int]], *, n_channels: int, dtype: str = "uint16") -> list[AnyArray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 200, (n_channels, *shape)).astype(dtype) for shape in shapes]


def region(count: int, *, n_channels: int, channels: int, shared: bool) -> Region:
    masks = Ragged.of([np.ones((n_channels, 2, 3), dtype=bool)] * count)
    return Region(name="li", shared=shared, masks=masks, background=np.zeros((count, channels)))


@given(shapes=st.lists(SIDES, min_size=1, max_size=6), n_channels=st.integers(1, 4), dtype=DTYPES)
def test_arrays_of_any_shape_come_back_as_they_went_in(
    shapes: list[tuple[int, int]], n_channels: int, dtype: str
) -> None:
    given_arrays = arrays(shapes, n_channels=n_channels, dtype=dtype)
    ragged = Ragged.of(given_arrays)
    assert len(ragged) == len(shapes)
    assert ragged.flat.dtype == dtype
    assert ragged.offsets.tolist() == np.cumsum([0, *(array.size for array in given_arrays)]).tolist()
    for before, after in zip(given_arrays, ragged.unstack(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_unstacked_arrays_are_views_so_that_a_kernel_may_fill_them() -> None:
    ragged = Ragged.of(arrays([(2, 3), (1, 1)], n_channels=2))
    ragged.unstack()[1][:] = 7
    assert ragged.flat[-2:].tolist() == [7, 7]


@given(
    shapes=st.lists(SIDES, min_size=1, max_size=5),
    data=st.data(),
)
def test_take_returns_those_cells_in_that_order_and_again_where_told_twice(
    shapes: list[tuple[int, int]], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.integers(0, len(shapes) - 1), min_size=1, max_size=6))
    images = arrays(shapes, n_channels=2)
    taken = Batch.of(images, channels=["a", "b"]).take(rows)
    assert (len(taken), taken.channels) == (len(rows), ("a", "b"))
    for row, image in zip(rows, taken.pixels.unstack(), strict=True):
        np.testing.assert_array_equal(image, images[row])


def test_taking_from_a_region_takes_masks_and_backgrounds_alike() -> None:
    masks = [np.full((1, 1, size), fill_value=bool(size % 2)) for size in (1, 2, 3)]
    background = np.arange(6.0).reshape(3, 2)
    complete = Region(name="li.combined", shared=True, masks=Ragged.of(masks), background=background)
    part = complete.take([2, 0])
    assert [mask.shape for mask in part.masks.unstack()] == [(1, 1, 3), (1, 1, 1)]
    assert part.background.tolist() == [[4, 5], [0, 1]]
    assert (part.name, part.shared) == ("li.combined", True)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([], "one number of planes and one dtype"),
        ([np.zeros((2, 3))], r"got an array of shape \(2, 3\), expected \(planes, height, width\)"),
        ([np.zeros((1, 2, 2)), np.zeros((2, 2, 2))], r"got \{1, 2\}"),
        ([np.zeros((1, 2, 2), np.uint8), np.zeros((1, 2, 2), np.uint16)], "uint16"),
    ],
)
def test_arrays_that_cannot_stand_in_one_batch_are_refused(images: list[AnyArray], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Ragged.of(images)


@pytest.mark.parametrize("flat", [np.zeros(11), np.zeros(13), np.zeros((3, 4))])
def test_a_buffer_that_does_not_hold_its_shapes_is_refused(flat: AnyArray) -> None:
    with pytest.raises(ValueError, match="cannot hold 12 values"):
        Ragged(flat=flat, shapes=np.array([[2, 3]]), n_channels=2)


def test_a_batch_needs_a_name_per_plane() -> None:
    with pytest.raises(ValueError, match="2 planes of pixels but 1 channels"):
        Batch.of(arrays([(2, 2)], n_channels=2), channels=["BF"])


@pytest.mark.parametrize(("n_channels", "shared"), [(2, True), (1, False), (3, False)])
def test_a_region_has_one_mask_or_one_per_channel(n_channels: int, shared: bool) -> None:  # noqa: FBT001
    with pytest.raises(ValueError, match=f"region 'li': 2 masks of {n_channels} planes do not fit"):
        region(2, n_channels=n_channels, channels=2, shared=shared)


def test_a_region_has_as_many_masks_as_backgrounds() -> None:
    masks = Ragged.of([np.ones((1, 2, 3), dtype=bool)])
    with pytest.raises(ValueError, match="1 masks"):
        Region(name="li", shared=True, masks=masks, background=np.zeros((2, 1)))
