"""Profile ``standard``: shape, intensity and texture with NaN for whatever is missing, and families to be listed."""

from tasks.features.standard import (
    colocalization,
    granularity,
    intensity,
    neighbors,
    radial_distribution,
    radial_zernike,
    shape,
    texture,
    zernike,
)

__all__ = [
    "colocalization",
    "granularity",
    "intensity",
    "neighbors",
    "radial_distribution",
    "radial_zernike",
    "shape",
    "texture",
    "zernike",
]
