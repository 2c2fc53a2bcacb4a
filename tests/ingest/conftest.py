"""Small data sets written for a test."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import tifffile

from tasks.core.types import AnyArray
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.load import LoadedBatch, load_images

WriteTiff = Callable[..., AnyArray]
WriteStore = Callable[..., list[AnyArray]]
ReadAll = Callable[..., LoadedBatch]


@pytest.fixture
def write_tiff() -> WriteTiff:
    """Write a TIFF of random pixels, a page per channel, and return the pixels."""

    def write(path: Path, *, shape: tuple[int, ...] = (3, 9, 7), dtype: str = "uint16", **options: Any) -> AnyArray:  # noqa: ANN401
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = np.frombuffer(path.name.encode(), dtype=np.uint8)
        pixels = np.random.default_rng(seed).integers(1, 200, shape).astype(dtype)
        tifffile.imwrite(path, pixels, **{"photometric": "minisblack", "metadata": None, **options})
        return pixels

    return write


@pytest.fixture
def write_store() -> WriteStore:
    """Write stamps of the given sizes as a ragged zarr store and return them."""

    def write(
        path: Path,
        *,
        sizes: Sequence[tuple[int, int]],
        channels: int = 2,
        chunk: int = 3,
        dtype: str = "<u2",
        compressor: numcodecs.abc.Codec | None = None,
        attributes: dict[str, object] | None = None,
    ) -> list[AnyArray]:
        rng = np.random.default_rng(len(sizes))
        stamps = [rng.integers(0, 4000, (channels, *size)).astype(dtype) for size in sizes]
        compressor = numcodecs.Blosc("lz4") if compressor is None else compressor
        coding = numcodecs.VLenArray(dtype)
        path.mkdir(parents=True)
        for number in range(-(-len(stamps) // chunk)):
            part = np.full(chunk, None, dtype=object)
            for slot, stamp in enumerate(stamps[number * chunk : (number + 1) * chunk]):
                part[slot] = stamp.ravel()
            for slot in range(chunk):
                if part[slot] is None:
                    part[slot] = np.zeros(0, dtype=dtype)
            (path / str(number)).write_bytes(compressor.encode(coding.encode(part)))
        array = {
            "zarr_format": 2,
            "shape": [len(stamps)],
            "chunks": [chunk],
            "dtype": "|O",
            "fill_value": 0,
            "order": "C",
            "filters": [coding.get_config()],
            "compressor": compressor.get_config(),
        }
        default: dict[str, object] = {
            "shape": [list(stamp.shape) for stamp in stamps],
            "object_number": [100 + 7 * position for position in range(len(stamps))],
        }
        (path / ".zarray").write_text(json.dumps(array))
        (path / ".zattrs").write_text(json.dumps(default if attributes is None else attributes))
        return stamps

    return write


@pytest.fixture
def read_all() -> ReadAll:
    """Index, resolve channels and load everything below the inputs."""

    def read(*inputs: Path, **load: Any) -> LoadedBatch:  # noqa: ANN401
        config = Load.model_validate(load)
        references = build_index(inputs, config=config).references
        channels, _ = resolve_channels(references, config=config)
        return load_images(references, channels=channels)

    return read
