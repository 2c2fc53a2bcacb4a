"""What may change in an image without changing its objects."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal
from skimage.measure import label

from tasks.core.types import AnyArray, Segmented
from tasks.segment import Segment, segment_image
from tasks.segment.label_images import fill_holes, largest_pieces, raster_order

CONFIG = Segment.model_validate(
    {
        "objects": {
            "nucleus": {"method": "watershed", "channel": "DNA", "diameter": 16},
            "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"},
            "cytoplasm": {"method": "subtract", "from": "cell", "remove": "nucleus"},
        }
    }
)


def segment(image: AnyArray, *, config: Segment = CONFIG) -> Segmented:
    return segment_image(image, channels=("DNA", "RNA"), config=config)


@pytest.mark.parametrize("threshold", ["li", "otsu", "triangle"])
@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.astype(np.uint16) * 257, lambda image: image.astype(np.int64) * 1_000_003 - 77,
        lambda image: image.astype(np.uint32) << 24, lambda image: image.astype(np.float32),
        lambda image: image.astype(np.float64) / 256, lambda image: image.astype(np.float16),
        lambda image: image.astype(">i2"),
    ],
    ids=["times 257", "int64 scale and shift", "uint32 shift", "float32", "float64 in 0..1", "float16", "big endian"],
)  # fmt: skip
def test_bit_depth_and_dtype_do_not_matter(
    field: AnyArray, change: Callable[[AnyArray], AnyArray], threshold: str
) -> None:
    section = CONFIG.model_dump()
    section["objects"][0]["threshold"] = section["objects"][1]["threshold"] = threshold
    config = Segment.model_validate(section)
    expected, got = segment(field, config=config), segment(change(field), config=config)
    assert expected.labels["nucleus"].max() == 4
    for name, labels in expected.labels.items():
        assert_array_equal(got.labels[name], labels)
        assert_array_equal(got.border[name], expected.border[name])


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_turned_and_mirrored_fields_have_the_same_objects(field: AnyArray, turns: int, *, mirror: bool) -> None:
    def turn(image: AnyArray) -> AnyArray:
        turned = np.rot90(image, turns, axes=(-2, -1))
        return np.ascontiguousarray(turned[..., ::-1] if mirror else turned)

    expected, got = segment(field), segment(turn(field))
    assert_array_equal(got.labels["nucleus"] > 0, turn(expected.labels["nucleus"]) > 0)
    for name, labels in expected.labels.items():
        # a watershed gives a pixel at equal distance from two objects to the one it meets first
        same = raster_order(turn(labels)) == raster_order(got.labels[name])
        assert labels.max() == got.labels[name].max()
        assert np.count_nonzero(~same) <= 0.002 * same.size


def test_image_given_is_not_changed_and_runs_are_equal(field: AnyArray) -> None:
    before = field.copy()
    field.setflags(write=False)
    first, second = segment(field), segment(field)
    assert_array_equal(field, before)
    for name, labels in first.labels.items():
        assert labels.dtype == np.int32
        assert_array_equal(labels, second.labels[name])


LABELS = arrays.arrays(np.int32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 4))


@given(LABELS)
def test_raster_order_renames_and_nothing_else(labels: AnyArray) -> None:
    ordered = raster_order(labels)
    assert_array_equal(ordered > 0, labels > 0)
    seen = list(dict.fromkeys(labels[labels > 0].tolist()))
    assert_array_equal(ordered[labels > 0], [seen.index(k) + 1 for k in labels[labels > 0].tolist()])


@given(LABELS)
def test_filling_holes_only_adds_and_twice_is_once(labels: AnyArray) -> None:
    filled = fill_holes(labels)
    assert_array_equal(filled[labels > 0], labels[labels > 0])
    assert_array_equal(fill_holes(filled), filled)
    assert_array_equal(filled[[0, -1]], labels[[0, -1]])


@given(LABELS)
def test_largest_pieces_keeps_one_piece_of_every_object(labels: AnyArray) -> None:
    kept = largest_pieces(labels)
    assert_array_equal(kept[kept > 0], labels[kept > 0])
    for k in np.unique(labels[labels > 0]):
        pieces = label(labels == k, connectivity=1)
        assert label(kept == k, connectivity=1).max() == 1
        assert np.count_nonzero(kept == k) == np.bincount(pieces[pieces > 0]).max()
