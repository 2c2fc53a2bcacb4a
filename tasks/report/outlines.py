"""Where masks and objects end, as thin lines."""

import numpy as np
from scipy.ndimage import binary_dilation
from skimage.segmentation import find_boundaries

from tasks.core.types import AnyArray, BoolArray

DASH = 3
"""Pixels of a dash, and of the gap after it, counted along both axes."""


def mask_outline(mask: BoolArray) -> BoolArray:
    """Outline a mask (H, W) by the pixels outside that touch it at a side: those within stay visible.

    Where the mask reaches the frame there is no outline.
    """
    outline: BoolArray = binary_dilation(mask) & ~mask
    return outline


def label_outlines(labels: AnyArray) -> BoolArray:
    """Outline all objects of a label image (H, W) by their own rims, so that touching ones stay apart."""
    outlines: BoolArray = find_boundaries(labels, mode="inner")
    return outlines


def dashed(outline: BoolArray) -> BoolArray:
    """Leave gaps in an outline (H, W)."""
    rows, cols = np.ogrid[: outline.shape[0], : outline.shape[1]]
    dashes: BoolArray = outline & ((rows + cols) // DASH % 2 == 0)
    return dashes
