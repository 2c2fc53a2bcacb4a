"""A part of a TIFF's page is that part of the whole."""

from pathlib import Path

import numpy as np
import tifffile

from tasks.core.transforms import PixelWindow
from tasks.ingest.readers.tiff import opened
from tasks.ingest.readers.tiff_region import read_page

UNKNOWN, FILL_ORDER = b"\xe8\xfd\x03\x00", b"\x0a\x01\x03\x00"
"""How entries of the tags 65000 and 266 begin, of type SHORT."""


def test_bits_that_are_stored_in_reverse_are_turned_round_in_a_part_too(tmp_path: Path) -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, extratags=[(65000, 3, 1, 2, True)], metadata=None)
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes().replace(UNKNOWN, FILL_ORDER))
    with opened(str(tmp_path / "a.tif")) as file:
        page = file.pages.first.aspage()
        whole, part = read_page(page, region=None), read_page(page, region=PixelWindow(2, 5, 1, 6))
    assert page.fillorder == 2
    assert whole[0, 0, 1] == 128
    np.testing.assert_array_equal(part, whole[:, 2:5, 1:6])
