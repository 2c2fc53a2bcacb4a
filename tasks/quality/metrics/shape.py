"""Metrics of a region, whatever its pixels."""

from math import sqrt

import numpy as np
from scipy import ndimage

from tasks.core.shape import border_contact as border_shares
from tasks.core.shape import hull_area
from tasks.quality.registry import shape_metric
from tasks.quality.view import View

NAN = float("nan")


@shape_metric("area")
def area(view: View) -> float:
    """Count the pixels of the region; 0 where it is empty."""
    return float(np.count_nonzero(view.region))


@shape_metric("regions")
def regions(view: View) -> float:
    """Count the 8-connected components of the region; 0 where it is empty."""
    if view.box is None:
        return 0.0
    _, number = ndimage.label(view.region[view.box], structure=EIGHT)
    return float(number)


EIGHT = np.ones((3, 3), dtype=np.bool_)
"""The neighbours of a pixel."""


@shape_metric("border_contact")
def border_contact(view: View) -> float:
    """Share of the frame's border pixels that belong to the region; of an object of a field the field's frame."""
    if view.field is not None:
        return view.field.contacts.get(view.number, 0.0)
    return border_shares(view.region).get(True, 0.0)


@shape_metric("eccentricity")
def eccentricity(view: View) -> float:
    """Eccentricity of the ellipse of equal second moments: 0 for a disk and a single pixel, 1 for a line."""
    if view.ellipse is None:
        return NAN
    return view.ellipse.eccentricity if view.ellipse.eigenvalues[0] > 0 else 0.0


@shape_metric("solidity")
def solidity(view: View) -> float:
    """Area divided by that of the convex hull of the middles of the pixels' edges."""
    if view.box is None:
        return NAN
    mask = view.region[view.box]
    return np.count_nonzero(mask) / hull_area(mask)


@shape_metric("aspect_ratio")
def aspect_ratio(view: View) -> float:
    """Minor axis of the ellipse of equal second moments divided by its major axis: 1 for a disk, 0 for a line."""
    if view.ellipse is None or view.ellipse.eigenvalues[0] == 0:
        return NAN
    large, small = view.ellipse.eigenvalues.tolist()
    return sqrt(small / large)
