"""Images without cells, without contrast, without values: no object, and no complaint."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from tasks.core.types import AnyArray
from tasks.segment import Segment, segment_image


def config(**nucleus: Any) -> Segment:  # noqa: ANN401 - any option of watershed
    return Segment.model_validate(
        {
            "border": "keep",
            "objects": {
                "nucleus": {"method": "watershed", "channel": "DNA", **nucleus},
                "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"},
                "cytoplasm": {"method": "subtract", "from": "cell", "remove": "nucleus"},
            },
        }
    )


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.uint64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (40, 50)])
@pytest.mark.parametrize("value", [0, 1])
def test_constant_images_have_no_object(dtype: type[np.generic], shape: tuple[int, int], value: int) -> None:
    image = np.full((2, *shape), value, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = segment_image(image, channels=("DNA", "RNA"), config=config())
    assert all(
        labels.shape == shape and not labels.any() for labels in (*found.labels.values(), *found.border.values())
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_images_without_values_have_no_object(value: float) -> None:
    found = segment_image(np.full((2, 30, 30), value), channels=("DNA", "RNA"), config=config())
    assert not any(labels.any() for labels in found.labels.values())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_pixels_belong_to_no_nucleus_and_spoil_no_other(field: AnyArray, value: float) -> None:
    whole = segment_image(field, channels=("DNA", "RNA"), config=config()).labels
    image = field.astype(np.float64)
    image[0, 30, 40] = value
    image[1, 60:64, :] = value
    found = segment_image(image, channels=("DNA", "RNA"), config=config()).labels
    assert found["nucleus"].max() == whole["nucleus"].max() == 7
    assert found["nucleus"][30, 40] == 0
    assert_array_equal(found["nucleus"][50:], whole["nucleus"][50:])
    outside = found["nucleus"][60:64] == 0
    assert not found["cell"][60:64][outside].any()


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
    options = config(
        threshold=threshold, declump=declump, sigma=sigma, diameter=2.0, min_diameter=0.0, min_contrast=0.0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = segment_image(image, channels=("DNA", "RNA"), config=options).labels
    nucleus, cell, cytoplasm = (found[name] for name in ("nucleus", "cell", "cytoplasm"))
    assert_array_equal(np.unique(nucleus[nucleus > 0]), np.arange(1, nucleus.max() + 1))
    assert_array_equal(cell[nucleus > 0], nucleus[nucleus > 0])
    assert_array_equal(nucleus + cytoplasm, cell)
    assert not nucleus[~np.isfinite(image[0])].any()
