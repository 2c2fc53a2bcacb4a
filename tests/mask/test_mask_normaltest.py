"""The channel filter ``normaltest``."""

import numpy as np
import pytest
from scipy import stats

from tasks.core.types import AnyArray
from tasks.mask import normaltest_passes


def noise(seed: int, shape: tuple[int, int] = (40, 40)) -> AnyArray:
    return np.random.default_rng(seed).normal(500, 20, shape)


def with_cell(seed: int) -> AnyArray:
    image = noise(seed)
    image[10:20, 10:20] += 300
    return image


def test_noise_fails_and_a_cell_passes() -> None:
    assert [normaltest_passes(noise(seed)) for seed in range(5)] == [False] * 5
    assert [normaltest_passes(with_cell(seed)) for seed in range(5)] == [True] * 5


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_test_of_scipy(seed: int) -> None:
    image = noise(seed).astype(np.uint16)
    p = float(stats.normaltest(image.ravel()).pvalue)
    assert normaltest_passes(image, p=p * (1 + 1e-6))
    assert not normaltest_passes(image, p=p * (1 - 1e-6))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((30, 30)), np.full((30, 30), 65535, dtype=np.uint16), np.full((30, 30), 0.1),
        np.arange(7.0).reshape(1, 7), np.ones((1, 1)), np.where(np.eye(30) > 0, np.nan, with_cell(0)[:30, :30]),
        np.where(np.eye(30) > 0, np.inf, with_cell(0)[:30, :30]),
    ],
)  # fmt: skip
def test_without_a_p_value_it_fails(image: AnyArray) -> None:
    assert not normaltest_passes(image)


def test_a_faint_step_on_a_bright_frame_needs_no_warning() -> None:
    image = np.full((30, 30), 1e8)
    image[3, 3] = np.nextafter(1e8, np.inf)
    assert normaltest_passes(image)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_tiny_and_huge_pixels_are_judged_like_others(size: float) -> None:
    assert normaltest_passes(with_cell(1) / 1000 * size)
    assert not normaltest_passes(noise(1) / 1000 * size)
