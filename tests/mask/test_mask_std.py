"""The channel filter ``std``."""

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.core.types import AnyArray, Batch
from tasks.mask import Mask, Std, mask_batch, std_passes

DTYPES = ["uint8", "uint16", "uint64", "int8", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_population_deviation_must_be_above_the_threshold(dtype: str) -> None:
    image = np.array([[1, 5, 1], [5, 1, 5]], dtype=dtype)  # every pixel is 2 from the mean
    assert std_passes(image, threshold=np.nextafter(2, 0))
    assert not std_passes(image, threshold=2)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_deviation_of_numpy(seed: int) -> None:
    image = np.random.default_rng(seed).normal(500, 20, (31, 37)).astype(np.uint16)
    deviation = float(np.std(image))
    assert std_passes(image, threshold=float(np.nextafter(deviation, 0)))
    assert not std_passes(image, threshold=deviation)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((30, 30)), np.full((30, 30), 65535, dtype=np.uint16), np.full((30, 31), 0.1), np.full((7, 3), -1e300),
        np.ones((1, 1)), np.array([[1.0, np.nan]]), np.array([[1.0, -np.inf]]), np.zeros((0, 3)),
    ],
)  # fmt: skip
def test_constant_and_unknown_pixels_fail_even_the_threshold_0(image: AnyArray) -> None:
    assert not std_passes(image, threshold=0)


@pytest.mark.parametrize("size", [1e-300, 1.0, 2.0**1023])
def test_tiny_huge_and_negative_pixels_do_not_overflow(size: float) -> None:
    image = np.array([[-size, size]])
    assert std_passes(image, threshold=0.99 * size)
    assert not std_passes(image, threshold=size)


def test_a_channel_that_fails_has_no_mask_and_the_main_one_rejects_the_stamp() -> None:
    image = np.stack([np.arange(400).reshape(20, 20) % 2 * 20, np.arange(400).reshape(20, 20) % 2 * 10])  # 10 and 5
    batch = Batch.of([image.astype(np.uint16)], channels=["BF", "PI"])
    fields = {"methods": ["circle"], "channel_filter": [{"method": "std", "threshold": 5}]}
    (kept,) = mask_batch(batch, config=Mask.model_validate({"main_channel": "BF", **fields}))
    assert (kept.status.tolist(), kept.regions.tolist()) == (["kept"], [[1, 0]])
    (rejected,) = mask_batch(batch, config=Mask.model_validate({"main_channel": "PI", **fields}))
    assert (rejected.status.tolist(), rejected.regions.tolist()) == (["channel_filter"], [[1, 0]])


@pytest.mark.parametrize("fields", [{}, {"threshold": -1}, {"threshold": float("nan")}, {"threshold": float("inf")}])
def test_the_threshold_must_be_told_and_usable(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="threshold"):
        Std.model_validate(fields)
