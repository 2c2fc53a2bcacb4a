"""Threshold, expansion, and what becomes of labels that somebody else made."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal
from skimage.filters import threshold_otsu
from skimage.measure import label
from skimage.segmentation import expand_labels

from tasks.core.errors import PixelError
from tasks.core.types import AnyArray, Segmentation
from tasks.segment import Segment, Threshold, segment_image, threshold
from tasks.segment.matched import match_labels

LABELS = arrays.arrays(np.int32, st.just((6, 7)), elements=st.integers(0, 4))


def found(image: AnyArray, objects: Any, *, given: Mapping[str, AnyArray] | None = None) -> Segmentation:  # noqa: ANN401
    config = Segment.model_validate({"border": "keep", "objects": objects})
    return segment_image(image, channels=["DNA", "RNA"][: len(image)], config=config, given=given)


def test_threshold_labels_connected_areas_of_a_size() -> None:
    plane = np.zeros((12, 20))
    plane[1, 1] = plane[2:5, 4:7] = plane[2:10, 10:18] = 9
    plane[3, 5] = 0
    spots = {"method": "threshold", "channel": "DNA", "sigma": 0}
    assert found(plane[np.newaxis], {"spot": spots}).labels["spot"].max() == 3
    labels = found(plane[np.newaxis], {"spot": {**spots, "min_diameter": 2, "max_diameter": 5}}).labels["spot"]
    assert np.count_nonzero(labels) == 9  # its hole is filled
    hollow = found(plane[np.newaxis], {"spot": {**spots, "max_diameter": 5, "holes": "keep"}}).labels["spot"]
    assert np.bincount(hollow.ravel()).tolist() == [240 - 9, 1, 8]


def test_threshold_by_otsu_is_that_of_scikit_image(field: AnyArray) -> None:
    config = Threshold(name="nucleus", channel="DNA", sigma=0, holes="keep", threshold="otsu")
    labels = threshold(field, labels={}, config=config, channels=["DNA", "RNA"])
    expected = field[0] > threshold_otsu(field[0])
    assert np.mean((labels > 0) == expected) > 0.999  # levels lie between 1024 bins of one and 256 of the other
    assert label(labels > 0, connectivity=1).max() == labels.max()


def test_a_level_that_is_given_is_one_of_the_pixels_values() -> None:
    image = np.array([[[0, 700, 900, 0, np.nan, 899]]])
    objects = {"spot": {"method": "threshold", "channel": "DNA", "sigma": 0, "threshold": 899}}
    assert_array_equal(found(image, objects).labels["spot"], [[0, 0, 1, 0, 0, 0]])
    assert not found(np.full((1, 3, 3), np.nan), objects).labels["spot"].any()
    assert found(np.full((1, 3, 3), 900), objects).labels["spot"].all()
    objects["spot"] |= {"threshold": "li"}
    assert not found(np.full((1, 3, 3), 900), objects).labels["spot"].any()


@pytest.mark.parametrize("options", [{"threshold": float("nan")}, {"min_diameter": 9, "max_diameter": 5}])
def test_thresholds_that_say_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"finite number|expected them to rise"):
        Threshold(name="spot", channel="DNA", **options)


@pytest.mark.parametrize("distance", [0, 1, 2.5, 100])
def test_expansion_is_that_of_scikit_image(field: AnyArray, distance: float) -> None:
    nucleus = {"method": "watershed", "channel": "DNA", "diameter": 16}
    ring = {"method": "expand", "from": "nucleus", "distance": distance}
    labels = found(field, {"nucleus": nucleus, "ring": ring}).labels
    assert_array_equal(labels["ring"], expand_labels(labels["nucleus"], distance=distance))


@given(LABELS, LABELS)
def test_matching_is_one_to_one_and_changes_no_outline(labels: AnyArray, reference: AnyArray) -> None:
    matched = match_labels(labels, reference=reference)
    pairs = {(int(old), int(new)) for old, new in zip(labels.ravel(), matched.ravel(), strict=True) if new}
    assert len({old for old, _ in pairs}) == len({new for _, new in pairs}) == len(pairs)
    for old, new in pairs:
        assert_array_equal(matched == new, labels == old)
        assert ((labels == old) & (reference == new)).any()
    overlap = np.array(
        [[np.count_nonzero((labels == old) & (reference == new)) for new in range(5)] for old in range(5)]
    )
    overlap[0], overlap[:, 0] = 0, 0
    if overlap.any():  # the pair with the largest overlap is one of them
        assert max(overlap[old, new] for old, new in pairs) == overlap.max()
    assert not (overlap[np.ix_([o for o in range(1, 5) if o not in {a for a, _ in pairs}],
                               [n for n in range(1, 5) if n not in {b for _, b in pairs}])]).any()  # fmt: skip


GIVEN = {"nucleus": {"method": "labels", "files": "{stem}.png"}}
IMAGE = np.zeros((1, 3, 4))


def test_labels_with_gaps_in_any_order_are_numbered_by_their_first_pixels() -> None:
    labels = np.array([[0, 7, 7, 0], [2, 0, 0, 2**40], [7, 0, 0, 0]])
    assert_array_equal(
        found(IMAGE, GIVEN, given={"nucleus": labels}).labels["nucleus"], [[0, 1, 1, 0], [2, 0, 0, 3], [1, 0, 0, 0]]
    )


def test_a_mask_is_taken_apart_into_areas_where_it_is_said_to_be_one() -> None:
    mask = np.array([[0, 255, 255, 0], [255, 0, 0, 255], [255, 0, 0, 0]], dtype=np.uint8)
    assert found(IMAGE, GIVEN, given={"nucleus": mask}).labels["nucleus"].max() == 1
    assert_array_equal(
        found(IMAGE, {"nucleus": {**GIVEN["nucleus"], "holds": "mask"}}, given={"nucleus": mask}).labels["nucleus"],
        [[0, 1, 1, 0], [2, 0, 0, 3], [2, 0, 0, 0]],
    )


def test_cells_of_a_label_image_get_the_numbers_of_their_nuclei() -> None:
    nuclei = np.array([[0, 4, 4, 0], [0, 0, 0, 0], [2, 0, 0, 9]])
    cells = np.array([[1, 1, 1, 0], [0, 0, 0, 5], [3, 3, 0, 0]])
    objects = GIVEN | {"cell": {"method": "labels", "files": "{stem}_cell.png", "match": "nucleus"}}
    labels = found(IMAGE, objects, given={"nucleus": nuclei, "cell": cells}).labels
    assert_array_equal(labels["cell"], [[1, 1, 1, 0], [0, 0, 0, 0], [2, 2, 0, 0]])
    assert_array_equal(labels["nucleus"], [[0, 1, 1, 0], [0, 0, 0, 0], [2, 0, 0, 3]])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((3, 5), dtype=int), r"shape \(3, 5\), expected that of the image, \(3, 4\)"),
        (np.full((3, 4), -2), "got the label -2, expected no negative ones"),
        (np.full((3, 4), 0.5), "got an array of float64, expected whole numbers"),
    ],
)
@pytest.mark.parametrize("holds", ["labels", "mask"])
def test_labels_that_do_not_fit_are_refused(labels: AnyArray, words: str, holds: str) -> None:
    objects = {"nucleus": {**GIVEN["nucleus"], "holds": holds}}
    if holds == "mask" and labels.shape == (3, 4):  # any number is a mask
        assert found(IMAGE, objects, given={"nucleus": labels}).labels["nucleus"].max() == labels.any()
    else:
        with pytest.raises(PixelError, match=rf"its label image .*object 'nucleus' \(method labels\): .*{words}"):
            found(IMAGE, objects, given={"nucleus": labels})


@pytest.mark.parametrize(
    ("files", "words"),
    [("", "got no path"), ("a{}.tif", "belongs to no name"), ("{a.__class__}.tif", "no name"), ("{stem", "no name")],
)
def test_paths_with_stray_braces_are_refused(files: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        found(IMAGE, {"nucleus": {"method": "labels", "files": files}})
