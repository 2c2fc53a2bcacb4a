"""Readers: file formats and ways to lay images out in files, one per file."""

from tasks.ingest.readers.base import readers, register

__all__ = ["readers", "register"]
