"""Reader ``image``: one file per image; its pages or planes are the channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import imageio.v3 as imageio
import numpy as np

from tasks.core.errors import PixelError
from tasks.core.types import AnyArray
from tasks.ingest.readers.base import TIFF_SUFFIXES, Header, Indexed, Source, attempt, register, require_channels
from tasks.ingest.readers.tiff import open_tiff
from tasks.ingest.references import ImageReference

# JPEG 2000 is left out: of a file that is cut short its decoder makes a blurred picture without an error
OTHER_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


@dataclass(frozen=True)
class ImageReader:
    """TIFF, PNG, JPEG and the like.

    A grey picture has one channel, a coloured one a channel per colour (and one for its opacity, if it has that), a
    TIFF of several pages the channels of all of its pages.
    """

    name: str = "image"
    accepted: str = ", ".join((*TIFF_SUFFIXES, *OTHER_SUFFIXES))

    def accepts(self, source: Source) -> bool:
        """Whether the suffix is one of a picture."""
        return not source.store and source.suffix in TIFF_SUFFIXES + OTHER_SUFFIXES

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether it is a picture; with channels in files of their own it is an overlay or the like."""
        return not by_channel and self.accepts(source)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> Indexed:
        """Make one image of each file."""
        del pattern, wanted
        return Indexed(references=[file_reference(source, reader=self.name) for source in sources])

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Read a TIFF's tags; other pictures, small as they are, are decoded."""
        del pattern
        (path,) = reference.paths
        if Path(path).suffix.lower() in TIFF_SUFFIXES:
            with open_tiff(path) as planes:
                height, width = planes.shape
                return Header(channels=sum(planes.samples), height=height, width=width, dtype=planes.dtype)
        pixels = _read_picture(path)
        channels, height, width = pixels.shape
        return Header(channels=channels, height=height, width=width, dtype=pixels.dtype)

    def load(
        self, references: Sequence[ImageReference], *, count: int, sources: Sequence[int] | None
    ) -> list[AnyArray | Exception]:
        """Read file by file."""

        def read(reference: ImageReference) -> AnyArray:
            (path,) = reference.paths
            if Path(path).suffix.lower() in TIFF_SUFFIXES:
                with open_tiff(path) as planes:
                    require_channels(sum(planes.samples), expected=count)
                    return planes.read(sources)
            pixels = _read_picture(path)
            require_channels(len(pixels), expected=count)
            return pixels if sources is None else pixels[list(sources)]

        return [attempt(read, reference) for reference in references]


def file_reference(source: Source, *, reader: str) -> ImageReference:
    """Refer to the one image in a file."""
    return ImageReference(
        image=source.relative,
        reader=reader,
        paths=(source.path,),
        relative=(source.relative,),
        metadata=source.metadata,
        sizes=(source.size,),
        mtimes_ns=(source.mtime_ns,),
    )


def _read_picture(path: str) -> AnyArray:
    """Pixels (C, H, W) of a file that is no TIFF."""
    if Path(path).suffix.lower() == ".png":
        # pillow, which imageio uses, reduces 16-bit colour to 8 bits in silence
        pixels = np.asarray(imagecodecs.png_decode(Path(path).read_bytes()))
    else:
        pixels = np.asarray(imageio.imread(path, plugin="pillow"))
    if pixels.ndim == 2:
        return pixels[np.newaxis]
    if pixels.ndim == 3 and pixels.shape[2] <= 4:
        return np.moveaxis(pixels, -1, 0)
    raise PixelError(f"has the shape {pixels.shape}, expected rows × columns, alone or with up to 4 colours")


register(ImageReader())
