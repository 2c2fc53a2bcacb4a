"""Reader ``ome_zarr``: OME-Zarr images, plates and collections of images, versions 0.4, 0.5 and 0.6."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray, IntArray
from tasks.ingest.limits import check_compression, check_pixels
from tasks.ingest.readers.base import (
    Header,
    ReaderListing,
    RegionReader,
    Source,
    catch,
    checked_region,
    listing_fault,
    positions,
    register,
)
from tasks.ingest.readers.decompress import CODECS
from tasks.ingest.readers.ome_zarr_metadata import (
    Attributes,
    Multiscale,
    child_paths,
    is_ome,
    ome_attributes,
    read_multiscale,
)
from tasks.ingest.references import ImageReference, time_points

if TYPE_CHECKING:
    import zarr

V3_CODECS = frozenset({"bytes", "transpose", "blosc", "gzip", "zstd", "crc32c", "sharding_indexed"})
"""Codecs of zarr version 3 that are undone; those of version 2 are `CODECS`."""

METADATA_FILES = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


@dataclass(frozen=True)
class OmeZarrReader(RegionReader):
    """OME-Zarr: every image of a plate or collection, and every time point, is an image; z-stacks are projected.

    Of a pyramid the full resolution is read, of it the chunks that are needed.
    """

    name: str = "ome_zarr"
    accepted: str = "OME-Zarr folders"

    def accepts(self, source: Source) -> bool:
        """Whether a store's attributes are OME's."""
        if not source.store:
            return False
        attributes = catch(_attributes, Path(source.path))
        return not isinstance(attributes, Exception) and is_ome(attributes)

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether it is a store of OME's."""
        del by_channel
        return self.accepts(source)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Refer to every time point of every image of each store."""
        del pattern, wanted
        references, faults = [], []
        for source in sources:
            images = catch(list, _images(source))
            for image in [images] if isinstance(images, Exception) else images:
                own = image if isinstance(image, Exception) else catch(list, _references(source, image))
                if isinstance(own, Exception):
                    name = "" if isinstance(image, Exception) else _name(source, image)
                    faults.append(listing_fault(own, source=source, image=name))
                else:
                    references += own
        return ReaderListing(references=references, faults=faults)

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Read the metadata of the full resolution."""
        del pattern
        level, _ = _open(reference)
        sizes = dict(zip(level.image.axes, level.shape, strict=True))
        return Header(
            channels=sizes.get("c", 1),
            height=sizes["y"],
            width=sizes["x"],
            dtype=np.dtype(level.dtype),
            names=level.labels,
        )

    def read_region(
        self, reference: ImageReference, *, channels: Channels, region: PixelWindow | None, z: int
    ) -> AnyArray:
        """Read the chunks that a window of the channels in use lies in."""
        level, array = _open(reference)
        sizes = dict(zip(level.image.axes, level.shape, strict=True))
        count = sizes.get("c", 1)
        top, bottom, left, right = checked_region(region, height=sizes["y"], width=sizes["x"])
        chosen = positions(channels, count=count, labels=level.labels if channels.labels else None)
        pixels_wanted = (count if chosen is None else len(chosen)) * (bottom - top) * (right - left)
        check_compression(pixels_wanted * np.dtype(level.dtype).itemsize, stored=reference.size)
        at: dict[str, int | slice | IntArray] = {"t": reference.index or 0, "z": z}
        at |= {"y": slice(top, bottom), "x": slice(left, right)}
        at["c"] = slice(None) if chosen is None else np.array(chosen)
        pixels = np.asarray(array.oindex[tuple(at[axis] for axis in level.image.axes)])
        left_axes = [axis for axis in level.image.axes if axis in "cyx"]
        if "c" not in left_axes:
            pixels, left_axes = pixels[np.newaxis], ["c", *left_axes]
        return pixels.transpose([left_axes.index(axis) for axis in "cyx"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """One image of a store: the path of its group within it, and what the store tells of it."""

    path: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """The full resolution of an image."""

    image: Multiscale
    shape: tuple[int, ...]
    dtype: str
    labels: tuple[str, ...] | None


def _images(source: Source) -> Iterator[_Image]:
    """Yield the images of a store: itself, those of a plate, or those of a collection of Bio-Formats.

    Raises
    ------
    PixelError
        The store's metadata make no sense.
    """
    root = Path(source.path)
    raw = _attributes(root)
    attributes = ome_attributes(raw)
    if "plate" in attributes:
        for well in child_paths(attributes, key="plate", entries="wells"):
            name = "".join(part.zfill(2) if part.isdecimal() else part for part in well.split("/"))
            own = ome_attributes(_attributes(root / well))
            for field in child_paths(own, key="well", entries="images"):
                yield _Image(path=f"{well}/{field}", metadata={"well": name})
    elif "multiscales" in attributes:
        yield _Image(path="", metadata={})
    elif "well" in attributes:
        for field in child_paths(attributes, key="well", entries="images"):
            yield _Image(path=field, metadata={})
    elif "bioformats2raw.layout" in raw or "bioformats2raw.layout" in attributes:
        scene = 0
        while any((root / str(scene) / name).is_file() for name in METADATA_FILES):
            yield _Image(path=str(scene), metadata={"scene": str(scene)})
            scene += 1
    else:
        raise PixelError("holds no image, plate or collection of images of OME-Zarr")


def _name(source: Source, image: _Image) -> str:
    return f"{source.relative}/{image.path}" if image.path else source.relative


def _references(source: Source, image: _Image) -> Iterator[ImageReference]:
    """Refer to the time points of an image."""
    folder, name = str(Path(source.path, image.path)), _name(source, image)
    level = _level(folder)
    size, mtime_ns = _state(folder, level)
    sizes = dict(zip(level.image.axes, level.shape, strict=True))
    yield from time_points(
        ImageReference(
            image=name,
            reader="ome_zarr",
            paths=(folder,),
            relative=(name,),
            depth=sizes.get("z", 1),
            metadata=image.metadata | source.metadata,
            measures=level.image.measures,
            sizes=(size,),
            mtimes_ns=(mtime_ns,),
        ),
        times=sizes.get("t", 1),
    )


def _level(folder: str) -> _Level:
    """Look at the full resolution of an image.

    Raises
    ------
    PixelError
        It cannot be read, or holds no pixels.
    """
    image = read_multiscale(ome_attributes(_attributes(Path(folder))))
    path = Path(folder, image.level)
    array = _array(path)
    shape = tuple(int(length) for length in array["shape"])
    if len(shape) != len(image.axes):
        raise PixelError(f"has {len(image.axes)} axes ({', '.join(image.axes)}), but {len(shape)} dimensions")
    if min(shape) < 1:
        raise PixelError(f"has no pixels (shape {'×'.join(map(str, shape))})")
    dtype = np.dtype(array.get("dtype", array.get("data_type")))
    if dtype.kind not in "biufc":
        raise PixelError(f"has pixels of type {dtype}, expected numbers")
    _check_codecs(array)
    if not any(True for _ in _chunks(path)):
        raise PixelError("has none of the files that would hold its pixels")
    count = dict(zip(image.axes, shape, strict=True)).get("c", 1)
    labels = image.labels
    distinct = labels is not None and all(labels) and len(set(labels)) == len(labels) == count
    return _Level(
        image=image,
        shape=shape,
        dtype=dtype.str,
        labels=labels if distinct else None,
    )


def _chunks(array: Path) -> Iterator[Path]:
    """Yield the files that hold an array's pixels."""
    return (path for path in array.rglob("*") if path.name not in METADATA_FILES and path.is_file())


def _state(folder: str, level: _Level) -> tuple[int, int]:
    """Return the bytes of an image's pixels in its files, and the time of the latest change of any file, in ns."""
    array = Path(folder, level.image.level)
    chunks = [path.stat() for path in _chunks(array)]
    metadata = (path for place in (Path(folder), array) for path in map(place.joinpath, METADATA_FILES))
    stats = [*chunks, *(path.stat() for path in metadata if path.is_file())]
    return sum(stat.st_size for stat in chunks), max(stat.st_mtime_ns for stat in stats)


@lru_cache(maxsize=64)
def _known_level(folder: str, *, size: int, mtime_ns: int) -> _Level:
    """Look at an image's full resolution, once for each state in which it was listed."""
    del size, mtime_ns
    return _level(folder)


def _open(reference: ImageReference) -> "tuple[_Level, zarr.Array[Any]]":
    """Open the full resolution of an image, of which the files are large enough for its pixels.

    Raises
    ------
    PixelError
        It asks for more pixels than are allowed.
    """
    import zarr

    (folder,) = reference.paths
    level = _known_level(folder, size=reference.size, mtime_ns=reference.mtime_ns)
    sizes = dict(zip(level.image.axes, level.shape, strict=True))
    check_pixels(sizes["y"], sizes["x"])
    array = zarr.open_array(str(Path(folder, level.image.level)), mode="r")
    chunk = getattr(array, "shards", None) or array.chunks
    check_compression(math.prod(chunk) * np.dtype(level.dtype).itemsize, stored=reference.size)
    return level, array


def _check_codecs(array: Attributes) -> None:
    """Refuse codecs that are not known to do nothing but decompress."""
    if array.get("zarr_format") == 3:
        names = [str(codec.get("name")) for codec in _inner_codecs(array.get("codecs"))]
        unknown = [name for name in names if name not in V3_CODECS]
    else:
        listed = [array.get("compressor"), *(array.get("filters") or ())]
        unknown = [str(codec.get("id")) for codec in listed if codec is not None and codec.get("id") not in CODECS]
    if unknown:
        raise PixelError(f"is encoded by {unknown[0]!r}; expected one of {', '.join(sorted({*V3_CODECS, *CODECS}))}")


def _inner_codecs(codecs: object) -> Iterator[Attributes]:
    """Yield codecs, and those within shards."""
    for codec in codecs if isinstance(codecs, list) else ():
        yield codec
        inner = codec.get("configuration") or {}
        for key in ("codecs", "index_codecs"):
            yield from _inner_codecs(inner.get(key))


def _attributes(folder: Path) -> Attributes:
    """Read a group's attributes: of zarr version 3, else of version 2."""
    if (folder / "zarr.json").is_file():
        attributes = _json(folder / "zarr.json").get("attributes", {})
        return attributes if isinstance(attributes, dict) else {}
    return _json(folder / ".zattrs")


def _array(folder: Path) -> Attributes:
    """Read an array's metadata."""
    return _json(folder / ("zarr.json" if (folder / "zarr.json").is_file() else ".zarray"))


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise PixelError(f"has no {path.name} in {path.parent.name}")
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise PixelError(f"{path.name} in {path.parent.name} holds no JSON object")
    return content


register(OmeZarrReader())
