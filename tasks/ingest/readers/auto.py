"""Choosing the reader of a source by its name."""

import re

from tasks.ingest.readers.base import CHANNEL_GROUP, TIFF_SUFFIXES, Source, get_reader


def choose_reader(source: Source, *, pattern: str | None) -> str | None:
    """Name of the reader that suits a source; None where no reader does.

    - a store of ragged stamps: ``ragged_zarr``;
    - with a group ``channel`` in the pattern: ``tiff_per_channel`` for TIFF files, and none for other pictures, which
      are overlays and the like;
    - any other picture: ``image``, which makes the pages of a TIFF its channels just as ``multiframe_tiff`` does, so
      that no file has to be opened to tell the two apart.
    """
    if source.store:
        return "ragged_zarr" if get_reader("ragged_zarr").accepts(source) else None
    if pattern is not None and CHANNEL_GROUP in re.compile(pattern).groupindex:
        return "tiff_per_channel" if source.suffix in TIFF_SUFFIXES else None
    return "image" if get_reader("image").accepts(source) else None
