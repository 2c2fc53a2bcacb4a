"""How each method finds center and scale from the pixels of one group and channel."""

from tasks.normalize.config import Asinh, MinMax, Quantile, Robust, Use, scalings
from tasks.normalize.pixels import Pixels
from tasks.normalize.reuse import read_scaling
from tasks.normalize.scaling import Scaling

CenterScale = tuple[float, float]


@scalings.register(MinMax)
def minmax(pixels: Pixels, config: MinMax) -> CenterScale:
    """Smallest pixel, and the range."""
    del config
    return pixels.low, pixels.high - pixels.low


@scalings.register(Quantile)
def quantile(pixels: Pixels, config: Quantile) -> CenterScale:
    """Lower quantile, and the distance to the upper one."""
    lower = pixels.quantile(config.lower)
    return lower, pixels.quantile(config.upper) - lower


@scalings.register(Robust)
def robust(pixels: Pixels, config: Robust) -> CenterScale:
    """Median and 1.4826 · median absolute deviation."""
    del config
    return pixels.median, pixels.deviation


@scalings.register(Asinh)
def asinh(pixels: Pixels, config: Asinh) -> CenterScale:
    """Zero, and the cofactor; by default the robust standard deviation of the pixels, taken for their noise."""
    return 0.0, pixels.deviation if config.cofactor is None else config.cofactor


@scalings.register(Use)
def use(config: Use) -> Scaling:
    """Read the scaling that another run has found."""
    return read_scaling(config.use)
