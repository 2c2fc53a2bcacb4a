"""Fields that are hard on a method: an object as large as the frame, thousands that touch, an uneven background."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage.measure import label

from tasks.core.types import AnyArray
from tasks.segment import Segment, segment_image
from tasks.segment.methods.seeded_watershed import SeededWatershed, seeded_watershed, seeded_watershed_plain
from tasks.segment.methods.watershed import Watershed, watershed, watershed_plain


def objects_of(plane: AnyArray, **options: Any) -> AnyArray:  # noqa: ANN401 - any option of watershed
    section = {"border": "keep", "objects": {"nucleus": {"method": "watershed", "channel": "DNA", **options}}}
    return segment_image(plane[np.newaxis], channels=["DNA"], config=Segment.model_validate(section)).labels["nucleus"]


@pytest.mark.parametrize("dark", [0, 1])
def test_an_object_as_large_as_the_frame_is_one(dark: int) -> None:
    plane = np.full((70, 90), 200.0)
    plane[:dark] = 0
    labels = objects_of(plane, diameter=80, local_contrast=0, sigma=0)
    # a plane without anything dark has no contrast
    assert labels.max() == dark
    assert np.count_nonzero(labels) == dark * 69 * 90


def test_thousands_of_touching_objects_are_told_apart() -> None:
    rows, columns = np.mgrid[:400, :400]
    plane = 20 + 100 * np.hypot((rows % 8) - 3.5, (columns % 8) - 3.5).clip(0, 4.5) / -4.5 + 100
    labels = objects_of(
        plane, diameter=8, local_contrast=0, threshold_correction=0.3, min_diameter=3, rim=0, min_contrast=0
    )
    assert labels.max() == 2500
    assert label(labels, connectivity=1).max() == 2500


def test_a_local_threshold_follows_an_uneven_background() -> None:
    rng = np.random.default_rng(2)
    rows, columns = np.mgrid[:120, :400]
    plane = 0.15 * columns + rng.normal(10, 1, rows.shape)
    centers = [(row, column) for row in (30, 90) for column in range(25, 400, 50)]
    for row, column in centers:
        plane += 60.0 * (np.hypot(rows - row, columns - column) <= 8)
    options: dict[str, Any] = {"diameter": 16, "local_contrast": 0, "rim": 0}
    local, uniform = (objects_of(plane, threshold=name, window=100, **options) for name in ("local", "li"))
    assert local.max() == len(centers)
    assert (local[tuple(np.transpose(centers))] > 0).all()
    assert np.bincount(local.ravel())[1:].max() < 1.5 * np.pi * 64
    # background that is brighter than the one threshold joins the objects upon it
    assert np.bincount(uniform.ravel())[1:].max() > 3 * np.pi * 64


@pytest.mark.parametrize("threshold", ["li", "otsu", "triangle", "local"])
def test_compiled_and_plain_code_find_the_same_objects(field: AnyArray, threshold: Any) -> None:  # noqa: ANN401
    channels = ["DNA", "RNA"]
    config = Watershed(name="nucleus", channel="DNA", diameter=16, threshold=threshold)
    nuclei, expected = (
        find(field, labels={}, config=config, channels=channels) for find in (watershed, watershed_plain)
    )
    assert nuclei.max() == expected.max() == 7
    assert np.mean(nuclei != expected) < 0.002
    growing = SeededWatershed(name="cell", channel="RNA", seeds="nucleus", threshold=threshold)
    cells, expected_cells = (
        find(field, labels={"nucleus": nuclei}, config=growing, channels=channels)
        for find in (seeded_watershed, seeded_watershed_plain)
    )
    assert np.mean(cells != expected_cells) < 0.002
    assert_array_equal(cells[nuclei > 0], nuclei[nuclei > 0])
