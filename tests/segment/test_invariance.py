"""What may change in an image without changing its objects, and images without cells, contrast or values."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal
from skimage.measure import label

from tasks.core.types import AnyArray, Segmentation
from tasks.segment import Segment, segment_image
from tasks.segment.plain import fill_holes, largest_pieces, raster_order


def config(*, border: str = "keep", **nucleus: Any) -> Segment:  # noqa: ANN401 - any option of watershed
    objects = {
        "nucleus": {"method": "watershed", "channel": "DNA", **nucleus},
        "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"},
        "cytoplasm": {"method": "subtract", "from": "cell", "remove": "nucleus"},
    }
    return Segment.model_validate({"border": border, "objects": objects})


def segment(image: AnyArray, **options: Any) -> Segmentation:  # noqa: ANN401
    return segment_image(image, channels=("DNA", "RNA"), config=config(**options))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.uint64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (40, 50)])
@pytest.mark.parametrize("value", [0, 1])
def test_constant_images_have_no_object(dtype: type[np.generic], shape: tuple[int, int], value: int) -> None:
    image = np.full((2, *shape), value, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segmented = segment(image)
    both = (*segmented.labels.values(), *segmented.border.values())
    assert all(labels.shape == shape and not labels.any() for labels in both)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_images_without_values_have_no_object(value: float) -> None:
    segmented = segment(np.full((2, 30, 30), value))
    assert not any(labels.any() for labels in segmented.labels.values())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_pixels_belong_to_no_nucleus_and_spoil_no_other(field: AnyArray, value: float) -> None:
    complete = segment(field).labels
    image = field.astype(np.float64)
    image[0, 30, 40] = value
    image[1, 60:64, :] = value
    labels = segment(image).labels
    assert labels["nucleus"].max() == complete["nucleus"].max() == 7
    assert labels["nucleus"][30, 40] == 0
    assert_array_equal(labels["nucleus"][50:], complete["nucleus"][50:])
    outside = labels["nucleus"][60:64] == 0
    assert not labels["cell"][60:64][outside].any()


PLANES = st.tuples(st.just(2), st.integers(1, 7), st.integers(1, 7))


@given(
    arrays.arrays(np.float64, PLANES, elements=st.floats(allow_nan=True, allow_infinity=True))
    | arrays.arrays(np.uint8, PLANES)
    | arrays.arrays(np.int64, PLANES),
    st.sampled_from(["li", "otsu", "triangle"]),
    st.sampled_from(["both", "shape", "intensity", "none"]),
    st.sampled_from([0.0, 1.0, 30.0]),
)
def test_no_tiny_image_fails_or_breaks_what_holds_for_labels(
    image: AnyArray, threshold: str, declump: str, sigma: float
) -> None:
    options = {"threshold": threshold, "declump": declump, "sigma": sigma, "diameter": 2.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = segment(image, **options, min_diameter=0.0, min_contrast=0.0).labels
    nucleus, cell, cytoplasm = (labels[name] for name in ("nucleus", "cell", "cytoplasm"))
    assert_array_equal(np.unique(nucleus[nucleus > 0]), np.arange(1, nucleus.max() + 1))
    assert_array_equal(cell[nucleus > 0], nucleus[nucleus > 0])
    assert_array_equal(nucleus + cytoplasm, cell)
    assert not nucleus[~np.isfinite(image[0])].any()


CONFIG = config(border="drop", diameter=16)


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
    options = Segment.model_validate(section)
    expected, got = (segment_image(image, channels=("DNA", "RNA"), config=options) for image in (field, change(field)))
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

    expected, got = (segment(image, border="drop", diameter=16) for image in (field, turn(field)))
    assert_array_equal(got.labels["nucleus"] > 0, turn(expected.labels["nucleus"]) > 0)
    for name, labels in expected.labels.items():
        # a watershed gives a pixel at equal distance from two objects to the one it meets first
        equal = raster_order(turn(labels)) == raster_order(got.labels[name])
        assert labels.max() == got.labels[name].max()
        assert np.count_nonzero(~equal) <= 0.002 * equal.size


def test_image_given_is_not_changed_and_runs_are_equal(field: AnyArray) -> None:
    before = field.copy()
    field.setflags(write=False)
    first, second = (segment(field, border="drop", diameter=16) for _ in range(2))
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
    largest = largest_pieces(labels)
    assert_array_equal(largest[largest > 0], labels[largest > 0])
    for k in np.unique(labels[labels > 0]):
        pieces = label(labels == k, connectivity=1)
        assert label(largest == k, connectivity=1).max() == 1
        assert np.count_nonzero(largest == k) == np.bincount(pieces[pieces > 0]).max()
