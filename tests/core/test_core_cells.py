"""The table of cells: what masking and segmentation found comes back as it went in."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.cells import centroid, field_cells, label_boxes, pack, stamp_cells, stamp_regions, unpack
from tasks.core.layout import BOX, Layout
from tasks.core.regions import regions
from tasks.core.types import AnyArray, Batch, LabelArray, MaskResult, Ragged, Segmentation
from tasks.mask import Mask, mask_batch

CHANNELS = ("BF", "PI")
STAMPS = Layout(channels=CHANNELS, regions=("li", "disc"), stamps=True, groups=("well",), numbered=False)
FIELD = Layout(channels=CHANNELS, regions=("nucleus", "cell"), stamps=False, groups=(), numbered=False)


@given(
    shapes=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5),
    n_channels=st.integers(1, 3),
    seed=st.integers(0, 100),
)
def test_masks_of_any_size_survive_their_bits(shapes: list[tuple[int, int]], n_channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = np.array(shapes, dtype=np.int64).reshape(-1, 2)
    count = int(sizes.prod(axis=1).sum()) * n_channels
    masks = Ragged(flat=rng.random(count) < 0.5, shapes=sizes, n_channels=n_channels)
    bits = pack(masks)
    assert [len(packed) for packed in bits] == [math.ceil(n_channels * height * width / 8) for height, width in shapes]
    back = unpack(bits, shapes=sizes, n_channels=n_channels)
    assert back.flat.dtype == np.bool_
    np.testing.assert_array_equal(back.flat, masks.flat)


def stamp(*, rows: slice, columns: slice, shape: tuple[int, int] = (31, 37), level: int = 900) -> AnyArray:
    """Draw a bright rectangle in BF, and a smaller one in PI, on a noisy ground."""
    rng = np.random.default_rng(shape[0] * level)
    image = rng.integers(90, 110, (2, *shape)).astype(np.uint16)
    image[0, rows, columns] += np.uint16(level)
    image[1, rows.start + 2 : rows.stop - 2, columns.start + 2 : columns.stop - 2] += np.uint16(level)
    return image


@pytest.fixture
def batch() -> Batch:
    """Two good stamps of different size, one with an object at the frame, one without any."""
    images = [
        stamp(rows=slice(8, 20), columns=slice(9, 25)),
        stamp(rows=slice(0, 31), columns=slice(0, 20)),
        np.zeros((2, 24, 29), dtype=np.uint16),
        stamp(rows=slice(10, 24), columns=slice(12, 22), shape=(40, 33)),
    ]
    return Batch.of(images, channels=CHANNELS)


@pytest.fixture
def masked(batch: Batch) -> list[MaskResult]:
    config = Mask.model_validate({"methods": ["li", {"method": "circle", "name": "disc"}], "main_channel": "BF"})
    return mask_batch(batch, config=config)


@pytest.fixture
def images(batch: Batch) -> pl.DataFrame:
    count = len(batch)
    names = [f"images/{row}.tif" for row in range(count)]
    return pl.DataFrame(
        {"meta__image": names, "meta__well": ["A1", None, "B2", "B2"], "position": range(5, 5 + count)},
        schema_overrides={"position": pl.Int32},
    )


def test_the_table_of_stamps_has_the_columns_of_its_layout(images: pl.DataFrame, masked: list[MaskResult]) -> None:
    cells = stamp_cells(images, masked=masked, layout=STAMPS)
    assert dict(cells.schema) == STAMPS.cells()
    assert cells["position"].to_list() == [5, 6, 7, 8]
    assert cells["meta__well"].to_list() == ["A1", None, "B2", "B2"]
    assert cells["meta__object"].to_list() == [1, 1, 1, 1]


def test_masks_and_backgrounds_of_stamps_are_read_back_as_they_were_found(
    images: pl.DataFrame, masked: list[MaskResult], batch: Batch
) -> None:
    cells = stamp_cells(images, masked=masked, layout=STAMPS)
    for mask in masked:
        back = stamp_regions(cells, name=mask.name, channels=CHANNELS, shapes=batch.pixels.shapes)
        for before, after in zip(regions(mask), back, strict=True):
            assert (after.name, after.shared, after.masks.n_channels) == (
                before.name,
                before.shared,
                before.masks.n_channels,
            )
            np.testing.assert_array_equal(after.masks.flat, before.masks.flat)
            np.testing.assert_array_equal(after.masks.shapes, before.masks.shapes)
            np.testing.assert_array_equal(after.background, before.background)


def test_some_rows_of_the_table_give_the_regions_of_those_stamps(
    images: pl.DataFrame, masked: list[MaskResult], batch: Batch
) -> None:
    chosen = [3, 0]
    cells = stamp_cells(images, masked=masked, layout=STAMPS)[chosen]
    own, _ = stamp_regions(cells, name="li", channels=CHANNELS, shapes=batch.pixels.shapes[chosen])
    expected = regions(masked[0])[0].take(chosen)
    np.testing.assert_array_equal(own.masks.flat, expected.masks.flat)
    np.testing.assert_array_equal(own.background, expected.background)


def test_a_stamp_is_kept_where_any_mask_keeps_it_else_it_has_the_first_masks_reason(
    images: pl.DataFrame, masked: list[MaskResult]
) -> None:
    assert [mask.status.tolist() for mask in masked] == [
        ["kept", "border", "no_object", "kept"],
        ["kept", "kept", "no_object", "kept"],
    ]
    cells = stamp_cells(images, masked=masked, layout=STAMPS)
    assert cells["status"].to_list() == ["kept", "kept", "no_object", "kept"]
    assert cells["status__li"].to_list() == masked[0].status.tolist()
    other_way = stamp_cells(images, masked=masked[:1], layout=STAMPS.model_copy(update={"regions": ("li",)}))
    assert other_way["status"].to_list() == ["kept", "border", "no_object", "kept"]


def test_a_stamp_that_one_mask_rejects_is_not_valid_in_that_mask(
    images: pl.DataFrame, masked: list[MaskResult]
) -> None:
    cells = stamp_cells(images, masked=masked, layout=STAMPS)
    assert cells["meta__valid__li__BF"].to_list() == [True, False, False, True]
    assert cells["meta__valid__disc__BF"].to_list() == [True, True, False, True]
    assert cells[1].select(f"meta__bbox_{side}__li" for side in BOX).row(0) == (None,) * 4
    assert cells["background__li__BF"].is_nan().to_list() == [False, True, True, False]


def test_a_channel_without_object_is_not_valid_in_a_stamp_that_is_kept() -> None:
    image = stamp(rows=slice(8, 20), columns=slice(9, 25))
    image[1] = 0
    config = Mask.model_validate({"methods": ["li"], "main_channel": "BF"})
    masked = mask_batch(Batch.of([image], channels=CHANNELS), config=config)
    table = pl.DataFrame({"meta__image": ["a"], "meta__well": ["A1"], "position": [0]})
    cells = stamp_cells(table, masked=masked, layout=STAMPS.model_copy(update={"regions": ("li",)}))
    assert cells.row(0, named=True).items() >= {
        "status": "kept", "meta__valid__li__BF": True, "meta__valid__li__PI": False,
        "meta__regions__li__BF": 1, "meta__regions__li__PI": 0,
    }.items()  # fmt: skip


def test_the_centroid_is_that_of_the_combined_mask_of_the_first_mask_that_keeps_the_stamp(
    images: pl.DataFrame, masked: list[MaskResult]
) -> None:
    cells = stamp_cells(images, masked=masked, layout=STAMPS)
    choice = [masked[0], masked[1], None, masked[0]]
    for row, mask in enumerate(choice):
        got = cells["meta__centroid_row"][row], cells["meta__centroid_col"][row]
        if mask is None:
            assert all(math.isnan(value) for value in got)
        else:
            rows, columns = np.nonzero(mask.combined.unstack()[row][0])
            assert got == pytest.approx((rows.mean(), columns.mean()), abs=1e-12)


def test_the_centroid_of_nothing_is_missing() -> None:
    assert all(math.isnan(value) for value in centroid(np.zeros((3, 4), dtype=bool)))


def labels(text: str) -> LabelArray:
    return np.array([[int(value) for value in line.split()] for line in text.strip().splitlines()], dtype=np.int32)


NUCLEUS = labels("""
0 1 0 0 0 0
1 1 0 0 2 0
0 0 0 0 2 0
0 0 0 0 0 0
""")
CELL = labels("""
1 1 1 0 0 0
1 1 1 0 0 0
0 0 0 0 0 0
0 0 0 0 0 0
""")
NUCLEUS_LEFT_OUT = labels("""
0 0 0 0 0 0
0 0 0 0 0 0
0 0 0 0 0 0
0 3 3 0 0 4
""")
CELL_LEFT_OUT = labels("""
0 0 0 0 0 0
0 0 0 0 0 0
3 3 0 0 0 0
3 3 3 3 0 0
""")


@pytest.fixture
def field() -> pl.DataFrame:
    image = pl.DataFrame({"meta__image": ["field.tif"], "position": [2], "status": ["read"]})
    segmented = Segmentation(
        labels={"nucleus": NUCLEUS, "cell": CELL}, border={"nucleus": NUCLEUS_LEFT_OUT, "cell": CELL_LEFT_OUT}
    )
    return field_cells(image, segmented=segmented, layout=FIELD)


def test_the_table_of_a_field_has_the_columns_of_its_layout(field: pl.DataFrame) -> None:
    assert dict(field.schema) == FIELD.cells()
    assert field["meta__image"].to_list() == ["field.tif"] * 4
    assert field["position"].to_list() == [2] * 4


def test_objects_left_out_at_the_border_stand_after_the_others(field: pl.DataFrame) -> None:
    assert field["meta__object"].to_list() == [1, 2, 3, 4]
    assert field["status"].to_list() == ["kept", "kept", "border", "border"]


def test_boxes_are_half_open_and_those_of_an_object_that_is_missing_are_missing(field: pl.DataFrame) -> None:
    nucleus = field.select(f"meta__bbox_{side}__nucleus" for side in BOX).rows()
    assert nucleus == [(0, 0, 2, 2), (1, 4, 3, 5), (3, 1, 4, 3), (3, 5, 4, 6)]
    cell = field.select(f"meta__bbox_{side}__cell" for side in BOX).rows()
    assert cell == [(0, 0, 2, 3), (None,) * 4, (2, 0, 4, 4), (None,) * 4]


def test_an_object_is_valid_where_it_has_pixels_to_measure(field: pl.DataFrame) -> None:
    for channel in CHANNELS:
        assert field[f"meta__valid__nucleus__{channel}"].to_list() == [True, True, False, False]
        assert field[f"meta__valid__cell__{channel}"].to_list() == [True, False, False, False]


def test_the_centroid_is_the_mean_of_the_first_objects_pixels(field: pl.DataFrame) -> None:
    assert field["meta__centroid_row"].to_list() == pytest.approx([2 / 3, 1.5, 3, 3])
    assert field["meta__centroid_col"].to_list() == pytest.approx([2 / 3, 4, 1.5, 5])


def test_a_field_without_objects_has_an_empty_table_with_all_columns() -> None:
    nothing = np.zeros((4, 6), dtype=np.int32)
    image = pl.DataFrame({"meta__image": ["field.tif"], "position": [0], "status": ["read"]})
    both = {"nucleus": nothing, "cell": nothing}
    segmented = Segmentation(labels=both, border=both)
    cells = field_cells(image, segmented=segmented, layout=FIELD)
    assert len(cells) == 0
    assert dict(cells.schema) == FIELD.cells()


def test_a_label_that_is_not_there_has_a_box_of_zeros() -> None:
    assert label_boxes(CELL, np.array([2, 1, 9], dtype=np.int32)).tolist() == [[0] * 4, [0, 0, 2, 3], [0] * 4]
    assert label_boxes(CELL, np.array([], dtype=np.int32)).shape == (0, 4)
