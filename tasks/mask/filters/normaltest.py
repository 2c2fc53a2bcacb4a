"""Channel filter ``normaltest``: a channel whose pixels look like one bell curve shows noise, not a cell."""

import math
from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, IntArray
from tasks.mask.channelwise import is_finite, test_each, test_spread, unit_range
from tasks.mask.kernels.spread import FOURTH, HIGH, LOW, SECOND, THIRD
from tasks.mask.registry import ChannelFilter, channel_filters

FEWEST_PIXELS = 8
"""The test's approximation does not exist for fewer."""


ROUNDING = 1e-6
"""A statistic that differs from the critical one by less, relatively, is computed in the plain way."""


class NormalTest(ChannelFilter):
    """Keep channels whose pixels are not normally distributed."""

    method: Literal["normaltest"] = Field(
        default="normaltest", description="Keep channels whose pixels are not normally distributed."
    )
    p: float = Field(default=0.05, gt=0, le=1, description="A channel is kept where the test's p-value is below this.")


def normaltest_plain(batch: Batch, config: NormalTest) -> BoolArray:
    """Test every channel of a batch by the plain code: (N, C) bool."""
    return test_each(batch, lambda image: normaltest_passes(image, p=config.p))


@channel_filters.register(NormalTest, plain=normaltest_plain)
def normaltest(batch: Batch, config: NormalTest) -> BoolArray:
    """Test every channel of a batch: (N, C) bool."""

    def passes(measured: FloatArray, sizes: IntArray) -> tuple[BoolArray, BoolArray]:
        statistic = k_squared(
            measured[..., SECOND], measured[..., THIRD], measured[..., FOURTH], sizes.astype(np.float64)
        )
        critical = -2 * math.log(config.p)  # of the chi-squared distribution with two degrees of freedom
        never = (measured[..., LOW] == measured[..., HIGH]) | (sizes < FEWEST_PIXELS)
        sure = np.isfinite(statistic) & (np.abs(statistic - critical) > ROUNDING * (1 + statistic))
        return (statistic > critical) & ~never, sure | never

    return test_spread(batch, passes, plain=lambda image: normaltest_passes(image, p=config.p))


def k_squared(second: FloatArray, third: FloatArray, fourth: FloatArray, count: FloatArray) -> FloatArray:
    """Statistic of D'Agostino and Pearson's test, of central moments and numbers of pixels, at least 8.

    The squares of two numbers that are normal if the pixels are: of the skew, by Johnson's S_U curve (D'Agostino,
    Biometrika 57(3), 1970), and of the kurtosis, by the Wilson–Hilferty cube root (Anscombe and Glynn, Biometrika
    70(1), 1983).
    """
    n = count
    skew = third / second**1.5 * np.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    beta = 3 * (n * n + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w_squared = np.sqrt(2 * (beta - 1)) - 1
    of_skew = np.arcsinh(skew / np.sqrt(2 / (w_squared - 1))) / np.sqrt(0.5 * np.log(w_squared))
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    excess = (fourth / second**2 - 3 * (n - 1) / (n + 1)) / np.sqrt(variance)
    root_beta = 6 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9)) * np.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6 + 8 / root_beta * (2 / root_beta + np.sqrt(1 + 4 / root_beta**2))
    cubed = (1 - 2 / a) / (1 + excess * np.sqrt(2 / (a - 4)))
    of_kurtosis = (1 - 2 / (9 * a) - np.cbrt(cubed)) / np.sqrt(2 / (9 * a))
    return np.asarray(of_skew**2 + of_kurtosis**2, dtype=np.float64)


def normaltest_passes(image: AnyArray, *, p: float = 0.05) -> bool:
    """Whether the pixels of a channel are not normally distributed.

    Parameters
    ----------
    image
        Pixels of any shape and of any integer or float dtype.
    p
        Level of the test.

    Returns
    -------
    bool
        Whether the p-value of D'Agostino and Pearson's test of skew and kurtosis is below `p`. False where there is no
        p-value: constant pixels, NaN or infinite ones, fewer than 8.

    References
    ----------
    D'Agostino and Pearson, Tests for departure from normality, Biometrika 60(3), 1973.
    """
    from scipy import stats

    if image.size < FEWEST_PIXELS or not is_finite(image) or bool(np.all(image == image.flat[0])):
        return False
    # Skew and kurtosis do not depend on shift and scale, whereas their rounding errors do.
    return bool(stats.normaltest(unit_range(image), axis=None).pvalue < p)
