"""Reader ``multiframe_tiff``: one TIFF per cell or field, a frame per channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.channels import Channels
from tasks.core.errors import PixelError
from tasks.core.types import AnyArray
from tasks.ingest.readers.base import TIFF_SUFFIXES, FileReader, Header, ReaderListing, Source, positions, register
from tasks.ingest.readers.image import file_reference
from tasks.ingest.readers.tiff import TiffPlanes, open_tiff
from tasks.ingest.references import ImageReference


@dataclass(frozen=True)
class MultiframeTiffReader(FileReader):
    """TIFF files whose frames, all grey and of one size, are the channels."""

    name: str = "multiframe_tiff"
    accepted: str = ", ".join(TIFF_SUFFIXES)

    def accepts(self, source: Source) -> bool:
        """Whether the suffix is a TIFF's."""
        return not source.store and source.suffix in TIFF_SUFFIXES

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Never: ``image`` makes the pages of a TIFF its channels just so, and no file is opened to tell them apart."""
        del source, by_channel
        return False

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Make one image of each file."""
        del pattern, wanted
        return ReaderListing(references=[file_reference(source, reader=self.name) for source in sources])

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Read the tags."""
        del pattern
        with open_tiff(reference.paths[0]) as tiff:
            channels = _frames(tiff)
            height, width = tiff.shape
            return Header(channels=channels, height=height, width=width, dtype=tiff.dtype, names=tiff.labels)

    def read(self, reference: ImageReference, *, channels: Channels, z: int) -> AnyArray:
        """Read the frames in use."""
        del z
        with open_tiff(reference.paths[0]) as tiff:
            labels = tiff.labels if channels.labels else None
            return tiff.read(positions(channels, count=_frames(tiff), labels=labels))


def _frames(tiff: TiffPlanes) -> int:
    """Count the frames, each of which must be grey."""
    for number, samples in enumerate(tiff.samples):
        if samples != 1:
            raise PixelError(
                f"frame {number + 1} is coloured ({samples} values per pixel), expected grey frames; the reader "
                "'image' makes a channel of each colour"
            )
    return len(tiff.samples)


register(MultiframeTiffReader())
