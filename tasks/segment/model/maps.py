"""A network applied to a plane of any size, in tiles."""

from collections.abc import Iterator

import numpy as np

from tasks.core.types import AnyArray
from tasks.segment.model.form import MULTIPLE
from tasks.segment.model.network import Network
from tasks.segment.model.scale import ScaledPlane, Window, enlarged

TILE = 768
"""Side, in the network's pixels, of the largest square that it is given: 0.22 GB with all that is made of it."""


def field_maps(plane: AnyArray, *, network: Network, diameter: float, tile: int = TILE) -> AnyArray | None:
    """Apply a network to a plane; what it says is brought back to the plane's pixels.

    Parameters
    ----------
    plane
        (H, W), any integer, bool or float dtype.
    diameter
        Of the objects, in pixels of the plane.
    tile
        Side of the largest square that the network is given at a time, with what surrounds it. Results in tiles differ
        from those in one piece by the rounding of float32.

    Returns
    -------
    (3, H, W) float32 or None
        Foreground, distance and boundary; foreground is 0 where the plane holds no value. None where the plane has no
        contrast.
    """
    scaled = ScaledPlane.of(plane, form=network.form, diameter=diameter)
    if scaled is None:
        return None
    maps = np.empty((3, *plane.shape), dtype=np.float32)
    for window in _windows(scaled, tile=tile):
        maps[:, *window] = _window_maps(scaled, window=window, network=network)
    maps[0][~scaled.finite] = 0
    return maps


def network_maps(scaled: ScaledPlane, *, rows: slice, columns: slice, network: Network) -> AnyArray:
    """(3, R, C) float32: the maps of a part, given in the network's pixels, each beginning at a multiple of 8."""
    spans = [np.arange(part.start, -(-part.stop // MULTIPLE) * MULTIPLE) for part in (rows, columns)]
    maps = network.run(scaled.part(*spans)[np.newaxis, np.newaxis])[0]
    part: AnyArray = maps[:, : rows.stop - rows.start, : columns.stop - columns.start]
    return part


def _windows(scaled: ScaledPlane, *, tile: int) -> Iterator[Window]:
    """Cut the plane into windows, in its own pixels, that need no more than a tile each."""
    core = max(tile - 2 * scaled.form.halo - 2 * MULTIPLE, MULTIPLE)
    cuts = []
    for length, native in zip(scaled.shape, scaled.plane.shape, strict=True):
        side = native if length <= tile else max(1, int(core / scaled.scale))
        cuts.append([slice(start, min(start + side, native)) for start in range(0, native, side)])
    return ((rows, columns) for rows in cuts[0] for columns in cuts[1])


def _window_maps(scaled: ScaledPlane, *, window: Window, network: Network) -> AnyArray:
    """Return maps of a window of the plane, in its own pixels, from what surrounds it as far as the network looks."""
    shape, halo = scaled.shape, scaled.form.halo
    spans = []
    for part, length in zip(window, shape, strict=True):
        first, last = ((place + 0.5) * scaled.scale - 0.5 for place in (part.start, part.stop - 1))
        start = max(0, int(np.floor(first)) - halo) // MULTIPLE * MULTIPLE
        spans.append(slice(start, min(length, int(np.ceil(last)) + 1 + halo)))
    maps = network_maps(scaled, rows=spans[0], columns=spans[1], network=network)
    origin = (spans[0].start, spans[1].start)
    return enlarged(maps, origin=origin, shape=shape, scale=scaled.scale, window=window)
