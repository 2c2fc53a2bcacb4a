"""Metadata of OME-Zarr 0.4, 0.5 and 0.6: what a group of a store is, and what is known of its image.

https://ngff.openmicroscopy.org
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.errors import PixelError

VERSIONS = ("0.4", "0.5", "0.6")
"""Versions that are read."""

MICROMETRES = {
    "meter": 1e6,
    "centimeter": 1e4,
    "millimeter": 1e3,
    "micrometer": 1.0,
    "nanometer": 1e-3,
    "picometer": 1e-6,
    "angstrom": 1e-4,
}
"""How many micrometres a unit of length has, as UDUNITS-2 names it."""

AXES = ("t", "c", "z", "y", "x")

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiscale:
    """One image.

    Parameters
    ----------
    axes
        Letters of its axes, in the order of the array's.
    level
        Path of its full resolution within the image's group.
    labels
        Names of the channels, None where there are none.
    measures
        Its pixel size, as far as it has units of length.
    """

    axes: tuple[str, ...]
    level: str
    labels: tuple[str, ...] | None
    measures: dict[str, float]


def ome_attributes(attributes: Attributes) -> Attributes:
    """Return what is OME's in a group's attributes: since 0.5 below the key ``ome``, before beside others.

    Raises
    ------
    PixelError
        They are of another version, or are none.
    """
    inner = attributes.get("ome", attributes)
    if not isinstance(inner, dict):
        raise PixelError("its attribute 'ome' holds no JSON object")
    stated = inner.get("version") or next(
        (own["version"] for own in _entries(inner) if isinstance(own.get("version"), str)), VERSIONS[0]
    )
    if not isinstance(stated, str) or not any(stated == known or stated.startswith(f"{known}.") for known in VERSIONS):
        raise PixelError(f"is OME-Zarr of version {stated!r}; {', '.join(VERSIONS)} are read")
    return inner


def is_ome(attributes: Attributes) -> bool:
    """Whether a group's attributes are an image's, a plate's, a well's, or of a collection of images."""
    own = attributes.get("ome", attributes)
    kinds = {"multiscales", "plate", "well", "bioformats2raw.layout"}
    return isinstance(own, dict) and (not kinds.isdisjoint(own) or "bioformats2raw.layout" in attributes)


def read_multiscale(attributes: Attributes) -> Multiscale:
    """Read what is known of an image; of several, of the first.

    Raises
    ------
    PixelError
        What is needed is not there, or makes no sense; a transformation is none that can be applied.
    """
    entries = attributes.get("multiscales")
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
        raise PixelError("its attribute 'multiscales' lists no image")
    image = entries[0]
    systems = image.get("coordinateSystems")
    described = systems[0].get("axes") if isinstance(systems, list) and systems else image.get("axes")
    if not isinstance(described, list) or not all(isinstance(axis, dict) for axis in described):
        raise PixelError("its attribute 'multiscales' lists no axes")
    axes = tuple(str(axis.get("name", "")).lower() for axis in described)
    unknown = [axis for axis in axes if axis not in AXES]
    if unknown or len(set(axes)) != len(axes) or not {"y", "x"} <= set(axes):
        raise PixelError(f"has the axes {', '.join(axes) or 'none'}; expected y and x, and of t, c and z what it has")
    datasets = image.get("datasets")
    if not isinstance(datasets, list) or not datasets or not isinstance(datasets[0].get("path"), str):
        raise PixelError("its attribute 'multiscales' lists no dataset")
    level = datasets[0]["path"]
    if level.startswith("/") or ".." in level.split("/"):
        raise PixelError(f"its full resolution lies at {level!r}, outside of the image")
    scale = [1.0] * len(axes)
    for transformation in _flat(datasets[0].get("coordinateTransformations"), image.get("coordinateTransformations")):
        if (factors := _factors(transformation, count=len(axes))) is not None:
            scale = [one * other for one, other in zip(scale, factors, strict=True)]
    units = [str(axis.get("unit", "")) for axis in described]
    sizes = dict(
        zip(
            axes,
            (factor * MICROMETRES.get(unit, math.nan) for factor, unit in zip(scale, units, strict=True)),
            strict=True,
        )
    )
    measures = {
        f"pixel_size_{axis}": size for axis in "xyz" if math.isfinite(size := sizes.get(axis, math.nan)) and size > 0
    }
    return Multiscale(axes=axes, level=level, labels=_labels(attributes), measures=measures)


def _flat(*groups: object) -> Iterable[Attributes]:
    """Yield transformations, those of a sequence one by one."""
    for group in groups:
        for transformation in group if isinstance(group, list) else ():
            if not isinstance(transformation, dict):
                raise PixelError(f"has a coordinate transformation that is none: {str(transformation)[:40]!r}")
            if transformation.get("type") == "sequence":
                yield from _flat(transformation.get("transformations"))
            else:
                yield transformation


def _factors(transformation: Attributes, *, count: int) -> Sequence[float] | None:
    """Return the factors of a scale; None of what moves nothing else than the origin.

    Raises
    ------
    PixelError
        It is of another type.
    """
    kind = transformation.get("type")
    if kind in {"identity", "translation"}:
        return None
    factors = transformation.get("scale")
    if kind != "scale":
        raise PixelError(f"has a coordinate transformation of type {kind!r}; scale and translation are understood")
    if (
        not isinstance(factors, list)
        or len(factors) != count
        or not all(isinstance(own, int | float) for own in factors)
    ):
        raise PixelError(f"has a scale of {factors!r} for {count} axes")
    return [float(own) for own in factors]


def _labels(attributes: Attributes) -> tuple[str, ...] | None:
    omero = attributes.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(channels, list) or not all(isinstance(channel, dict) for channel in channels):
        return None
    return tuple(str(channel.get("label") or "").strip() for channel in channels)


def _entries(attributes: Attributes) -> Iterable[Attributes]:
    """Yield the objects in which OME-Zarr 0.4 tells its version."""
    for key in ("plate", "well"):
        if isinstance(attributes.get(key), dict):
            yield attributes[key]
    images = attributes.get("multiscales")
    yield from (image for image in (images if isinstance(images, list) else ()) if isinstance(image, dict))


def child_paths(attributes: Attributes, *, key: str, entries: str) -> list[str]:
    """Return the paths of a plate's wells or a well's images: ``key`` is plate or well, ``entries`` wells or images.

    Raises
    ------
    PixelError
        One is none within the store.
    """
    listed = attributes[key].get(entries) if isinstance(attributes[key], dict) else None
    if not isinstance(listed, list):
        raise PixelError(f"its attribute {key!r} lists no {entries}")
    paths = [entry.get("path") if isinstance(entry, dict) else None for entry in listed]
    for path in paths:
        if not isinstance(path, str) or not path or path.startswith("/") or ".." in path.split("/"):
            raise PixelError(f"its attribute {key!r} names {path!r} among the {entries}, which is no path within it")
    return [str(path) for path in paths]
