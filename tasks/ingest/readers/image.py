"""Reader ``image``: one file per image; its pages or planes are the channels."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import PixelError
from tasks.core.types import AnyArray
from tasks.ingest.limits import check_compression, check_pixels
from tasks.ingest.readers.base import (
    OME_TIFF_SUFFIXES,
    TIFF_SUFFIXES,
    FileReader,
    Header,
    ReaderListing,
    Source,
    positions,
    register,
)
from tasks.ingest.readers.tiff import open_tiff
from tasks.ingest.references import ImageReference

if TYPE_CHECKING:
    from PIL import Image

# JPEG 2000 is left out: of a file that is cut short its decoder makes a blurred picture without an error
OTHER_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")

PNG_HEADER = struct.Struct(">16xIIBB")
"""Width, height, bits per sample, kind of pixels."""

PNG_SAMPLES = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}
"""Values per pixel of each kind when it is decoded; of a palette, 3 or 4."""

PILLOW = RLock()
"""Held while Pillow's limit, which all threads share, is off."""


@dataclass(frozen=True)
class ImageReader(FileReader):
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
        """Whether it is a picture and does not say that it is an OME-TIFF.

        With channels in files of their own a picture is an overlay or the like.
        """
        return not by_channel and self.accepts(source) and not source.relative.lower().endswith(OME_TIFF_SUFFIXES)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Make one image of each file."""
        del pattern, wanted
        return ReaderListing(references=[file_reference(source, reader=self.name) for source in sources])

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Read a TIFF's tags; other pictures, small as they are, are decoded."""
        del pattern
        (path,) = reference.paths
        if Path(path).suffix.lower() in TIFF_SUFFIXES:
            with open_tiff(path) as tiff:
                height, width = tiff.shape
                return Header(
                    channels=sum(tiff.samples),
                    height=height,
                    width=width,
                    dtype=tiff.dtype,
                    names=tiff.labels,
                )
        pixels = _read_picture(path)
        channels, height, width = pixels.shape
        return Header(channels=channels, height=height, width=width, dtype=pixels.dtype)

    def read(self, reference: ImageReference, *, channels: Channels, z: int) -> AnyArray:
        """Read the pages, planes or colours in use."""
        del z
        (path,) = reference.paths
        if Path(path).suffix.lower() in TIFF_SUFFIXES:
            with open_tiff(path) as tiff:
                labels = tiff.labels if channels.labels else None
                return tiff.read(positions(channels, count=sum(tiff.samples), labels=labels))
        pixels = _read_picture(path)
        chosen = positions(channels, count=len(pixels))
        return pixels if chosen is None else pixels[list(chosen)]


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


def read_planes(path: str) -> AnyArray:
    """Read all planes (C, H, W) of a picture.

    Raises
    ------
    PixelError
        It cannot be used.
    Exception
        Whatever a decoder raises on a damaged file.
    """
    if Path(path).suffix.lower() in TIFF_SUFFIXES:
        with open_tiff(path) as tiff:
            return tiff.read(None)
    return _read_picture(path)


def _read_picture(path: str) -> AnyArray:
    """Pixels (C, H, W) of a file that is no TIFF.

    Raises
    ------
    PixelError
        It is animated: of several frames none can be told to be the picture. Or its header claims too many pixels.
    """
    pixels = _read_png(path) if Path(path).suffix.lower() == ".png" else _read_with_pillow(path)
    if pixels.ndim == 2:
        return pixels[np.newaxis]
    if pixels.ndim == 3 and pixels.shape[2] <= 4:
        return np.moveaxis(pixels, -1, 0)
    raise PixelError(f"has the shape {pixels.shape}, expected rows × columns, alone or with up to 4 colours")


def _read_with_pillow(path: str) -> AnyArray:
    """Pixels (H, W) or (H, W, colours) of a still picture; its header is looked at before it is decoded."""
    import imageio.v3 as imageio

    with _header(path) as header:
        check_pixels(header.height, header.width)
        check_compression(
            header.height * header.width * len(header.getbands()) * (4 if header.mode in {"I", "F"} else 1),
            stored=Path(path).stat().st_size,
        )
        if header.format == "WEBP":
            _require_still(getattr(header, "n_frames", 1))
    with _any_size():
        return np.asarray(imageio.imread(path, plugin="pillow"))


@contextmanager
def _header(path: str) -> Iterator["Image.Image"]:
    """Open a picture without decoding it."""
    from PIL import Image

    with _any_size():
        picture = Image.open(path)
    with picture:
        yield picture


@contextmanager
def _any_size() -> Iterator[None]:
    """Keep Pillow from refusing pictures by a limit of its own, which is lower and cannot be configured."""
    from PIL import Image

    with PILLOW:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _read_png(path: str) -> AnyArray:
    """Pixels (H, W) or (H, W, colours); grey of 1, 2 or 4 bits as the file's numbers, as of a TIFF, not spread to 255.

    Pillow, which imageio uses, would reduce 16-bit colour to 8 bits in silence.
    """
    import imagecodecs

    content = Path(path).read_bytes()
    if len(content) < PNG_HEADER.size:
        raise PixelError(f"has {len(content)} bytes, too few for the header of a PNG; it is cut short")
    width, height, bits, kind = PNG_HEADER.unpack_from(content)
    check_pixels(height, width)
    check_compression(height * width * PNG_SAMPLES.get(kind, 4) * (2 if bits == 16 else 1), stored=len(content))
    pixels = np.asarray(imagecodecs.png_decode(content))
    animation = content.find(b"acTL", 0, content.find(b"IDAT"))
    if animation >= 0:
        _require_still(int.from_bytes(content[animation + 4 : animation + 8]))
    return pixels // (255 // (2**bits - 1)) if kind == 0 and bits < 8 else pixels


def _require_still(frames: int) -> None:
    if frames > 1:
        raise PixelError(
            f"is animated: it holds {frames} frames, expected one picture; write each frame into a file of its own, or "
            "all into one TIFF if they are the channels"
        )


register(ImageReader())
