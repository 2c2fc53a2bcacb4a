"""The reader that ``auto`` chooses, of the project's own and of an added one."""

from dataclasses import dataclass

import pytest

from tasks.ingest.readers.auto import choose_reader
from tasks.ingest.readers.base import Source, readers
from tasks.ingest.readers.multiframe_tiff import MultiframeTiffReader

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


def test_a_reader_that_is_added_is_chosen_for_what_it_suits(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class CellReader(MultiframeTiffReader):
        name: str = "cell"

        def suits(self, source: Source, *, by_channel: bool) -> bool:
            del by_channel
            return source.suffix == ".cell"

    monkeypatch.setattr(readers, "_parts", {name: readers[name] for name in readers.names})
    readers.add("cell", CellReader())
    source = Source(path="/in/1.cell", relative="in/1.cell", size=1, mtime_ns=0)
    assert choose_reader(source, pattern=BY_CHANNEL) == "cell"
