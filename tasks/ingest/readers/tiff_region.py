"""A part of a TIFF's page, of which only those strips or tiles are decoded that it lies in."""

from collections.abc import Iterator

import numpy as np
from tifffile import TiffPage

from tasks.core.errors import PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray
from tasks.ingest.limits import check_compression
from tasks.ingest.readers.base import checked_region
from tasks.ingest.readers.tiff import check_stored, decode_page


def read_page(page: TiffPage, *, region: PixelWindow | None) -> AnyArray:
    """Return the pixels (samples, rows, columns) of a part of a page that was checked; None: of all of it.

    Raises
    ------
    PixelError
        The window does not lie within the page, or the file holds too few bytes for so many pixels.
    Exception
        Whatever a decoder raises on damaged bytes.
    """
    height, width = int(page.imagelength), int(page.imagewidth)
    window = checked_region(region, height=height, width=width)
    top, bottom, left, right = window
    if (bottom - top, right - left) == (height, width):
        check_stored([page])
        return decode_page(page)
    if page.is_contiguous and page.fillorder == 1:
        return _rows(page, top=top, bottom=bottom)[:, :, left:right].copy()
    out = np.zeros((int(page.samplesperpixel), bottom - top, right - left), dtype=page.dtype)
    for segment, (sample, row, column) in _segments(page, region=window):
        samples, rows, columns = segment.shape
        first, last = max(row, top), min(row + rows, bottom)
        begin, end = max(column, left), min(column + columns, right)
        out[sample : sample + samples, first - top : last - top, begin - left : end - left] = segment[
            :, first - row : last - row, begin - column : end - column
        ]
    return out


def _rows(page: TiffPage, *, top: int, bottom: int) -> AnyArray:
    """Read some rows (samples, rows, columns) of pixels that lie in the file as they are, all in one place."""
    samples, width = int(page.samplesperpixel), int(page.imagewidth)
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    handle = page.parent.filehandle

    def read(first: int, count: int) -> AnyArray:
        handle.seek(page.dataoffsets[0] + first * dtype.itemsize)
        pixels: AnyArray = handle.read_array(dtype, count)
        return pixels

    if page.axes == "SYX":
        size = int(page.imagelength) * width
        planes = [read(sample * size + top * width, (bottom - top) * width) for sample in range(samples)]
        return np.stack(planes).reshape(samples, bottom - top, width)
    pixels = read(top * width * samples, (bottom - top) * width * samples)
    return np.moveaxis(pixels.reshape(bottom - top, width, samples), -1, 0)


def _segments(page: TiffPage, *, region: PixelWindow) -> Iterator[tuple[AnyArray, tuple[int, int, int]]]:
    """Yield the strips or tiles (samples, rows, columns) that a window lies in, and where each begins."""
    top, bottom, left, right = region
    length, width = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    down, across = -(-page.imagelength // length), -(-page.imagewidth // width)
    layers = page.samplesperpixel if page.axes == "SYX" else 1
    tile_bytes = length * width * page.samplesperpixel // layers * np.dtype(page.dtype).itemsize
    handle = page.parent.filehandle
    for layer in range(layers):
        for row in range(top // length, -(-bottom // length)):
            for column in range(left // width, -(-right // width)):
                number = (layer * down + row) * across + column
                size = page.databytecounts[number]
                check_compression(tile_bytes, stored=size)
                handle.seek(page.dataoffsets[number])
                segment, position, _ = page.decode(handle.read(size), number, jpegtables=page.jpegtables)
                if segment is None:
                    raise PixelError(f"a part of it at row {row * length}, column {column * width} was never written")
                yield np.moveaxis(segment[0], -1, 0), (position[0], position[2], position[3])
