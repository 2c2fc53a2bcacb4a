"""Neighbours of an object in its field."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.core.columns import Column
from tasks.core.types import Batch, FloatArray, IntArray, LabelArray, Region
from tasks.features.cells import check_fit
from tasks.features.family import Family, FeatureDef, RegionInfo, register

if TYPE_CHECKING:
    from scipy.spatial import KDTree

FAMILY = "neighbors"

RADII = (50, 100, 200)
"""Radii in pixels of the discs in which the density is measured."""

_CELLPROFILER = "CellProfiler 4.2, MeasureObjectNeighbors, Adjacent"
_FREE = ("translation", "quarter turn")

TERMS = (
    FeatureDef(
        stat="number_touching",
        unit="1",
        definition="Number of other objects of which a pixel lies beside, above or below a pixel of the object.",
        reference=_CELLPROFILER,
        invariances=_FREE,
    ),
    FeatureDef(
        stat="percent_touching",
        unit="%",
        definition="Part of the pixels of the object's outline that have a pixel of another object around them, in %.",
        reference=_CELLPROFILER,
        invariances=_FREE,
    ),
    FeatureDef(
        stat="first_closest_distance",
        unit="px",
        definition="Distance from the centroid to the closest centroid of another object.",
        reference=_CELLPROFILER,
        invariances=_FREE,
    ),
    FeatureDef(
        stat="second_closest_distance",
        unit="px",
        definition="Distance from the centroid to the second closest centroid of another object.",
        reference=_CELLPROFILER,
        invariances=_FREE,
    ),
    FeatureDef(
        stat="angle_between_neighbors",
        unit="deg",
        definition="Angle at the centroid between the directions to the closest and to the second closest centroid.",
        reference=_CELLPROFILER,
        invariances=(*_FREE, "scale"),
    ),
    *(
        FeatureDef(
            stat="density",
            param=f"r{radius}",
            unit="1/px^2",
            definition=(
                f"Number of other objects whose centroid is at most {radius} px from that of the object, per pixel of "
                "the field at this distance."
            ),
            invariances=_FREE,
        )
        for radius in RADII
    ),
)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """8 columns; the channels share the labels of a field."""
    del channels
    return tuple(term.column(family=FAMILY, region=region) for term in TERMS)


def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the neighbours of each cell; (N, 8) float64.

    Raises
    ------
    ValueError
        The region was not cut out of a field.
    """
    check_fit(batch, region)
    if not len(batch):
        return np.empty((0, len(TERMS)))
    if region.field is None:
        raise ValueError(
            f"region {region.name!r} has no field; neighbours are measured in regions that were cut out of one, see "
            "tasks.core.crop"
        )
    return neighbors(region.field.labels, numbers=region.field.numbers)


def neighbors(labels: LabelArray, *, numbers: LabelArray) -> FloatArray:
    """Measure the neighbours of some objects of a field.

    Every object that was found counts as a neighbour, whatever the quality filter says of it later, and whichever
    cells are measured together. That includes those left out because they touch the frame: they are no rows of the
    table, but they are there.

    Parameters
    ----------
    labels
        (H, W) int32.
    numbers
        (N,) int32.

    Returns
    -------
    FloatArray
        (N, 8) float64 in the order of `TERMS`. The outline are the pixels of an object with another label, or the
        frame's end, among the eight around them. The angle is 0 to 180 degrees. Densities are counted per pixel of the
        part of the disc that lies in the field. All NaN where an object has no pixel; distances and angle NaN where
        there is no (second) neighbour.

    Examples
    --------
    >>> labels = np.array([[1, 2, 0, 0, 3]], dtype=np.int32)
    >>> neighbors(labels, numbers=np.array([1, 3], dtype=np.int32))[:, :5]
    array([[  1., 100.,   1.,   4.,   0.],
           [  0.,   0.,   3.,   4.,   0.]])
    """
    from scipy.spatial import KDTree

    out = np.full((len(numbers), len(TERMS)), np.nan)
    padded = np.pad(labels, 1, constant_values=-1)
    pixels = np.flatnonzero(padded > 0)
    objects = _objects(padded, pixels=pixels)
    there = np.isin(numbers, objects.numbers)
    row = np.searchsorted(objects.numbers, numbers[there])
    out[there, 0], out[there, 1] = _touching(padded, pixels=pixels)[:, numbers[there]]
    centers = objects.centers[row]
    tree = KDTree(objects.centers)
    out[there, 2:5] = _closest(tree, centers=centers, own=row)
    for place, radius in enumerate(RADII, start=5):
        others = tree.query_ball_point(centers, radius, return_length=True) - 1
        out[there, place] = others / _disc_pixels(centers, radius=radius, shape=labels.shape)
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class _Objects:
    """Labels (M,) and centroids (M, 2) of the objects that have a pixel, by label."""

    numbers: IntArray
    centers: FloatArray


def _objects(padded: LabelArray, *, pixels: IntArray) -> _Objects:
    """Find the centroids in a label image with a margin of one pixel; its objects lie at `pixels` of the flat image."""
    values = padded.ravel()[pixels]
    areas = np.bincount(values)
    numbers = np.flatnonzero(areas)
    rows, columns_ = np.divmod(pixels, padded.shape[1])
    sums = [np.bincount(values, weights=along)[numbers] for along in (rows - 1, columns_ - 1)]
    return _Objects(numbers=numbers, centers=np.stack(sums, axis=1).reshape(-1, 2) / areas[numbers, None])


def _touching(padded: LabelArray, *, pixels: IntArray) -> FloatArray:
    """Count the objects beside each one, and tell how much of its outline touches; (2, largest label + 1) float64."""
    flat, stride = padded.ravel(), padded.shape[1]
    own = flat[pixels]
    outline, touches = np.zeros(len(own), dtype=np.bool_), np.zeros(len(own), dtype=np.bool_)
    most = int(own.max(initial=0)) + 1
    pairs = []
    for step in (-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1):
        beside = flat[pixels + step]
        differs = beside != own
        outline |= differs
        other = differs & (beside > 0)
        touches |= other
        if abs(step) in {1, stride}:
            pairs.append(own[other].astype(np.int64) * most + beside[other])
    numbers = np.unique(np.concatenate(pairs)) // most
    edges, met = np.bincount(own[outline], minlength=most), np.bincount(own[touches], minlength=most)
    with np.errstate(invalid="ignore"):
        return np.stack([np.bincount(numbers, minlength=most), 100 * met / edges])


def _closest(tree: "KDTree", *, centers: FloatArray, own: IntArray) -> FloatArray:
    """Distances to the closest and second closest of the other points, and the angle between them; (N, 3)."""
    out = np.full((len(centers), 3), np.nan)
    if tree.n < 2 or not len(centers):
        return out
    # one may lie on another's centroid: what counts as the object itself is its number, not the distance 0
    _, near = tree.query(centers, k=min(3, tree.n))
    others = np.array(
        [[n for n in points if n != me][: near.shape[1] - 1] for points, me in zip(near, own, strict=True)]
    )
    ways = tree.data[others] - centers[:, None]
    lengths = np.hypot(ways[..., 0], ways[..., 1])
    out[:, : lengths.shape[1]] = lengths
    if lengths.shape[1] == 2:
        with np.errstate(invalid="ignore"):
            cosine = (ways[:, 0] * ways[:, 1]).sum(axis=1) / lengths.prod(axis=1)
        out[:, 2] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return out


def _disc_pixels(centers: FloatArray, *, radius: int, shape: tuple[int, ...]) -> IntArray:
    """Count the pixels of a field at most `radius` from each point."""
    height, width = shape
    counts = np.zeros(len(centers), dtype=np.int64)
    for at, (row, column) in enumerate(centers):
        rows = np.arange(max(0, np.ceil(row - radius)), min(height - 1, np.floor(row + radius)) + 1)
        half = np.sqrt(radius**2 - (rows - row) ** 2)
        first, last = np.maximum(np.ceil(column - half), 0), np.minimum(np.floor(column + half), width - 1)
        counts[at] = np.maximum(last - first + 1, 0).sum()
    return counts


register(
    Family(
        name=FAMILY,
        description="Neighbors of an object in its field.",
        columns=columns,
        measure=measure,
        optional=True,
        field=True,
    )
)
