"""The reader that ``auto`` chooses."""

import pytest

from tasks.ingest.readers.auto import choose_reader
from tasks.ingest.readers.base import Source

BY_CHANNEL = r"(?P<site>\d+)_(?P<channel>\w+)"


@pytest.mark.parametrize(
    ("name", "pattern", "reader"),
    [
        ("1_DNA.tif", None, "image"),
        ("1_DNA.tif", r"(?P<site>\d+)", "image"),
        ("1_DNA.TIFF", BY_CHANNEL, "tiff_per_channel"),
        ("1_DNA.png", None, "image"),
        ("1_overlay.png", BY_CHANNEL, None),
        ("notes.txt", None, None),
    ],
)
def test_the_reader_follows_from_suffix_and_pattern(name: str, pattern: str | None, reader: str | None) -> None:
    source = Source(path=f"/in/{name}", relative=f"in/{name}", size=1, mtime_ns=0)
    assert choose_reader(source, pattern=pattern) == reader
