"""Normalisation of pixels: a scaling per group and channel, found from the masked pixels of the whole data set.

>>> from tasks.normalize import MinMax, apply, find_scaling, labelled, merge_histograms, pixel_histogram
>>> import numpy as np
>>> image = np.array([[[10, 20], [30, 50]]], dtype=np.uint16)
>>> part = labelled(pixel_histogram(image[0]), group={}, channel="PI")
>>> scaling = find_scaling(merge_histograms([part], group_by=()), config=MinMax(), channels=["PI"])
>>> apply(image, scaling.of({}), transform=scaling.transform).tolist()
[[[0.0, 0.25], [0.5, 1.0]]]
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
"""Names are imported from where the stub beside this file says, when they are first used."""
