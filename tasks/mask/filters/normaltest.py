"""Channel filter ``normaltest``: a channel whose pixels look like one bell curve shows noise, not a cell."""

from typing import Literal

import numpy as np
from pydantic import Field
from scipy import stats

from tasks.core.types import AnyArray, Batch, BoolArray
from tasks.mask.planes import is_finite, test_each, unit_range
from tasks.mask.registry import ChannelFilter, channel_filters

FEWEST_PIXELS = 8
"""The test's approximation does not exist for fewer."""


class NormalTest(ChannelFilter):
    """Keep channels whose pixels are not normally distributed."""

    method: Literal["normaltest"] = Field(
        default="normaltest", description="Keep channels whose pixels are not normally distributed."
    )
    p: float = Field(default=0.05, gt=0, le=1, description="A channel is kept where the test's p-value is below this.")


@channel_filters.register(NormalTest)
def normaltest(batch: Batch, config: NormalTest) -> BoolArray:
    """Test every channel of a batch: (N, C) bool."""
    return test_each(batch, lambda image: normaltest_passes(image, p=config.p))


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
    if image.size < FEWEST_PIXELS or not is_finite(image) or bool(np.all(image == image.flat[0])):
        return False
    # Skew and kurtosis do not depend on shift and scale, whereas their rounding errors do.
    return bool(stats.normaltest(unit_range(image), axis=None).pvalue < p)
