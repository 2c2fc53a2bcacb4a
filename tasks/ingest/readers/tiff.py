"""TIFF files as stacks of planes, refusing every file that is cut short.

tifffile tells of some damage only in its log and goes on with what is left: with fewer pages, with default values for
lost tags, or with uninitialised memory. Here the chain of pages, the tags that decide about pixels, and the extent of
each strip and tile are checked before pixels are decoded, so that a file cut short gives an error, never plausible
pixels.
"""

import logging
import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np
from tifffile import TiffFile, TiffPage

from tasks.core.errors import PixelError
from tasks.core.types import AnyArray
from tasks.ingest.limits import check_compression, check_pixels

DECISIVE_TAGS = {
    256: "ImageWidth",
    257: "ImageLength",
    258: "BitsPerSample",
    259: "Compression",
    262: "PhotometricInterpretation",
    266: "FillOrder",
    273: "StripOffsets",
    277: "SamplesPerPixel",
    278: "RowsPerStrip",
    279: "StripByteCounts",
    284: "PlanarConfiguration",
    317: "Predictor",
    322: "TileWidth",
    323: "TileLength",
    324: "TileOffsets",
    325: "TileByteCounts",
    339: "SampleFormat",
    347: "JPEGTables",
}
"""Tags of which a lost one would change pixels without an error."""

_quiet: ContextVar[bool] = ContextVar("tifffile_quiet", default=False)


def _drop(record: logging.LogRecord) -> bool:
    del record
    return not _quiet.get()


# a filter that asks a context variable silences this thread's reading only, and no one else's
logging.getLogger("tifffile").addFilter(_drop)


@dataclass(frozen=True, slots=True)
class TiffPlanes:
    """An open TIFF file as planes (H, W): page by page, and within a page sample by sample.

    Parameters
    ----------
    pages
        Pages in file order; reduced copies of other pages are left out.
    repeats
        Planes that follow the first page's without a page of their own (ImageJ's form of large files), else 1.
    """

    pages: list[TiffPage]
    repeats: int

    @property
    def samples(self) -> list[int]:
        """Planes of each page: 1, or 3 or 4 for colour."""
        return [int(page.samplesperpixel) for page in self.pages for _ in range(self.repeats)]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns.

        Raises
        ------
        PixelError
            Pages differ, or a page is a volume.
        """
        shapes = [(int(page.imagelength), int(page.imagewidth)) for page in self.pages]
        if len(set(shapes)) > 1:
            sizes = ", ".join(f"{rows}×{columns}" for rows, columns in shapes)
            raise PixelError(f"its frames differ in size (rows × columns: {sizes})")
        if any(page.imagedepth > 1 for page in self.pages):
            raise PixelError("a page of it is a volume of several slices, expected flat pages")
        return shapes[0]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The dtype that holds the pixels of all pages.

        Raises
        ------
        PixelError
            A page has pixels of a kind that numpy has no dtype for.
        """
        for page in self.pages:
            if page.dtype is None:
                raise PixelError(f"its pixels are of an unknown kind ({page.bitspersample} bits per sample)")
        return np.result_type(*[page.dtype for page in self.pages])

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The file's own names of its planes, from OME-XML or ImageJ's labels.

        None where it does not name each, names two alike, or has other dimensions than channels.
        """
        file = self.pages[0].parent
        if file.is_ome:
            names = _ome_channels(file.ome_metadata or "")
        elif file.is_imagej:
            names = list((file.imagej_metadata or {}).get("Labels") or ())
        else:
            return None
        distinct = all(names) and len(set(names)) == len(names) == sum(self.samples)
        return tuple(name.strip() for name in names) if distinct else None

    def read(self, wanted: Sequence[int] | None) -> AnyArray:
        """Pixels (C, H, W) of the planes with these indices, of all for None, decoding only pages that are needed."""
        self.shape  # noqa: B018 - refuses pages of different size
        of_page = np.repeat(np.arange(len(self.samples)), self.samples)
        chosen = range(len(of_page)) if wanted is None else wanted
        frames = sorted({int(of_page[plane]) for plane in chosen})
        self._check_compression(frames)
        decoded = {frame: self._decode(frame) for frame in frames}
        first = np.searchsorted(of_page, np.arange(len(self.samples)))
        return np.stack([decoded[int(of_page[plane])][plane - int(first[of_page[plane]])] for plane in chosen])

    def _check_compression(self, frames: Sequence[int]) -> None:
        """Refuse pages of which the file holds too few bytes: also those that share their bytes."""
        check_stored([self.pages[frame // self.repeats] for frame in frames])

    def _decode(self, frame: int) -> AnyArray:
        """Pixels (samples, H, W) of one page."""
        page = self.pages[frame // self.repeats]
        if self.repeats > 1:
            handle = page.parent.filehandle
            handle.seek(page.dataoffsets[0] + (frame % self.repeats) * page.nbytes)
            pixels = handle.read_array(page.parent.byteorder + np.dtype(page.dtype).char, page.size).reshape(page.shape)
        else:
            pixels = _pixels(page)
        return samples_first(pixels, axes=page.axes)


@contextmanager
def open_tiff(path: str) -> Iterator[TiffPlanes]:
    """Open a TIFF file, check that it is whole, and give access to its planes.

    Palettes are not applied and inverted grey is not turned round: pixels are the numbers in the file, because
    microscopes and ImageJ use both for display only.

    Raises
    ------
    PixelError
        The file is cut short or damaged.
    Exception
        Whatever tifffile raises on a file that it cannot read.
    """
    with opened(path) as file:
        pages = _pages(file)
        _check_chain(file, pages)
        images = [page for page in pages if not page.is_reduced] or pages
        for number, page in enumerate(images):
            check_page(file, page, number=number)
        yield TiffPlanes(images, _repeats(file, images))


@contextmanager
def opened(path: str) -> Iterator[TiffFile]:
    """Open a TIFF file, of which nothing is checked yet; what tifffile logs of it is not shown.

    Raises
    ------
    Exception
        Whatever tifffile raises on a file that it cannot read.
    """
    token = _quiet.set(True)
    try:
        with TiffFile(path) as file:
            yield file
    finally:
        _quiet.reset(token)


def _ome_channels(text: str) -> list[str]:
    """Names of the channels in OME-XML; an empty text for one without a name."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - as tifffile itself does
    except ET.ParseError:
        return []
    return [element.get("Name", "") for element in root.iter() if element.tag.rpartition("}")[2] == "Channel"]


def _pages(file: TiffFile) -> list[TiffPage]:
    """List the pages, each of which tells where the next one is."""
    pages: dict[int, TiffPage] = {}
    for page in file.pages:
        if page.offset in pages:
            raise PixelError(f"its list of pages leads back from page {len(pages)} to an earlier one; it is damaged")
        if isinstance(page, TiffPage):
            pages[page.offset] = page
    return list(pages.values())


def _check_chain(file: TiffFile, pages: Sequence[TiffPage]) -> None:
    """Check that the list of pages ends where the file says it ends."""
    if not pages:
        raise PixelError("holds no page; the file is cut short or damaged")
    tiff, handle = file.tiff, file.filehandle
    handle.seek(pages[-1].offset)
    (tags,) = struct.unpack(tiff.tagnoformat, handle.read(tiff.tagnosize))
    handle.seek(pages[-1].offset + tiff.tagnosize + tags * tiff.tagsize)
    after = handle.read(tiff.offsetsize)
    if len(after) != tiff.offsetsize or any(after):
        raise PixelError(f"should go on after page {len(pages)} and does not; the file is cut short or damaged")


def check_page(file: TiffFile, page: TiffPage, *, number: int) -> None:
    """Check that the tags that decide about pixels are legible and all strips or tiles lie within the file.

    Raises
    ------
    PixelError
        They are not, or the page has no pixels, or more than are allowed.
    """
    check_pixels(page.imagelength, page.imagewidth)
    check_pixels(page.tilelength, page.tilewidth)
    tiff, handle = file.tiff, file.filehandle
    handle.seek(page.offset)
    (tags,) = struct.unpack(tiff.tagnoformat, handle.read(tiff.tagnosize))
    entries = handle.read(tags * tiff.tagsize)
    for start in range(0, len(entries), tiff.tagsize):
        (code,) = struct.unpack_from(tiff.byteorder + "H", entries, start)
        if code in DECISIVE_TAGS and code not in page.tags:
            raise PixelError(f"the tag {DECISIVE_TAGS[code]} of page {number + 1} is illegible; the file is damaged")
    if page.imagelength < 1 or page.imagewidth < 1:
        raise PixelError(f"page {number + 1} has no pixels ({page.imagelength}×{page.imagewidth})")
    if page.is_contiguous:
        segments = [(page.dataoffsets[0], page.nbytes)]
        expected = 1
    else:
        segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
        expected = math.prod(page.chunked)
    if len(segments) < expected:
        raise PixelError(f"page {number + 1} has {len(segments)} of {expected} pieces; the file is damaged")
    for offset, size in segments:
        if offset <= 0 or size <= 0:
            raise PixelError(f"a part of page {number + 1} was never written; the file is incomplete")
        if offset + size > handle.size:
            raise PixelError(
                f"the pixels of page {number + 1} reach to byte {offset + size}, the file ends at {handle.size}; it is "
                "cut short"
            )


def check_stored(pages: Sequence[TiffPage]) -> None:
    """Refuse pages of which the file holds too few bytes: also those that share their bytes.

    Raises
    ------
    PixelError
        Naming the key that allows more.
    """
    stored = sum(page.nbytes if page.is_contiguous else sum(page.databytecounts) for page in pages)
    check_compression(sum(map(_decoded_bytes, pages)), stored=min(stored, pages[0].parent.filehandle.size))


def decode_page(page: TiffPage) -> AnyArray:
    """Return the pixels (samples, H, W) of a page that was checked."""
    return samples_first(_pixels(page), axes=page.axes)


def samples_first(pixels: AnyArray, *, axes: str) -> AnyArray:
    """Turn pixels with these axes (YX, YXS or SYX) into (samples, H, W)."""
    if axes == "YX":
        return pixels[np.newaxis]
    return np.moveaxis(pixels, -1, 0) if axes == "YXS" else pixels


def _pixels(page: TiffPage) -> AnyArray:
    """Decode a page, of which only as much memory is known to be needed as its own header asks for.

    Compressions such as LERC have a header in every piece, which tifffile does not compare with the page's.
    """
    try:
        return page.asarray(maxworkers=1)
    except MemoryError as error:
        np.empty(2 * _decoded_bytes(page), dtype=np.uint8)  # a second MemoryError where memory is short indeed
        raise PixelError("a piece of it asks for far more memory than its page; the file is damaged") from error


def _decoded_bytes(page: TiffPage) -> int:
    """Bytes of a page's pixels; of tiles, which may reach beyond the image, those of all tiles."""
    if page.is_contiguous or not page.is_tiled:
        return int(page.nbytes)
    return math.prod(page.chunked) * math.prod(page.chunks) * np.dtype(page.dtype).itemsize


def _repeats(file: TiffFile, pages: Sequence[TiffPage]) -> int:
    """Images stored behind a single page, one after the other, as ImageJ writes files of more than 4 GiB."""
    page = pages[0]
    if len(pages) > 1 or not page.is_contiguous or not (page.is_imagej or page.is_shaped):
        return 1
    available = file.filehandle.size - page.dataoffsets[0]
    if page.is_imagej:
        announced = int((file.imagej_metadata or {}).get("images", 1))
    elif available >= 2 * page.nbytes:
        announced = int(np.prod(file.series[0].shape)) // page.size
    else:
        return 1
    if announced * page.nbytes > available:
        raise PixelError(f"announces {announced} images, the file ends before the last; it is cut short")
    return max(announced, 1)
