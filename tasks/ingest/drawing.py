"""What drawings of stamps and of fields are made of: uneven outlines, soft edges, smooth noise."""

import numpy as np

from tasks.core.types import FloatArray


def outline(
    down: FloatArray, right: FloatArray, *, radius: float, unevenness: float, rng: np.random.Generator
) -> FloatArray:
    """Distance in px to an uneven round rim along the ray from its centre, positive inside.

    Parameters
    ----------
    down, right
        (H, W) distance of each pixel from the centre, in px.
    radius
        Mean radius, in px.
    unevenness
        How far the rim swings, as a part of the radius; 0: a circle.
    """
    angle = np.arctan2(down, right)
    rim = np.ones_like(angle)
    for order in range(2, 6):
        rim += rng.normal(0, unevenness * 2 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    distance: FloatArray = radius * rim - np.hypot(down, right)
    return distance


def soft(distance: FloatArray, *, width: float) -> FloatArray:
    """0 outside, 1 inside, with a soft edge of some `width` px."""
    return 1 / (1 + np.exp(np.clip(-distance / width, -50, 50)))


def cloud(shape: tuple[int, ...], *, size: float, rng: np.random.Generator) -> FloatArray:
    """Smooth noise of mean about 0 and standard deviation 1, with grains of about `size` px."""
    from scipy import ndimage

    noise: FloatArray = ndimage.gaussian_filter(rng.standard_normal(shape), size)
    return noise / max(float(noise.std()), 1e-12)
