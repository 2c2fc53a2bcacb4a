"""Profile ``scip``: the features of the published system, number by number."""

from tasks.features.scip import intensity, raw, shape, texture

__all__ = ["intensity", "raw", "shape", "texture"]
