"""Good files of many formats, from which damaged ones are made; every reader takes those that it can read."""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imageio.v3 as imageio
import numcodecs
import numpy as np
import tifffile
import zarr
from pydantic import ValidationError

from tasks.core.channels import Channels
from tasks.core.errors import UserError
from tasks.core.types import AnyArray
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.files import STORE_FILES
from tasks.ingest.index import build_index
from tasks.ingest.load import load_images
from tasks.ingest.readers import readers

PROJECT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SCIP_TEST_DATA", PROJECT.parent / "shared" / "data"))
MOST_BYTES = 1_000_000
"""Of a real file: a larger one would be copied more than it is read."""

PIXELS = np.random.default_rng(7).poisson(150, (3, 24, 20)).astype(np.uint16)
BYTES = np.clip(PIXELS, 0, 255).astype(np.uint8)
COLOR = np.moveaxis(BYTES, 0, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Files of one good image, or of several in a store.

    Parameters
    ----------
    name
        What it is called in messages.
    files
        Content by path, relative to the input.
    pattern
        load.pattern, for files of one channel each.
    """

    name: str
    files: dict[str, bytes]
    pattern: str | None = None

    def write(self, folder: Path) -> None:
        """Write the files into a folder."""
        for path, content in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A seed that a reader reads, and its channels."""

    seed: Seed
    load: Load
    channels: Channels


def cases(reader: str, *, folder: Path) -> list[Case]:
    """Return the seeds that a reader reads, its own example first; `folder` is empty and for this alone.

    A reader of a format that is not among the seeds declares an example: a method ``example(folder)`` that writes one.

    Raises
    ------
    LookupError
        There is none, so that the reader would go untested.
    """
    readable = []
    for number, seed in enumerate([*declared(reader), *seeds()]):
        seed.write(own := folder / str(number))
        if (case := _case(seed, reader=reader, folder=own)) is not None:
            readable.append(case)
    if not readable:
        raise LookupError(
            f"the reader {reader!r} reads none of the seeds; give it a method example(folder) that writes a small file"
        )
    return readable


def _case(seed: Seed, *, reader: str, folder: Path) -> Case | None:
    try:
        load = Load(reader=reader, pattern=seed.pattern)
        references = build_index([folder], config=load).references
        channels, _ = resolve_channels(references, config=load)
    except (UserError, ValidationError):
        return None
    if any(reference.depth > 1 for reference in references):
        return None
    loaded = load_images(references, channels=channels)
    return None if loaded.faults else Case(seed=seed, load=load, channels=channels)


def declared(reader: str) -> Iterator[Seed]:
    """Yield the example that a reader writes itself, where it does."""
    write: Callable[[Path], object] | None = getattr(readers[reader], "example", None)
    if write is not None:
        with TemporaryDirectory() as folder:
            write(Path(folder))
            yield Seed(name="example", files=_content(Path(folder)))


def seeds() -> list[Seed]:
    """Return files of many formats, made here, and small real ones."""
    files = {f"{name}.tif": content for name, content in tiffs().items()} | pictures()
    made = [Seed(name=name, files={name: content}) for name, content in files.items()]
    channel_files = {f"f1_{name}.tif": tiff(plane) for name, plane in zip(("DNA", "ER", "RNA"), PIXELS, strict=True)}
    by_channel = Seed(
        name="a file per channel", files=channel_files, pattern=r"f(?P<field>\d+)_(?P<channel>[A-Z]+)\.tif"
    )
    return [*made, by_channel, *stores(), *ome_stores(), *real()]


def tiff(pixels: AnyArray, **options: Any) -> bytes:  # noqa: ANN401
    """Return the content of a TIFF."""
    buffer = io.BytesIO()
    kind = {key: options.pop(key) for key in ("bigtiff", "imagej", "ome", "byteorder") if key in options}
    with tifffile.TiffWriter(buffer, **kind) as writer:
        writer.write(pixels, **({} if kind.get("imagej") else {"photometric": "minisblack"}) | options)
    return buffer.getvalue()


def tiffs() -> dict[str, bytes]:
    """Return TIFFs of all layouts and of the compressions that microscopes write."""
    coded = ("deflate", "lzw", "packbits", "zstd", "lzma", "lerc", "png", "jpegxl", "jpeg2000")
    return {
        "plain": tiff(PIXELS),
        "tiles": tiff(PIXELS, tile=(16, 16), compression="deflate"),
        "predictor": tiff(PIXELS, compression="lzw", predictor=2, rowsperstrip=5),
        "big": tiff(PIXELS, bigtiff=True, byteorder=">"),
        "imagej": tiff(PIXELS, imagej=True, metadata={"Labels": ["BF", "DNA", "SSC"]}),
        "ome": tiff(PIXELS, ome=True, metadata={"axes": "CYX", "Channel": {"Name": ["BF", "DNA", "SSC"]}}),
        "times.ome": tiff(np.stack([PIXELS] * 2), ome=True, tile=(16, 16), metadata={"axes": "TCYX"}),
        "repeats": tiff(PIXELS, truncate=True),
        "color": tiff(COLOR, photometric="rgb"),
        "jpeg": tiff(BYTES, compression="jpeg"),
    } | {name: tiff(PIXELS, compression=name, rowsperstrip=8) for name in coded}


def pictures() -> dict[str, bytes]:
    """Return pictures that are no TIFF."""
    gray16 = imageio.imwrite("<bytes>", PIXELS[0], extension=".png")
    return {"gray16.png": gray16} | {
        f"color{suffix}": imageio.imwrite("<bytes>", COLOR, extension=suffix)
        for suffix in (".png", ".jpg", ".bmp", ".webp")
    }


def stores() -> Iterator[Seed]:
    """Yield ragged zarr stores of all compressions."""
    coding = numcodecs.VLenArray("<u2")
    stamps = np.empty(3, dtype=object)
    stamps[:] = [PIXELS[:2, : 5 + number].ravel() for number in range(3)]
    compressors = (numcodecs.Blosc("lz4"), numcodecs.Zstd(), numcodecs.LZ4(), numcodecs.Zlib(), numcodecs.GZip(), None)
    for compressor in compressors:
        array = {
            "zarr_format": 2, "shape": [3], "chunks": [3], "dtype": "|O", "fill_value": 0, "order": "C",
            "filters": [coding.get_config()], "compressor": None if compressor is None else compressor.get_config(),
        }  # fmt: skip
        attributes = {"shape": [[2, 5 + number, 20] for number in range(3)], "object_number": [1, 4, 9]}
        chunk = bytes(coding.encode(stamps))
        files = {
            ".zarray": json.dumps(array).encode(),
            ".zattrs": json.dumps(attributes).encode(),
            "0": chunk if compressor is None else bytes(compressor.encode(chunk)),
        }
        name = f"{'plain' if compressor is None else compressor.codec_id}.zarr"
        yield Seed(name=name, files={f"{name}/{path}": content for path, content in files.items()})


def ome_stores() -> Iterator[Seed]:
    """Yield OME-Zarr images of both versions of zarr, one of them in shards."""
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    multiscale = {"axes": axes, "datasets": [{"path": "0"}]}
    described: dict[str, dict[str, Any]] = {
        "v2": {"multiscales": [multiscale | {"version": "0.4"}]},
        "v3": {"ome": {"version": "0.5", "multiscales": [multiscale]}},
    }
    for name, version, shards in (("v2", 2, None), ("v3", 3, None), ("v3", 3, (3, 24, 20))):
        with TemporaryDirectory() as folder:
            store = Path(folder, f"{name}{'' if shards is None else '_shards'}.zarr")
            group = zarr.open_group(store, mode="w", zarr_format=2 if version == 2 else 3, attributes=described[name])
            group.create_array("0", shape=PIXELS.shape, dtype=PIXELS.dtype, chunks=(3, 12, 10), shards=shards)[:] = (
                PIXELS
            )
            yield Seed(name=store.name, files=_content(Path(folder)))


def real() -> Iterator[Seed]:
    """Yield the smallest real file of every suffix, and the smallest real store, if real data is at hand."""
    smallest: dict[str, tuple[int, Path]] = {}
    for above, folders, names in os.walk(DATA, followlinks=True):
        if any(name in names for name in STORE_FILES):
            folders.clear()
            size = sum(path.stat().st_size for path in Path(above).rglob("*") if path.is_file())
            entries = [(size, Path(above))]
        else:
            entries = [(path.stat().st_size, path) for name in names if (path := Path(above, name)).is_file()]
        for size, path in entries:
            smallest[path.suffix] = min(smallest.get(path.suffix, (size, path)), (size, path))
    for size, path in smallest.values():
        if 0 < size <= MOST_BYTES and not zipfile.is_zipfile(path):
            files = _content(path) if path.is_dir() else {"": path.read_bytes()}
            name = f"real{path.suffix}"
            yield Seed(name=name, files={f"{name}/{inner}".rstrip("/"): content for inner, content in files.items()})


def _content(folder: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
