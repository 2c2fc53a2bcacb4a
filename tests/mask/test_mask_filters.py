"""The channel filters ``normaltest``, ``std`` and ``value_range``."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from tasks.core.types import AnyArray, Batch
from tasks.mask import Mask, Std, ValueRange, mask_batch, normaltest_passes, std_passes, value_range_passes

DTYPES = ["uint8", "uint16", "uint64", "int8", "int64", "float16", "float32", "float64"]
LARGEST = np.finfo(np.float64).max


def noise(seed: int, shape: tuple[int, int] = (40, 40)) -> AnyArray:
    return np.random.default_rng(seed).normal(500, 20, shape)


def with_cell(seed: int) -> AnyArray:
    image = noise(seed)
    image[10:20, 10:20] += 300
    return image


def test_noise_fails_the_normaltest_and_a_cell_passes() -> None:
    assert [normaltest_passes(noise(seed)) for seed in range(5)] == [False] * 5
    assert [normaltest_passes(with_cell(seed)) for seed in range(5)] == [True] * 5


@pytest.mark.parametrize("seed", range(5))
def test_the_normaltest_is_the_test_of_scipy(seed: int) -> None:
    image = noise(seed).astype(np.uint16)
    p = float(stats.normaltest(image.ravel()).pvalue)
    assert normaltest_passes(image, p=p * (1 + 1e-6))
    assert not normaltest_passes(image, p=p * (1 - 1e-6))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((30, 30)), np.full((30, 30), 65535, dtype=np.uint16), np.full((30, 30), 0.1), np.full((30, 31), 0.1),
        np.full((3, 3), 65535, dtype=np.uint16), np.full((7, 3), -1e300), np.arange(7.0).reshape(1, 7), np.ones((1, 1)),
        np.where(np.eye(30) > 0, np.nan, with_cell(0)[:30, :30]), np.array([[1.0, np.nan]]), np.array([[1.0, -np.inf]]),
        np.where(np.eye(30) > 0, np.inf, with_cell(0)[:30, :30]), np.zeros((0, 3)),
    ],
)  # fmt: skip
def test_few_constant_and_unknown_pixels_fail_even_the_threshold_0(image: AnyArray) -> None:
    assert not normaltest_passes(image)
    if image.shape != (1, 7):  # which have a deviation and a range
        assert not std_passes(image, threshold=0)
        assert not value_range_passes(image, threshold=0)


def test_a_faint_step_on_a_bright_frame_needs_no_warning() -> None:
    image = np.full((30, 30), 1e8)
    image[3, 3] = np.nextafter(1e8, np.inf)
    assert normaltest_passes(image)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_the_normaltest_judges_tiny_and_huge_pixels_like_others(size: float) -> None:
    assert normaltest_passes(with_cell(1) / 1000 * size)
    assert not normaltest_passes(noise(1) / 1000 * size)


@pytest.mark.parametrize("dtype", DTYPES)
def test_population_deviation_and_range_must_be_above_the_threshold(dtype: str) -> None:
    image = np.array([[1, 5, 1], [5, 1, 5]], dtype=dtype)  # every pixel is 2 from the mean
    assert std_passes(image, threshold=np.nextafter(2, 0))
    assert not std_passes(image, threshold=2)
    image = np.array([[12, 5, 9], [6, 8, 7]], dtype=dtype)
    assert value_range_passes(image, threshold=6.999)
    assert not value_range_passes(image, threshold=7)


@pytest.mark.parametrize("seed", range(5))
def test_the_deviation_is_numpys(seed: int) -> None:
    image = np.random.default_rng(seed).normal(500, 20, (31, 37)).astype(np.uint16)
    deviation = float(np.std(image))
    assert std_passes(image, threshold=float(np.nextafter(deviation, 0)))
    assert not std_passes(image, threshold=deviation)


@pytest.mark.parametrize("size", [1e-300, 1.0, 2.0**1023])
def test_deviations_of_tiny_huge_and_negative_pixels_do_not_overflow(size: float) -> None:
    image = np.array([[-size, size]])
    assert std_passes(image, threshold=0.99 * size)
    assert not std_passes(image, threshold=size)


@pytest.mark.parametrize(
    ("low", "high", "dtype", "below", "above"),
    [
        (-128, 127, "int8", 254.5, None), (-(2**63), 2**63 - 1, "int64", 2.0**63, 2.0**64),
        (-LARGEST, LARGEST, "float64", LARGEST, None), (-60000, 60000, "float16", 119999, None),
    ],
)  # fmt: skip
def test_ranges_do_not_wrap_around(low: float, high: float, dtype: str, below: float, above: float | None) -> None:
    image = np.array([[low, high]], dtype=dtype)
    assert value_range_passes(image, threshold=below)
    assert above is None or not value_range_passes(image, threshold=above)


@pytest.mark.parametrize(
    ("method", "threshold", "image"),
    [("std", 5, np.arange(400).reshape(20, 20) % 2 * 20), ("value_range", 10, np.eye(20) * 20)],
)
def test_a_channel_that_fails_has_no_mask_and_the_main_one_rejects_the_stamp(
    method: str, threshold: float, image: AnyArray
) -> None:
    # the second channel is just on the threshold
    batch = Batch.of([np.stack([image, image / 2]).astype(np.uint16)], channels=["BF", "PI"])
    fields = {"methods": ["circle"], "channel_filter": [{"method": method, "threshold": threshold}]}
    (masked,) = mask_batch(batch, config=Mask.model_validate({"main_channel": "BF", **fields}))
    assert (masked.status.tolist(), masked.n_components.tolist()) == (["kept"], [[1, 0]])
    (rejected,) = mask_batch(batch, config=Mask.model_validate({"main_channel": "PI", **fields}))
    assert (rejected.status.tolist(), rejected.n_components.tolist()) == (["channel_filter"], [[1, 0]])


@pytest.mark.parametrize("config", [Std, ValueRange])
@pytest.mark.parametrize("fields", [{}, {"threshold": -1}, {"threshold": float("nan")}, {"threshold": float("inf")}])
def test_the_threshold_must_be_told_and_usable(config: Any, fields: dict[str, float]) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError, match="threshold"):
        config.model_validate(fields)
