"""Profile ``standard``: shape, intensity and texture with NaN for whatever is missing."""

from tasks.features.standard import (
    glcm,
    gldzm,
    glrlm,
    glszm,
    haralick,
    histogram,
    ibsi_intensity,
    intensity,
    ngldm,
    ngtdm,
    shape,
    texture,
)

__all__ = [
    "glcm",
    "gldzm",
    "glrlm",
    "glszm",
    "haralick",
    "histogram",
    "ibsi_intensity",
    "intensity",
    "ngldm",
    "ngtdm",
    "shape",
    "texture",
]
