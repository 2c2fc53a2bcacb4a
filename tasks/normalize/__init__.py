"""Normalisation of pixels: a scaling per group and channel, found from the masked pixels of the whole data set.

>>> from tasks.normalize import MinMax, apply, find_scaling, labelled, merge_histograms, pixel_histogram
>>> import numpy as np
>>> image = np.array([[[10, 20], [30, 50]]], dtype=np.uint16)
>>> part = labelled(pixel_histogram(image[0]), group={}, channel="PI")
>>> scaling = find_scaling(merge_histograms([part], group_by=()), config=MinMax(), channels=["PI"])
>>> apply(image, scaling.of({}), transform=scaling.transform).tolist()
[[[0.0, 0.25], [0.5, 1.0]]]
"""

from tasks.normalize.config import (
    Asinh,
    MinMax,
    Normalize,
    Quantile,
    Robust,
    ScalingMethod,
    Use,
    check_normalize,
    scalings,
)
from tasks.normalize.find import find_scaling
from tasks.normalize.histogram import (
    batch_histogram,
    histogram_columns,
    labelled,
    merge_histograms,
    pixel_histogram,
)
from tasks.normalize.methods import use
from tasks.normalize.pixels import Pixels
from tasks.normalize.reuse import check_fits, read_scaling
from tasks.normalize.scaling import ChannelScaling, GroupScaling, Scaling, apply, apply_levels

__all__ = [
    "Asinh",
    "ChannelScaling",
    "GroupScaling",
    "MinMax",
    "Normalize",
    "Pixels",
    "Quantile",
    "Robust",
    "Scaling",
    "ScalingMethod",
    "Use",
    "apply",
    "apply_levels",
    "batch_histogram",
    "check_fits",
    "check_normalize",
    "find_scaling",
    "histogram_columns",
    "labelled",
    "merge_histograms",
    "pixel_histogram",
    "read_scaling",
    "scalings",
    "use",
]
