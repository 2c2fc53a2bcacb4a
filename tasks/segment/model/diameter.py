"""How large the objects of a field are: the size at which a network sees them as large as those that it has learned."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from tasks.core.types import AnyArray, FloatArray
from tasks.segment import cpu
from tasks.segment.model.form import MULTIPLE, Form
from tasks.segment.model.instances import instances
from tasks.segment.model.maps import network_maps
from tasks.segment.model.network import Network
from tasks.segment.model.scale import ScaledPlane

GroupT = TypeVar("GroupT", bound=Hashable)

FIELDS = 50
"""Fields of a group that are looked at, at most."""

LADDER = tuple(6 * 2 ** (step / 2) for step in range(10))
"""Diameters that are tried, in pixels of the field: from 6 to 136."""

WINDOW = 256
"""Side, in the network's pixels, of the part of a field that is looked at: there are some hundred objects in it."""

GRID = 128
"""Pixels along the shorter side by which the brightest part is looked for."""

AGREEMENT = 0.5
"""Octaves by which objects may differ from the size that the network has learned, as a standard deviation."""

FARTHEST = 1.0
"""Octaves by which they may differ at most: what never looks nearer to that is noise, or something else."""

ENOUGH = 5
"""Objects from which on more of them make neither a scale more likely nor a field count more: specks are many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDiameter:
    """What was found in a field.

    Parameters
    ----------
    diameter
        Median of the objects' equivalent diameters, in pixels of the field.
    objects
        How many there were.
    """

    diameter: float
    objects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a network sees of a field under some scale.

    Parameters
    ----------
    tried
        Diameter that this scale makes as large as those learned.
    median
        The objects' median diameter in the network's pixels.
    objects
        How many there are that the part's frame does not cut.
    confidence
        Mean over these of the foreground in them, 0 where that is even odds.
    peak
        Mean over these of the greatest distance to the rim that the network gives them. It is 1 of an object that is
        seen whole, and less of a piece of one and of what is several.
    """

    tried: float
    median: float
    objects: int
    confidence: float
    peak: float

    def score(self, nominal: float) -> float:
        """Tell how well this scale suits: some objects as large as those that were learned, seen whole."""
        octaves = math.log2(self.median / nominal) / AGREEMENT
        return math.exp(-(octaves**2) / 2) * self.confidence * self.peak * min(self.objects, ENOUGH)


def field_diameter(plane: AnyArray, *, network: Network) -> FieldDiameter | None:
    """Estimate the diameter of a field's objects; None where it has none of a size that was learned.

    The network looks at the brightest part of the field at each of some scales. At the one under which its objects are
    most surely whole, and most nearly as large as those that it has learned, they are measured; then once more at the
    scale that follows from that.

    Parameters
    ----------
    plane
        (H, W), any integer, bool or float dtype.
    """
    nominal = network.form.diameter
    field = _Field.of(plane, form=network.form)
    if field is None:
        return None
    looks = [look for tried in LADDER if (look := _look(field, tried=tried, network=network)) is not None]
    if not looks:
        return None
    best = max(looks, key=lambda look: look.score(nominal))
    refined = _look(field, tried=best.tried * best.median / nominal, network=network) or best
    if any(abs(math.log2(look.median / nominal)) > FARTHEST for look in (best, refined)):
        return None
    return FieldDiameter(diameter=refined.tried * refined.median / nominal, objects=refined.objects)


def pooled_diameter(fields: Sequence[FieldDiameter | None]) -> float | None:
    """Return the diameter of a group of fields, to two digits: that of a field in the middle; None without objects.

    Fields count by their objects, up to `ENOUGH`. Two digits are as exact as need be, and further fields change them
    seldom.

    Examples
    --------
    >>> fields = [FieldDiameter(diameter=d, objects=n) for d, n in ((9.0, 1), (26.8, 90), (28.1, 30), (26.5, 80))]
    >>> pooled_diameter([*fields, None])
    27.0
    """
    known = sorted((field for field in fields if field is not None), key=lambda field: field.diameter)
    if not known:
        return None
    counted = np.cumsum([min(field.objects, ENOUGH) for field in known])
    middle = known[int(np.searchsorted(counted, counted[-1] / 2))]
    return float(f"{middle.diameter:.2g}")


def decide_diameters(fields: Mapping[GroupT, Sequence[FieldDiameter | None]], *, nominal: float) -> dict[GroupT, float]:
    """Return the diameter of each group; of one without objects that of all, and of none at all the model's own."""
    pooled = pooled_diameter([field for own in fields.values() for field in own]) or nominal
    return {group: pooled_diameter(own) or pooled for group, own in fields.items()}


def _look(field: "_Field", *, tried: float, network: Network) -> _Look | None:
    """Measure the objects that the network sees under a scale; None where there are none that are not cut."""
    from scipy import ndimage

    form = network.form
    scaled = replace(field.scaled, scale=form.diameter / tried)
    rows, columns = field.brightest_part(scaled)
    maps = network_maps(scaled, rows=rows, columns=columns, network=network)
    labels = instances(
        maps,
        foreground_threshold=form.foreground_threshold,
        peak_drop=form.peak_drop,
        boundary_weight=form.boundary_weight,
        min_diameter=form.diameter / 4,
    )
    areas = np.bincount(labels.ravel()).astype(np.float64)
    areas[cpu.at_frame(labels)] = 0
    areas[0] = 0
    if not areas.any():
        return None
    whole = np.flatnonzero(areas)
    sure = np.bincount(labels.ravel(), weights=maps[0].ravel())[whole] / areas[whole]
    return _Look(
        tried=tried,
        median=float(np.median(np.sqrt(areas[whole] * 4 / math.pi))),
        objects=len(whole),
        confidence=float(np.clip(2 * np.mean(sure) - 1, 0, 1)),
        peak=float(np.mean(ndimage.maximum(maps[1], labels, whole))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """A plane in the network's brightness, and every so many pixels of it, added up from the first corner."""

    scaled: ScaledPlane
    added: FloatArray
    stride: int

    @classmethod
    def of(cls, plane: AnyArray, *, form: Form) -> "_Field | None":
        scaled = ScaledPlane.of(plane, form=form, diameter=form.diameter)
        if scaled is None:
            return None
        stride = max(1, min(plane.shape) // GRID)
        sample = scaled.brightness((slice(None, None, stride), slice(None, None, stride)))
        added = np.zeros([length + 1 for length in sample.shape])
        added[1:, 1:] = sample.clip(0, 1).cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
        return cls(scaled=scaled, added=added, stride=stride)

    def brightest_part(self, scaled: ScaledPlane) -> tuple[slice, slice]:
        """Find the square of `WINDOW` of the network's pixels that is brightest; the first of equal ones."""
        side = max(1, round(WINDOW / scaled.scale / self.stride))
        high, wide = (min(side, length - 1) for length in self.added.shape)
        below, above = self.added[high:], self.added[: len(self.added) - high]
        sums = (below - above)[:, wide:] - (below - above)[:, : self.added.shape[1] - wide]
        corner = np.unravel_index(int(np.argmax(sums)), sums.shape)
        parts = []
        for place, length in zip(corner, scaled.shape, strict=True):
            start = min(round(int(place) * self.stride * scaled.scale), max(length - WINDOW, 0)) // MULTIPLE * MULTIPLE
            parts.append(slice(start, min(start + WINDOW, length)))
        return parts[0], parts[1]
