"""Objects of which a cell may have several: whose they are, which are left out, and what they leave alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from tasks.core.types import AnyArray, LabelArray, Segmentation
from tasks.segment import Segment, segment_image
from tasks.segment.children import relate

CHANNELS = ("DNA", "FISH", "RNA")
AREAS = {
    "sigma": 0.0, "declump": "none", "local_contrast": 0.0, "rim": 0.0, "min_contrast": 0.0, "diameter": 10.0,
    "min_diameter": 0.0, "max_diameter": 100.0,
}  # fmt: skip
"""Settings by which the objects are exactly the areas that are drawn."""

NUCLEI = {
    "none": (slice(4, 12), slice(4, 12)),
    "one": (slice(4, 12), slice(20, 28)),
    "three": (slice(20, 28), slice(4, 12)),
    "cut": (slice(20, 28), slice(40, 48)),
}
"""In raster order; the last one is cut by the frame at the right of 48 columns."""
SPOTS = {
    "in one": (slice(6, 8), slice(22, 24)),
    "without nucleus": (slice(14, 16), slice(30, 33)),
    "first in three": (slice(21, 22), slice(5, 7)),
    "reaches out of three": (slice(23, 25), slice(10, 16)),
    "last in three": (slice(26, 27), slice(6, 7)),
    "in cut": (slice(22, 24), slice(46, 48)),
}
ORDER = ("in one", "without nucleus", "first in three", "in cut", "reaches out of three", "last in three")
"""Raster order of the first pixels."""


@pytest.fixture
def image() -> AnyArray:
    """(3, 32, 48) uint8; cells are wider than nuclei by two pixels."""
    planes = np.full((3, 32, 48), 10, dtype=np.uint8)
    for rows, columns in NUCLEI.values():
        planes[2, rows.start - 2 : rows.stop + 2, columns.start - 2 : columns.stop + 2] = 100
        planes[0, rows, columns] = 200
    for place in SPOTS.values():
        planes[1][place] = 150
    return planes


def config(
    *, border: str = "drop", children: bool = True, within: str = "nucleus", by: dict[str, Any] | None = None
) -> Segment:
    objects: dict[str, Any] = {"nucleus": {"method": "watershed", "channel": "DNA", **AREAS}}
    if children:
        if within == "cell":
            objects["cell"] = {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus", "sigma": 0.0}
        objects["spots"] = {"method": "watershed", "channel": "FISH", **AREAS} if by is None else by
        objects["spots"] = {"within": within, **objects["spots"]}
    objects.setdefault("cell", {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus", "sigma": 0.0})
    return Segment.model_validate({"border": border, "objects": objects})


def drawn(names: tuple[str, ...]) -> LabelArray:
    """Draw some spots, numbered as they are listed."""
    labels = np.zeros((32, 48), dtype=np.int32)
    for number, name in enumerate(names, start=1):
        labels[SPOTS[name]] = number
    return labels


@pytest.mark.parametrize(
    "by", [None, {"method": "threshold", "channel": "FISH", "sigma": 0}, {"method": "labels", "files": "x"}]
)
def test_a_nucleus_has_none_one_or_several_and_what_lies_in_none_or_in_a_cut_cell_is_left_out(
    image: AnyArray, by: dict[str, Any] | None
) -> None:
    given = {"spots": drawn(tuple(SPOTS)) * 3}
    segmented = segment_image(image, channels=CHANNELS, config=config(by=by), given=given)
    assert list(segmented.labels) == ["nucleus", "spots", "cell"]
    kept = ("in one", "first in three", "reaches out of three", "last in three")
    assert_array_equal(segmented.labels["spots"], drawn(kept))
    assert segmented.labels["nucleus"].max() == 3
    left_out = ("without nucleus", "in cut")
    assert_array_equal(segmented.border["spots"], np.where(drawn(left_out) > 0, drawn(left_out) + len(kept), 0))
    assert segmented.parents["spots"].tolist() == [2, 3, 3, 3, 0, 4]
    assert segmented.border["nucleus"].max() == 4
    assert segmented.parents["spots"].dtype == np.int32


def test_without_border_rule_all_that_lie_in_a_cell_are_kept(image: AnyArray) -> None:
    segmented = segment_image(image, channels=CHANNELS, config=config(border="keep"))
    assert_array_equal(segmented.labels["spots"], drawn(tuple(name for name in ORDER if name != "without nucleus")))
    assert segmented.parents["spots"].tolist() == [2, 3, 4, 3, 3, 0]


def test_a_child_belongs_to_the_object_that_is_named_whatever_other_objects_there_are(image: AnyArray) -> None:
    segmented = segment_image(image, channels=CHANNELS, config=config(within="cell"))
    assert segmented.parents["spots"].tolist() == [2, 3, 3, 3, 0, 4]


def test_a_child_at_the_frame_costs_no_cell_and_children_change_no_other_object(image: AnyArray) -> None:
    image[1, 4:6, 8:] = 150  # from the first nucleus through the second to the frame
    with_children, without = (
        segment_image(image, channels=CHANNELS, config=config(children=children)) for children in (True, False)
    )
    for name, labels in without.labels.items():
        assert_array_equal(with_children.labels[name], labels)
        assert_array_equal(with_children.border[name], without.border[name])
    assert without.parents == {}
    # 8 pixels in the first nucleus, 20 in the second with the spot that it touches, and all of them are its own
    assert with_children.parents["spots"][0] == 2
    assert np.count_nonzero(with_children.labels["spots"] == 1) == 2 * 40 + 4


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_turned_and_mirrored_fields_have_the_same_children_in_the_same_cells(
    image: AnyArray, turns: int, *, mirror: bool
) -> None:
    def turn(planes: AnyArray) -> AnyArray:
        turned = np.rot90(planes, turns, axes=(-2, -1))
        return np.ascontiguousarray(turned[..., ::-1] if mirror else turned)

    def cells_of_spots(segmented: Segmentation) -> list[frozenset[tuple[int, int]]]:
        """Pixels of the nucleus of each spot, one after the other as the spots were drawn."""
        spots, nuclei = segmented.all_labels["spots"], segmented.all_labels["nucleus"]
        numbers = [spots[where] for where in places]
        parents = [segmented.parents["spots"][number - 1] for number in numbers]
        return [frozenset(zip(*np.nonzero((nuclei == own) & (own > 0)), strict=True)) for own in parents]

    places = [(place[0].start, place[1].start) for place in SPOTS.values()]
    expected = segment_image(image, channels=CHANNELS, config=config())
    got = segment_image(turn(image), channels=CHANNELS, config=config())
    back = np.empty((32, 48), dtype=np.int64)
    back.ravel()[turn(np.arange(back.size).reshape(back.shape)).ravel()] = np.arange(back.size)

    def turned_back(labels: LabelArray) -> LabelArray:
        return labels.ravel()[back]

    unturned = Segmentation(
        labels={name: turned_back(labels) for name, labels in got.labels.items()},
        border={name: turned_back(labels) for name, labels in got.border.items()},
        parents=got.parents,
    )
    assert cells_of_spots(unturned) == cells_of_spots(expected)
    assert_array_equal(unturned.labels["spots"] > 0, expected.labels["spots"] > 0)


@pytest.mark.parametrize("flat", [0, 1])
def test_a_flat_channel_of_cells_or_of_children_has_none(image: AnyArray, flat: int) -> None:
    image[flat] = 7
    segmented = segment_image(image, channels=CHANNELS, config=config())
    assert segmented.labels["spots"].max() == 0
    assert segmented.parents["spots"].tolist() == ([0] * 6 if flat == 0 else [])
    assert segmented.border["spots"].max() == (6 if flat == 0 else 0)


LABELS = arrays.arrays(np.int32, st.just((6, 7)), elements=st.integers(0, 4))


@given(LABELS, LABELS)
def test_each_child_belongs_to_the_smallest_of_those_that_it_shares_most_pixels_with(
    children: LabelArray, within: LabelArray
) -> None:
    expected = []
    for child in range(1, children.max(initial=0) + 1):
        shared = [np.count_nonzero((children == child) & (within == label)) for label in range(1, 5)]
        expected.append(int(np.argmax(shared)) + 1 if max(shared) else 0)
    assert relate(children, within=within).tolist() == expected
