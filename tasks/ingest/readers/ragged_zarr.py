"""Reader ``ragged_zarr``: stamps of different size in one zarr version 2 store, as the published system keeps them.

The store is a one-dimensional array of objects. Element i is stamp i, flattened in C order from (C, H, W); the
attribute ``shape`` lists [C, H, W] of each and ``object_number`` the instrument's numbers. zarr-python 3 has no such
data type, so the metadata is read here and chunks are decoded by numcodecs.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import Fault, PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray, IntArray
from tasks.ingest.limits import check_pixels
from tasks.ingest.readers.base import STAGE, Header, ReaderListing, Source, catch, cropped, positions, register
from tasks.ingest.readers.decompress import CODECS, decompress
from tasks.ingest.references import ImageReference

ARRAY_FILE = ".zarray"
ATTRIBUTES_FILE = ".zattrs"
FILTER = "vlen-array"
LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What a store's metadata tells.

    Parameters
    ----------
    length, chunk
        Stamps in the store, and in each chunk.
    compressor
        How chunks are compressed; None: not at all.
    filters
        numcodecs configurations, the first of which makes objects of bytes.
    dtype
        dtype of the pixels.
    shapes
        (length, 3) int64, channels, rows and columns; −1 where the attribute makes no sense.
    numbers
        (length,) int64 instrument's object numbers, or None.
    sizes, mtimes_ns
        Of the two metadata files.
    """

    length: int
    chunk: int
    compressor: Mapping[str, Any] | None
    filters: Sequence[Mapping[str, Any]]
    dtype: np.dtype[np.generic]
    shapes: IntArray
    numbers: IntArray | None
    sizes: tuple[int, ...]
    mtimes_ns: tuple[int, ...]


@dataclass(frozen=True)
class RaggedZarrReader:
    """Zarr stores of cell stamps; every stamp is an image."""

    name: str = "ragged_zarr"
    accepted: str = "ragged .zarr"

    def accepts(self, source: Source) -> bool:
        """Whether a store's array metadata tells of objects of variable length."""
        if not source.store:
            return False
        array = catch(_read_json, Path(source.path, ARRAY_FILE))
        if isinstance(array, Exception):
            return False
        filters = array.get("filters") or [{}]
        return array.get("dtype") == "|O" and filters[0].get("id") == FILTER

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether it is a store of ragged stamps."""
        del by_channel
        return self.accepts(source)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Refer to every stamp; a store whose metadata makes no sense is one fault."""
        del pattern, wanted
        references, faults = [], []
        for source in sources:
            stamps = catch(_stamps, source, reader=self.name)
            if isinstance(stamps, Exception):
                faults.append(Fault.of(stamps, image=source.relative, stage=STAGE, metadata=source.metadata))
            else:
                references += stamps
        return ReaderListing(references=references, faults=faults)

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Look the stamp's shape up."""
        del pattern
        store = _open(reference.paths[0])
        channels, height, width = _shape(store, _position(reference))
        return Header(channels=channels, height=height, width=width, dtype=store.dtype)

    def load(
        self, references: Sequence[ImageReference], *, channels: Channels, region: PixelWindow | None = None, z: int = 0
    ) -> list[AnyArray | Exception]:
        """Read every chunk that holds any of the stamps once."""
        del z
        images: list[AnyArray | Exception] = [PixelError("was not read")] * len(references)
        chunks: dict[tuple[str, int], list[int]] = {}
        stores = {path: catch(_open, path) for path in {reference.paths[0] for reference in references}}
        for slot, reference in enumerate(references):
            path = reference.paths[0]
            store = stores[path]
            if isinstance(store, Exception):
                images[slot] = store
            else:
                chunks.setdefault((path, _position(reference) // store.chunk), []).append(slot)
        for (path, chunk), slots in chunks.items():
            store = stores[path]
            if isinstance(store, Exception):
                continue
            stamps = catch(read_chunk, path, store=store, chunk=chunk)
            for slot in slots:
                if isinstance(stamps, Exception):
                    images[slot] = stamps
                    continue
                position = _position(references[slot])
                flat = stamps[position % store.chunk]
                if len(slots) < len(stamps) // 2 or not flat.flags.aligned:
                    # a view would keep the whole chunk in memory
                    flat = flat.copy()
                images[slot] = catch(_unflatten, flat, store, position, channels=channels, region=region)
        return images


def read_chunk(path: str, *, store: Store, chunk: int) -> list[AnyArray]:
    """Decode one chunk to flat stamps, which are views of the chunk and perhaps not aligned.

    Raises
    ------
    PixelError
        The chunk is missing or damaged.
    """
    file = Path(path, str(chunk))
    if not file.is_file():
        raise PixelError(f"chunk {chunk} of the store is missing")
    content: AnyArray = np.fromfile(file, dtype=np.uint8)
    try:
        for codec in (store.compressor, *reversed(store.filters[1:])):
            content = decompress(content, codec=codec)
        stamps = _split(content, dtype=store.dtype)
    except Exception as error:
        raise PixelError(f"chunk {chunk} of the store is damaged ({str(error) or type(error).__name__})") from error
    expected = min(store.chunk, store.length - chunk * store.chunk)
    if len(stamps) < expected:
        raise PixelError(f"chunk {chunk} of the store holds {len(stamps)} stamps, expected {expected}")
    return stamps


def _split(content: AnyArray, *, dtype: np.dtype[np.generic]) -> list[AnyArray]:
    """Cut what the filter ``vlen-array`` joined: how many arrays there are, and of each the number of bytes and these.

    Numbers have 4 bytes, the lowest first.
    """
    stamps = []
    (number,), at = LENGTH.unpack_from(content.data), LENGTH.size
    for _ in range(number):
        (size,) = LENGTH.unpack_from(content.data, at)
        at += LENGTH.size
        if at + size > len(content):
            raise PixelError(f"has {len(content)} bytes, an array goes on to {at + size}")
        if size % dtype.itemsize:
            raise PixelError(f"an array has {size} bytes, a pixel {dtype.itemsize}")
        stamps.append(content[at : at + size].view(dtype))
        at += size
    return stamps


def _unflatten(
    flat: AnyArray, store: Store, position: int, *, channels: Channels, region: PixelWindow | None
) -> AnyArray:
    shape = _shape(store, position)
    expected = shape[0] * shape[1] * shape[2]
    if flat.size != expected:
        size = "×".join(map(str, shape))
        raise PixelError(
            f"holds {flat.size} values, but the store's attribute 'shape' says {size} (channels × rows × columns), "
            f"which is {expected}"
        )
    chosen = positions(channels, count=shape[0])
    image = flat.reshape(shape)
    return cropped(image if chosen is None else image[list(chosen)], region=region)


def _position(reference: ImageReference) -> int:
    if reference.index is None:
        raise ValueError(f"{reference.image} lies in a store, but its reference has no index")
    return reference.index


def _shape(store: Store, position: int) -> tuple[int, int, int]:
    if position >= store.length:
        raise PixelError(f"the store holds {store.length} stamps now; it was changed")
    channels, height, width = store.shapes[position].tolist()
    if min(channels, height, width) < 0:
        raise PixelError("the store's attribute 'shape' does not give channels, rows and columns of this stamp")
    check_pixels(height, width)
    return channels, height, width


def _stamps(source: Source, *, reader: str) -> list[ImageReference]:
    store = _open(source.path)
    chunks = [catch(Path(source.path, str(chunk)).stat) for chunk in range(-(-store.length // store.chunk))]
    sizes = [store.sizes + ((0,) if isinstance(chunk, Exception) else (chunk.st_size,)) for chunk in chunks]
    times = [store.mtimes_ns + ((0,) if isinstance(chunk, Exception) else (chunk.st_mtime_ns,)) for chunk in chunks]
    return [
        ImageReference(
            image=f"{source.relative}#{position}",
            reader=reader,
            paths=(source.path,),
            relative=(source.relative,),
            index=position,
            metadata=source.metadata,
            object_number=None if store.numbers is None else int(store.numbers[position]),
            sizes=sizes[position // store.chunk],
            mtimes_ns=times[position // store.chunk],
        )
        for position in range(store.length)
    ]


def _open(path: str) -> Store:
    """Read a store's metadata, once for each state of its files: of a large store they have tens of megabytes."""
    array, attributes = Path(path, ARRAY_FILE).stat(), Path(path, ATTRIBUTES_FILE).stat()
    return _parse(
        path,
        sizes=(array.st_size, attributes.st_size),
        mtimes_ns=(array.st_mtime_ns, attributes.st_mtime_ns),
    )


@lru_cache(maxsize=8)
def _parse(path: str, *, sizes: tuple[int, ...], mtimes_ns: tuple[int, ...]) -> Store:
    array, attributes = _read_json(Path(path, ARRAY_FILE)), _read_json(Path(path, ATTRIBUTES_FILE))
    if array.get("zarr_format") != 2 or len(array["shape"]) != 1:
        raise PixelError(f"is no one-dimensional array of zarr version 2 (shape {array.get('shape')})")
    (length,), (chunk,) = array["shape"], array["chunks"]
    if chunk < 1:
        raise PixelError(f"has chunks of {chunk} stamps")
    filters, compressor = array["filters"], array["compressor"]
    for entry in [*([] if compressor is None else [compressor]), *filters[1:]]:
        if entry.get("id") not in CODECS:
            raise PixelError(f"is encoded by {entry.get('id')!r}; expected one of {', '.join(CODECS)}")
    shapes, numbers = attributes.get("shape"), attributes.get("object_number")
    if not isinstance(shapes, list) or len(shapes) != length:
        got = "none" if shapes is None else len(shapes) if isinstance(shapes, list) else repr(shapes)
        raise PixelError(f"needs an attribute 'shape' with an entry for each of its {length} stamps, got {got}")
    if numbers is not None and len(numbers) != length:
        raise PixelError(f"has {len(numbers)} object numbers for {length} stamps")
    return Store(
        length=length,
        chunk=chunk,
        compressor=compressor,
        filters=filters,
        dtype=np.dtype(filters[0]["dtype"]),
        shapes=np.array([_triple(shape) for shape in shapes], dtype=np.int64).reshape(-1, 3),
        numbers=None if numbers is None else np.array(numbers, dtype=np.int64),
        sizes=sizes,
        mtimes_ns=mtimes_ns,
    )


def _triple(shape: object) -> tuple[int, int, int]:
    if isinstance(shape, list) and len(shape) == 3 and all(type(length) is int for length in shape):
        return shape[0], shape[1], shape[2]
    return -1, -1, -1


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise PixelError(f"{path.name} of the store is no file")
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise PixelError(f"{path.name} holds no JSON object")
    return content


register(RaggedZarrReader())
