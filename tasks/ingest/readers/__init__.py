"""Readers: file formats and ways to lay images out in files. Importing this package registers them."""

from tasks.ingest.readers import image, multiframe_tiff, ragged_zarr, tiff_per_channel
from tasks.ingest.readers.base import get_reader, reader_names, register

__all__ = ["get_reader", "image", "multiframe_tiff", "ragged_zarr", "reader_names", "register", "tiff_per_channel"]
