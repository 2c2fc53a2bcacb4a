"""Hand-made fields, whose objects can be counted by eye."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage.measure import label

from tasks.core.errors import ConfigError
from tasks.core.types import AnyArray, BoolArray, Segmentation
from tasks.segment import Segment, segment_image
from tasks.segment.registry import segmenters

CHANNELS = ("DNA", "RNA")


def config(*, border: str = "drop", **nucleus: Any) -> Segment:  # noqa: ANN401 - any option of watershed
    objects = {
        "nucleus": {"method": "watershed", "channel": "DNA", "diameter": 16, **nucleus},
        "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"},
        "cytoplasm": {"method": "subtract", "from": "cell", "remove": "nucleus"},
    }
    return Segment.model_validate({"border": border, "objects": objects})


def nuclei_of(plane: AnyArray, *, border: str = "keep", **options: Any) -> AnyArray:  # noqa: ANN401
    section = {"border": border, "objects": {"nucleus": {"method": "watershed", "channel": "DNA", **options}}}
    return segment_image(plane[np.newaxis], channels=["DNA"], config=Segment.model_validate(section)).labels["nucleus"]


def disc(shape: tuple[int, int], *, centre: tuple[float, float], radius: float) -> BoolArray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(rows - centre[0], columns - centre[1]) <= radius, dtype=np.bool_)


@pytest.fixture
def by_border(field: AnyArray) -> dict[str, Segmentation]:
    """Segment it once for each thing that may become of the cells at the frame."""
    borders = ("keep", "drop", "primary")
    return {border: segment_image(field, channels=CHANNELS, config=config(border=border)) for border in borders}


@pytest.fixture
def all_kept(by_border: dict[str, Segmentation]) -> Segmentation:
    return by_border["keep"]


def test_two_touching_discs_are_two_objects_and_one_disc_is_one() -> None:
    left = disc((50, 70), centre=(25, 25), radius=10)
    right = disc((50, 70), centre=(25, 44), radius=10)
    assert nuclei_of(200.0 * left).max() == 1
    both = nuclei_of(200.0 * (left | right))
    assert both.max() == 2
    assert both[25, 25] == 1
    assert both[25, 44] == 2
    assert nuclei_of(200.0 * (left | right), declump="none").max() == 1


@pytest.mark.parametrize("radius", [4, 10, 40])
def test_a_waist_parts_discs_of_any_size_alike(radius: int) -> None:
    shape = (4 * radius, 6 * radius)
    pair = disc(shape, centre=(2 * radius, 2 * radius), radius=radius)
    pair |= disc(shape, centre=(2 * radius, 3.7 * radius), radius=radius)
    assert nuclei_of(100.0 * pair, diameter=2 * radius).max() == 2
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    oval = np.hypot((rows - 2 * radius) * 1.7, columns - 3 * radius)
    assert nuclei_of(100.0 * (oval <= 1.7 * radius), diameter=2 * radius).max() == 1


def test_a_darker_line_parts_objects_without_a_waist() -> None:
    plane = np.zeros((60, 80))
    plane[20:36, 16:64] = 200.0
    plane[20:36, 38:42] = 160.0
    assert nuclei_of(plane, declump="shape", local_contrast=0).max() == 1
    assert nuclei_of(plane, declump="intensity", local_contrast=0).max() == 2


def test_outline_of_a_disc_is_right_within_a_pixel() -> None:
    truth = disc((60, 60), centre=(30, 30), radius=10)
    mask = nuclei_of(50 + 1000 * truth) > 0
    assert not (truth & ~mask)[disc((60, 60), centre=(30, 30), radius=9)].any()
    assert not (mask & ~disc((60, 60), centre=(30, 30), radius=11.5)).any()


def test_hole_is_filled_and_speck_and_giant_are_dropped() -> None:
    shape = (160, 160)
    plane = 200.0 * disc(shape, centre=(30, 30), radius=9)
    plane[disc(shape, centre=(30, 30), radius=2)] = 0.0
    plane[80, 20] = 200.0
    plane[disc(shape, centre=(105, 105), radius=50)] = 200.0
    labels = nuclei_of(plane, diameter=18)
    assert labels.max() == 1
    assert labels[30, 30] == 1


def test_a_bright_object_keeps_no_halo_and_a_dim_one_beside_it_is_found() -> None:
    shape = (80, 120)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(rows - 40, columns - 35)
    plane = 10 + np.where(distance <= 9, 2000.0, 700 * np.exp((9 - distance) / 4))
    plane += 500 * disc(shape, centre=(40, 95), radius=9)
    trimmed, untrimmed = nuclei_of(plane, rim=0.45, local_contrast=0), nuclei_of(plane, rim=0, local_contrast=0)
    assert trimmed.max() == untrimmed.max() == 2
    assert np.count_nonzero(untrimmed == untrimmed[40, 35]) > 1.3 * np.pi * 81
    assert np.count_nonzero(trimmed == trimmed[40, 35]) < 1.2 * np.pi * 81
    assert np.count_nonzero(trimmed[:, 80:]) > 0.95 * np.count_nonzero(untrimmed[:, 80:])


def test_field_of_noise_has_no_object() -> None:
    random = np.random.default_rng(0)
    assert nuclei_of(random.poisson(30, (200, 200))).max() == 0
    assert nuclei_of(random.normal(500, 20, (200, 200))).max() == 0
    assert nuclei_of(random.poisson(30, (200, 200)), min_contrast=0).max() > 100


def test_all_cells_of_the_field_are_found_whatever_becomes_of_those_at_the_frame(
    by_border: dict[str, Segmentation],
) -> None:
    for border, inside in (("keep", 7), ("primary", 5), ("drop", 4)):
        for name in ("nucleus", "cell", "cytoplasm"):
            assert_array_equal(np.unique(by_border[border].labels[name]), np.arange(inside + 1))
            assert_array_equal(np.unique(by_border[border].border[name]), [0, *range(inside + 1, 8)])


def test_labels_follow_the_raster_order_of_first_pixels(by_border: dict[str, Segmentation]) -> None:
    for segmented in (by_border["keep"].labels, by_border["drop"].labels, by_border["drop"].border):
        labels = segmented["nucleus"]
        first = [int(np.flatnonzero(labels == k)[0]) for k in np.unique(labels[labels > 0])]
        assert first == sorted(first)


def test_a_cell_is_left_out_with_all_its_objects_and_no_pixel_moves(by_border: dict[str, Segmentation]) -> None:
    nucleus = by_border["keep"].labels["nucleus"]
    by_nucleus = [nucleus[2, 70], nucleus[70, 127]]
    for border, cut in (("primary", by_nucleus), ("drop", [*by_nucleus, nucleus[100, 110]])):
        segmented = by_border[border]
        for name, labels in by_border["keep"].labels.items():
            gone = np.isin(labels, cut)
            assert_array_equal(segmented.border[name] > 0, gone)
            assert_array_equal(segmented.labels[name] > 0, (labels > 0) & ~gone)
            assert_array_equal(segmented.all_labels[name] > 0, labels > 0)


def test_every_cell_contains_its_nucleus_is_one_piece_and_the_rest_of_it_cytoplasm(all_kept: Segmentation) -> None:
    nucleus, cell, cytoplasm = (all_kept.labels[name] for name in ("nucleus", "cell", "cytoplasm"))
    assert not ((nucleus > 0) & (cytoplasm > 0)).any()
    assert_array_equal(nucleus + cytoplasm, cell)
    assert_array_equal(cell[nucleus > 0], nucleus[nucleus > 0])
    for k in range(1, nucleus.max() + 1):
        assert label(cell == k, connectivity=1).max() == 1
        assert np.count_nonzero(cell == k) > 2 * np.count_nonzero(nucleus == k)


def test_touching_cells_meet_halfway_between_their_nuclei(all_kept: Segmentation) -> None:
    cell = all_kept.labels["cell"]
    line = cell[89, 30:47]
    change = 30 + int(np.flatnonzero(line != line[0])[0])
    assert abs(change - 38) <= 2


def test_max_distance_limits_cells(field: AnyArray) -> None:
    section = config().model_dump()
    section["objects"][1]["max_distance"] = 3.0
    labels = segment_image(field, channels=CHANNELS, config=Segment.model_validate(section)).labels
    for k in range(1, 6):
        rows, columns = np.nonzero(labels["cell"] == k)
        nucleus = np.argwhere(labels["nucleus"] == k)
        nearest = np.hypot(*(np.stack([rows, columns], axis=1)[:, None] - nucleus[None]).transpose(2, 0, 1)).min(axis=1)
        assert 2 < nearest.max() <= 3


def test_cell_that_is_all_nucleus_has_an_empty_cytoplasm() -> None:
    plane = 200.0 * disc((60, 60), centre=(30, 30), radius=8)
    segmented = segment_image(np.stack([plane, 0 * plane]), channels=CHANNELS, config=config())
    assert segmented.labels["nucleus"].max() == 1
    assert_array_equal(segmented.labels["cell"], segmented.labels["nucleus"])
    assert not segmented.labels["cytoplasm"].any()


def test_unknown_channel_and_wrong_shape_are_refused(field: AnyArray) -> None:
    with pytest.raises(ConfigError, match=r"segment\.objects\.nucleus\.channel: got 'DNA'"):
        segment_image(field, channels=("DAPI", "RNA"), config=config())
    with pytest.raises(ValueError, match=r"got an image of shape \(128, 128\)"):
        segment_image(field[0], channels=CHANNELS, config=config())


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([[0]], "got a list, expected labels as a numpy array"),
        (np.zeros((128, 127), dtype=np.int32), r"got labels of shape \(128, 127\), expected .* \(128, 128\)"),
        (np.zeros((128, 128), dtype=np.bool_), "got an array of bool, expected whole numbers"),
        (np.full((128, 128), -1), "got the label -1, expected no negative ones"),
    ],
)
@pytest.mark.parametrize("method", ["watershed", "subtract"])
def test_a_method_that_returns_no_label_image_is_named(
    field: AnyArray, labels: object, words: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = replace(segmenters[method], function=lambda *_, **__: labels)  # type: ignore[arg-type]
    monkeypatch.setitem(segmenters._parts, method, faulty)
    with pytest.raises((TypeError, ValueError), match=rf"object '\w+' \(method {method}\): {words}"):
        segment_image(field, channels=CHANNELS, config=config())
