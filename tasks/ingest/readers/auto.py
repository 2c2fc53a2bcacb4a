"""Choosing the reader of a source by its name."""

import re

from tasks.ingest.readers.base import CHANNEL_GROUP, Source, readers


def choose_reader(source: Source, *, pattern: str | None) -> str | None:
    """Name of the reader that suits a source, of several the first by name; None where none does."""
    by_channel = pattern is not None and CHANNEL_GROUP in re.compile(pattern).groupindex
    return next((name for name in readers.names if readers[name].suits(source, by_channel=by_channel)), None)
