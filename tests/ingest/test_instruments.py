"""Names of files that instruments write are recognised, and no others."""

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.instruments import INSTRUMENTS, recognise
from tasks.ingest.listing import list_images
from tasks.ingest.load import load_images
from tasks.ingest.readers.base import Source
from tasks.ingest.references import from_frame

GUID = "E5A6D08C-AF44-4CA9-A6E8-7DC9BC9565F2"
NAMES = [
    ("Harmony", "r03c04f05p01-ch2sk1fk1fl1.tiff", "plate x, row 03, column 04, site 05, z 01, channel 2, time 1"),
    (
        "Harmony",
        "P/Images/r03c04f05p01-ch2sk1fk1fl1.tiff",
        "plate P, row 03, column 04, site 05, z 01, channel 2, time 1",
    ),
    ("MetaXpress", "TimePoint_2/p_B02_w1.TIF", "time 2, plate p, well B02, channel 1"),
    ("MetaXpress", "TimePoint_2/ZStep_3/p_B02_w1.TIF", "time 2, z 3, plate p, well B02, channel 1"),
    ("MetaXpress", f"2023-02-21/1334/a_b_E07_s2_w3{GUID}.tif", "plate a_b, well E07, site 2, channel 3"),
    ("MetaXpress", "p_B02_w1.TIF", "plate p, well B02, channel 1"),
    ("MetaXpress", f"ZStep_12/p_E07_s1_w1{GUID}.tif", "z 12, plate p, well E07, site 1, channel 1"),
    ("CellVoyager", "p_B02_T0001F003L01A02Z04C05.tif", "plate p, well B02, time 0001, site 003, z 04, channel 05"),
    ("IN Cell", "A - 1(fld 2 wv DAPI - DAPI).tif", "plate x, row A, column 1, site 2, channel DAPI - DAPI"),
    ("IN Cell", "H - 12(fld 01 wv Cy3 z 3).tif", "plate x, row H, column 12, site 01, channel Cy3, z 3"),
    ("HCS Studio", "AS_09125_D03f00d2.tif", "plate AS_09125, well D03, site 00, channel 2"),
]


def source(name: str) -> Source:
    return Source(path=f"/x/{name}", relative=f"x/{name}", size=1, mtime_ns=1)


@pytest.mark.parametrize(("instrument", "name", "groups"), NAMES)
def test_every_instruments_names_tell_what_they_should(instrument: str, name: str, groups: str) -> None:
    recognised = recognise([source(name), source(name)])
    assert recognised is not None
    assert recognised[0].startswith(instrument)
    match = re.search(recognised[1], f"x/{name}")
    assert match is not None
    assert ", ".join(f"{key} {value}" for key, value in match.groupdict().items() if value is not None) == groups


@pytest.mark.parametrize("name", [name for _, name, _ in NAMES])
def test_no_name_is_of_two_instruments(name: str) -> None:
    assert sum(any(re.search(pattern, f"x/{name}") for pattern in own.patterns) for own in INSTRUMENTS) == 1


@pytest.mark.parametrize(
    "names",
    [
        ["a.tif", "b.tif"],
        ["cell_0001.tif"],
        ["p_D03f00d0.tif", "p_D03f00d1.tif", "note.tif"],
        ["p_D03f00d0.tif", "r03c04f05p01-ch2sk1fk1fl1.tiff"],
        ["p_D03f00d0.png", "p_D03f00d1.png"],
        ["plate_E07_s1_w1_thumb.tif", "plate_E07_s1_w2_thumb.tif"],
    ],
)
def test_other_names_are_left_as_they_are(names: list[str]) -> None:
    assert recognise([source(name) for name in names]) is None


def test_a_pattern_or_a_reader_of_the_configuration_goes_first(tmp_path: Path) -> None:
    for channel in (0, 1):
        tifffile.imwrite(tmp_path / f"p_D03f00d{channel}.tif", np.full((4, 5), channel, np.uint8))
    assert len(build_index([tmp_path], config=Load()).references) == 1
    assert len(build_index([tmp_path], config=Load(reader="image")).references) == 2
    assert len(build_index([tmp_path], config=Load(pattern=r"d(?P<number>\d)")).references) == 2


@pytest.mark.parametrize(
    ("folders", "name"),
    [
        (("A/Images", "B/Images"), "r03c04f05p01-ch{}sk1fk1fl1.tiff"),
        (("A", "B"), "A - 1(fld 2 wv {}).tif"),
        (("TimePoint_1", "TimePoint_2"), "p_B02_s1_w{}.TIF"),
    ],
)
def test_plates_and_time_points_in_folders_are_images_of_their_own(
    tmp_path: Path, folders: tuple[str, str], name: str
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        for channel in (1, 2):
            tifffile.imwrite(tmp_path / folder / name.format(channel), np.full((4, 5), channel, np.uint8))
    index = build_index([tmp_path], config=Load())
    assert index.instrument
    assert [len(reference.paths) for reference in index.references] == [2, 2]


def test_a_real_imagexpress_plate_gives_its_projections(data_root: Path) -> None:
    listing = list_images(
        [str(data_root / "hcs_imagexpress")], config=Load(), partition_size=1, limit=None, seed=0, work=Path("/w/work")
    )
    images, references = listing.images, from_frame(listing.index)
    assert images.instrument == "MetaXpress (ImageXpress)"
    assert images.groups == ("plate", "well", "site")
    assert [each.metadata for each in references] == [
        {"plate": "Projection-Mix", "well": "E07", "site": site} for site in ("1", "2")
    ]
    assert images.channels.names == ("1", "2", "3")
    assert not any("ZStep" in path or "thumb" in path for each in references for path in each.paths)
    for own, reference in zip(load_images(references, channels=images.channels).images, references, strict=True):
        np.testing.assert_array_equal(own, np.stack([tifffile.imread(path) for path in reference.paths]))


@pytest.mark.parametrize(
    ("folder", "instrument", "channels"),
    [
        ("hcs_examplehuman", "HCS Studio (Cellomics ArrayScan)", ("0", "1", "2")),
        ("hcs_cellpainting6ch/images/orig", "Harmony (Operetta, Opera Phenix)", tuple("123456")),
    ],
)
def test_other_real_plates_are_recognised(
    data_root: Path, folder: str, instrument: str, channels: tuple[str, ...]
) -> None:
    listing = list_images(
        [str(data_root / folder)], config=Load(), partition_size=1, limit=None, seed=0, work=Path("/w/work")
    )
    assert (listing.images.instrument, listing.images.channels.names) == (instrument, channels)
    assert listing.images.images == 1
