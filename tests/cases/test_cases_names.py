"""The case look_alike_names: every image has label files of its own, whatever its name and the file system."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.file_names import LONGEST, file_names
from tasks.core.layout import Layout
from tasks.core.partition_files import write_cells
from tasks.core.work import Stopwatch
from tasks.export.labels import publish_labels
from tasks.export.results import PartitionResults

CASE = ("t10:30", "t10+30", "a b #1", "x[1]", "50%25", "tab\tname", "neu\nline", "d'quote\"")
LAYOUT = Layout(channels=("DNA",), regions=("nucleus",), stamps=False, groups=(), numbered=False)

PARTS = st.text(
    st.sampled_from("aAbBßsſKIiıİéE\u0301가가Å\u212bσςΣ%0341 .:*+\"'\\\t\n~conCON.lpt1\ufb00"), min_size=1, max_size=6
)
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1)
NAMES = st.lists(st.lists(PARTS | ANY, min_size=1, max_size=2).map("/".join), unique=True, max_size=12)
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d) *(\..*)?", re.IGNORECASE)


@given(NAMES)
def test_names_differ_on_every_file_system(names: list[str]) -> None:
    made = file_names(names)
    assert len({unicodedata.normalize("NFC", name.upper().casefold()) for name in made}) == len(names)
    assert len({name.casefold() for name in made}) == len(names)
    assert len({name.upper() for name in made}) == len(names)


@given(NAMES)
def test_every_part_is_valid_on_every_file_system(names: list[str]) -> None:
    for given_name, name in zip(names, file_names(names), strict=True):
        assert name.count("/") == given_name.count("/")
        for part in name.split("/"):
            assert 0 < len(part.encode()) <= LONGEST
            assert not set(part) & set("<>:\"'`|?*\\")
            assert part.isprintable()
            assert part[-1] not in ". "
            assert part[0] != "."
            assert DEVICE.fullmatch(part) is None


def test_ordinary_names_stay_as_they_are() -> None:
    names = ["hcs/B07_3_DAPI.tif", "store.zarr#3", "a b #1.tif", "x[1].tif", "t10+30.tif", "Zürich/細胞 (2).tif"]
    assert file_names(names) == names


def test_names_too_long_for_a_file_system_are_cut_and_still_differ() -> None:
    long = ["ä" * 120 + end for end in ("1", "2")]
    first, second = file_names(long)
    assert first != second
    assert first.startswith("ä" * 50)


@pytest.fixture
def results(tmp_path: Path) -> PartitionResults:
    """Make the images of the case, the n-th with n + 1 cells."""
    rows = [{"meta__image": f"in/{name}.tif", "position": row, "status": "read"} for row, name in enumerate(CASE)]
    images = pl.DataFrame(rows, schema=LAYOUT.images() | {"position": pl.Int32()})
    labels = {(row, "nucleus"): np.full((2, 3), row + 1, dtype=np.int32) for row in range(len(CASE))}
    write_cells(tmp_path / "found", images=images, faults=[], cells=pl.DataFrame(schema=LAYOUT.cells()), labels=labels)
    return PartitionResults(number=0, cells=Stopwatch().result(str(tmp_path / "found"), run_id="test"))


def test_look_alike_names_have_label_files_of_their_own(results: PartitionResults, tmp_path: Path) -> None:
    assert len(publish_labels(tmp_path, partitions=[results], layout=LAYOUT)) == len(CASE)
    written = {path.name: int(tifffile.imread(path).max()) for path in (tmp_path / "labels").rglob("*.tif")}
    assert written == {
        f"{name}.tif.nucleus.tif": row + 1
        for row, name in enumerate(
            ["t10%3A30", "t10+30", "a b #1", "x[1]", "50%2525", "tab%09name", "neu%0Aline", "d%27quote%22"]
        )
    }
