"""Reader ``npy``: an image per ``.npy`` file, as ``numpy.save`` writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import PixelError
from tasks.core.types import AnyArray
from tasks.ingest.limits import check_pixels
from tasks.ingest.readers.base import FileReader, Header, ReaderListing, Source, positions, register
from tasks.ingest.readers.image import file_reference
from tasks.ingest.references import ImageReference


@dataclass(frozen=True)
class NpyReader(FileReader):
    """Arrays of numpy, (channels, rows, columns) or (rows, columns)."""

    name: str = "npy"
    accepted: str = ".npy"

    def accepts(self, source: Source) -> bool:
        """Whether it is a file of that suffix."""
        return not source.store and source.suffix == ".npy"

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether `reader: auto` leaves it to this reader: all .npy files."""
        return not by_channel and self.accepts(source)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Make one image of each file; none is opened."""
        del pattern, wanted
        return ReaderListing(references=[file_reference(source, reader=self.name) for source in sources])

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Read the header."""
        del pattern
        array = _open(reference.paths[0])
        count, height, width = array.shape
        return Header(channels=count, height=height, width=width, dtype=array.dtype)

    def read(self, reference: ImageReference, *, channels: Channels, z: int) -> AnyArray:
        """Read the channels in use."""
        del z
        array = _open(reference.paths[0])
        chosen = positions(channels, count=len(array))
        return np.array(array if chosen is None else array[list(chosen)])

    def example(self, folder: Path) -> None:
        """Write a small file, of which the fuzzer makes damaged ones."""
        np.save(folder / "example.npy", np.arange(2 * 5 * 4, dtype=np.uint16).reshape(2, 5, 4))


def _open(path: str) -> AnyArray:
    """Map a file as (C, H, W); nothing is read but its header, and no pickled object is ever loaded.

    The file is as long as its pixels, or it is refused here: no header can ask for more memory than there are bytes.
    """
    array: AnyArray = np.lib.format.open_memmap(path, mode="r")
    if array.ndim not in {2, 3}:
        raise PixelError(f"has {array.ndim} dimensions, expected (channels, rows, columns) or (rows, columns)")
    check_pixels(*array.shape[-2:])
    return array if array.ndim == 3 else array[np.newaxis]


register(NpyReader())
