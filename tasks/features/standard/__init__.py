"""Profile ``standard``: shape, intensity and texture with NaN for whatever is missing."""

from tasks.features.standard import intensity, shape, texture

__all__ = ["intensity", "shape", "texture"]
