"""OME-XML: which images a file holds, where each of their planes lies, and what is known of them.

Schema: http://www.openmicroscopy.org/Schemas/OME/2016-06; older ones name the same things.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

from tasks.core.errors import PixelError

MICROMETRES = {"m": 1e6, "cm": 1e4, "mm": 1e3, "µm": 1.0, "μm": 1.0, "um": 1.0, "nm": 1e-3, "pm": 1e-6, "Å": 1e-4}
"""How many micrometres a unit of length has; of others, such as ``pixel`` and ``reference frame``, nothing is known."""

MOST_PLANES = 10_000_000
"""Planes of an image: more are a mistake in the XML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Where a plane lies: the page of a file that is called so; an empty name is the file that holds the XML."""

    file: str
    page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OmeImage:
    """One image of OME-XML.

    Parameters
    ----------
    name
        Its name, which may be empty.
    times, depth, height, width
        Time points, planes of its z-stack, rows and columns.
    samples
        Of each entry ``Channel`` how many channels it is: 3 of colour.
    labels
        Names of the channels; empty text for those without.
    dtype
        Type of the pixels, as numpy names it.
    order
        Order of the dimensions Z, C and T of planes, the fastest first.
    planes
        Runs of planes: the first one's number in this order, how many there are, and where the first one lies.
    metadata, measures
        What is known of it, as `tasks.core.file_metadata` names it.
    """

    name: str
    times: int
    depth: int
    height: int
    width: int
    samples: tuple[int, ...]
    labels: tuple[str, ...]
    dtype: str
    order: str
    planes: tuple[tuple[int, int, Plane], ...]
    metadata: dict[str, str]
    measures: dict[str, float]

    @property
    def channels(self) -> int:
        """Number of channels, each colour one of its own."""
        return sum(self.samples)

    @property
    def files(self) -> tuple[str, ...]:
        """Files in which planes lie, in order."""
        return tuple(dict.fromkeys(first.file for _, _, first in self.planes))

    def plane(self, *, channel: int, z: int, time: int) -> Plane:
        """Return where the plane of an entry ``Channel`` lies.

        Raises
        ------
        PixelError
            The file does not say.
        """
        sizes = {"Z": self.depth, "C": len(self.samples), "T": self.times}
        at = {"Z": z, "C": channel, "T": time}
        number, step = 0, 1
        for dimension in self.order:
            number += at[dimension] * step
            step *= sizes[dimension]
        for start, count, first in reversed(self.planes):
            if start <= number < start + count:
                return Plane(file=first.file, page=first.page + number - start)
        raise PixelError(
            f"its OME-XML does not say where the plane of channel {channel}, z {z}, time point {time} lies"
        )


def parse_ome(text: str) -> tuple[OmeImage, ...]:
    """Read the images of OME-XML.

    Raises
    ------
    PixelError
        It is no OME-XML, or lacks what is needed to read pixels.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314 - expat bounds what entities may become, and fetches none
    except ET.ParseError as error:
        raise PixelError(f"its OME-XML is damaged ({error})") from error
    if _tag(root) != "OME":
        raise PixelError(f"has the XML element {_tag(root)!r} in the place of OME-XML")
    wells = dict(_wells(root))
    objectives = {element.get("ID", ""): element for element in root.iter() if _tag(element) == "Objective"}
    images = tuple(
        _image(image, root=root, well=wells.get(image.get("ID", "")), objectives=objectives)
        for image in root
        if _tag(image) == "Image"
    )
    if not images:
        binary = any(_tag(element) == "BinaryOnly" for element in root)
        where = "; its metadata lie in another file, which has to be read in its place" if binary else ""
        raise PixelError(f"its OME-XML tells of no image{where}")
    return images


def _image(image: ET.Element, *, root: ET.Element, well: str | None, objectives: Mapping[str, ET.Element]) -> OmeImage:
    pixels = next((child for child in image if _tag(child) == "Pixels"), None)
    if pixels is None:
        raise PixelError("its OME-XML has an image without pixels")
    sizes = {name: _size(pixels, f"Size{name}") for name in "XYZCT"}
    if (count := sizes["Z"] * sizes["C"] * sizes["T"]) > MOST_PLANES:
        raise PixelError(f"its OME-XML announces {count} planes; that is a mistake")
    channels = [child for child in pixels if _tag(child) == "Channel"]
    samples = tuple(_size(channel, "SamplesPerPixel", default=1) for channel in channels) or (1,) * sizes["C"]
    if sum(samples) != sizes["C"]:
        raise PixelError(f"its OME-XML says {sizes['C']} channels and lists {sum(samples)}")
    names = [channel.get("Name", "").strip() for channel in channels] or [""] * sizes["C"]
    order = pixels.get("DimensionOrder", "XYCZT").upper()
    if sorted(order) != sorted("XYCZT") or not order.startswith("XY"):
        raise PixelError(f"its OME-XML has the dimension order {order!r}, expected XY, then C, Z and T in any order")
    of_axis = {"Z": sizes["Z"], "C": len(samples), "T": sizes["T"]}
    metadata, measures = _known(image, pixels, well=well, objectives=objectives)
    return OmeImage(
        name=image.get("Name", "").strip(),
        times=sizes["T"],
        depth=sizes["Z"],
        height=sizes["Y"],
        width=sizes["X"],
        samples=samples,
        labels=tuple(
            name if one == 1 else f"{name}{sample}" if name else ""
            for name, one in zip(names, samples, strict=True)
            for sample in range(one)
        ),
        dtype=_dtype(pixels.get("Type", "")),
        order=order[2:],
        planes=tuple(_planes(pixels, order=order[2:], sizes=of_axis, own=root.get("UUID", ""))),
        metadata=metadata,
        measures=measures,
    )


def _planes(pixels: ET.Element, *, order: str, sizes: Mapping[str, int], own: str) -> Iterator[tuple[int, int, Plane]]:
    """Yield runs of planes, as elements ``TiffData`` tell of them; without any, pages follow one another."""
    steps = {order[0]: 1, order[1]: sizes[order[0]], order[2]: sizes[order[0]] * sizes[order[1]]}
    total = math.prod(sizes.values())
    blocks = [child for child in pixels if _tag(child) == "TiffData"]
    if not blocks:
        yield 0, total, Plane(file="", page=0)
    for block in blocks:
        start = sum(_number(block, f"First{axis}", default=0) * steps[axis] for axis in order)
        named = next((child for child in block if _tag(child) == "UUID"), None)
        file = "" if named is None or (own and (named.text or "").strip() == own) else named.get("FileName", "")
        whole = total - start if block.get("IFD") is None else 1
        yield (
            start,
            _number(block, "PlaneCount", default=whole),
            Plane(file=file, page=_number(block, "IFD", default=0)),
        )


def _known(
    image: ET.Element, pixels: ET.Element, *, well: str | None, objectives: Mapping[str, ET.Element]
) -> tuple[dict[str, str], dict[str, float]]:
    """Gather what is known of an image beside its pixels."""
    metadata: dict[str, str] = {} if well is None else {"well": well}
    measures: dict[str, float] = {}
    for axis in "XYZ":
        _measure(measures, f"pixel_size_{axis.lower()}", pixels, f"PhysicalSize{axis}", positive=True)
    plane = next((child for child in pixels if _tag(child) == "Plane"), None)
    for axis in "XYZ":
        if plane is not None:
            _measure(measures, f"stage_{axis.lower()}", plane, f"Position{axis}")
    for child in image:
        if _tag(child) in {"AcquisitionDate", "AcquiredDate"} and (child.text or "").strip():
            metadata["acquired"] = (child.text or "").strip()
        objective = (
            objectives.get(child.get("ID", "")) if _tag(child) in {"ObjectiveSettings", "ObjectiveRef"} else None
        )
        if objective is not None:
            if words := " ".join(filter(None, (objective.get("Manufacturer"), objective.get("Model")))):
                metadata["objective"] = words
            _measure(measures, "magnification", objective, "NominalMagnification", length=False)
    return metadata, measures


def _measure(
    measures: dict[str, float], name: str, element: ET.Element, key: str, *, positive: bool = False, length: bool = True
) -> None:
    """Take a number over that makes sense, lengths in µm."""
    factor = MICROMETRES.get(element.get(f"{key}Unit", "µm")) if length else 1.0
    try:
        value = float(element.get(key, "nan")) * (math.nan if factor is None else factor)
    except ValueError:
        return
    if math.isfinite(value) and (value > 0 or not positive):
        measures[name] = value


def _wells(root: ET.Element) -> Iterator[tuple[str, str]]:
    """Yield the image's ID and the name of the well of each sample of plates: ``B03``."""
    for plate in (element for element in root if _tag(element) == "Plate"):
        for well in (element for element in plate if _tag(element) == "Well"):
            name = well_name(_number(well, "Row", default=0), _number(well, "Column", default=0))
            for sample in (element for element in well if _tag(element) == "WellSample"):
                for reference in (element for element in sample if _tag(element) == "ImageRef"):
                    yield reference.get("ID", ""), name


def well_name(row: int, column: int) -> str:
    """Name a well by its row and column, both from 0.

    Examples
    --------
    >>> well_name(1, 2), well_name(26, 47)
    ('B03', 'AA48')
    """
    letters = chr(ord("A") + row) if row < 26 else chr(ord("A") + row // 26 - 1) + chr(ord("A") + row % 26)
    return f"{letters}{column + 1:02d}"


def _dtype(name: str) -> str:
    """Return numpy's name of a type of pixels.

    Raises
    ------
    PixelError
        There is no such type.
    """
    names = {"bit": "bool", "float": "float32", "double": "float64", "complex": "complex64"}
    names |= {"double-complex": "complex128"}
    try:
        return np.dtype(names.get(name, name)).name
    except TypeError as error:
        raise PixelError(f"its OME-XML has pixels of the unknown type {name!r}") from error


def _size(element: ET.Element, name: str, *, default: int | None = None) -> int:
    size = _number(element, name, default=default)
    if size < 1:
        raise PixelError(f"its OME-XML says {name} {size}, expected at least 1")
    return size


def _number(element: ET.Element, name: str, *, default: int | None = None) -> int:
    """Return an attribute that is a whole number.

    Raises
    ------
    PixelError
        It is none, negative, or not there and has no default.
    """
    text = element.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.strip().isdecimal() or len(text) > 12:
        raise PixelError(f"its OME-XML has {name} {text!r} in {_tag(element)}, expected a whole number")
    return int(text)


def _tag(element: ET.Element) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
