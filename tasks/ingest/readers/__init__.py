"""Readers: file formats and ways to lay images out in files, one per file."""

from tasks.ingest.readers.base import get_reader, reader_names, readers, register

__all__ = ["get_reader", "reader_names", "readers", "register"]
