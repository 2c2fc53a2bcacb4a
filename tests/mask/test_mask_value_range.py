"""The channel filter ``value_range``."""

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.core.types import AnyArray, Batch
from tasks.mask import Mask, ValueRange, mask_batch, value_range_passes

DTYPES = ["uint8", "uint16", "uint64", "int8", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_largest_minus_smallest_must_be_above_the_threshold(dtype: str) -> None:
    image = np.array([[12, 5, 9], [6, 8, 7]], dtype=dtype)
    assert value_range_passes(image, threshold=6.999)
    assert not value_range_passes(image, threshold=7)


def test_integers_do_not_wrap_around() -> None:
    assert value_range_passes(np.array([[-128, 127]], dtype=np.int8), threshold=254.5)
    widest = np.array([[-(2**63), 2**63 - 1]], dtype=np.int64)
    assert value_range_passes(widest, threshold=2.0**63)
    assert not value_range_passes(widest, threshold=2.0**64)


def test_the_widest_range_of_floats_is_above_every_threshold() -> None:
    largest = np.finfo(np.float64).max
    assert value_range_passes(np.array([[-largest, largest]]), threshold=largest)
    assert value_range_passes(np.array([[-60000, 60000]], dtype=np.float16), threshold=119999)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((30, 30)), np.full((3, 3), 65535, dtype=np.uint16), np.full((30, 31), 0.1), np.ones((1, 1)),
        np.array([[1.0, np.nan]]), np.array([[1.0, -np.inf]]), np.zeros((0, 3)),
    ],
)  # fmt: skip
def test_constant_and_unknown_pixels_fail_even_the_threshold_0(image: AnyArray) -> None:
    assert not value_range_passes(image, threshold=0)


def test_a_channel_that_fails_has_no_mask_and_the_main_one_rejects_the_stamp() -> None:
    image = np.stack([np.eye(20) * 20, np.eye(20) * 10])
    batch = Batch.of([image.astype(np.uint16)], channels=["BF", "PI"])
    fields = {"methods": ["circle"], "channel_filter": [{"method": "value_range", "threshold": 10}]}
    (kept,) = mask_batch(batch, config=Mask.model_validate({"main_channel": "BF", **fields}))
    assert (kept.status.tolist(), kept.regions.tolist()) == (["kept"], [[1, 0]])
    (rejected,) = mask_batch(batch, config=Mask.model_validate({"main_channel": "PI", **fields}))
    assert (rejected.status.tolist(), rejected.regions.tolist()) == (["channel_filter"], [[1, 0]])


@pytest.mark.parametrize("fields", [{}, {"threshold": -1}, {"threshold": float("nan")}, {"threshold": float("inf")}])
def test_the_threshold_must_be_told_and_usable(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="threshold"):
        ValueRange.model_validate(fields)
