"""The reader aicsimageio, whose library has an environment of its own: it needs older versions of what bioio needs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.ingest.config import Load
from tasks.ingest.library.client import library
from tasks.ingest.listing import ImageListing, list_images
from tasks.ingest.load import read_planes
from tasks.ingest.references import from_frame
from tests.chaos.fuzz import fuzz

pytestmark = pytest.mark.slow

PACKAGES = ("aicsimageio==4.14.0", "aicspylibczi>=3.1.1,<4", "numcodecs<0.16", "numpy<2")
"""As docs/formats.md says."""

ONLY_BIOIO = {"acquired", "objective", "stage_x", "stage_y", "stage_z"}
"""What aicsimageio does not tell."""


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", *PACKAGES], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCIP_AICSIMAGEIO_PYTHON", str(folder / "bin" / "python"))
        library.cache_clear()
        yield
    library.cache_clear()


def listed(path: Path, *, reader: str) -> ImageListing:
    config = Load(reader=reader)
    return list_images([str(path)], config=config, partition_size=1, limit=None, seed=0, work=Path("/w/work"))


@pytest.mark.parametrize(
    ("path", "reader"),
    [
        ("czi/CD_s_1_t_3_c_2_z_5.czi", "bioio"),
        ("czi/mosaic_test.czi", "bioio"),
        ("czi/newCZI_compressed.czi", "bioio"),
        ("ometiff/celldivision_TZCYX.ome.tif", "ome_tiff"),
    ],
)
def test_pixels_and_what_is_known_are_those_of_the_other_reader(path: str, reader: str, data_root: Path) -> None:
    ours, other = listed(data_root / path, reader="aicsimageio"), listed(data_root / path, reader=reader)
    assert ours.images.channels == other.images.channels
    for own, expected in zip(from_frame(ours.index), from_frame(other.index), strict=True):
        assert (own.image, own.depth) == (expected.image, expected.depth)
        known = {
            name: value for name, value in (expected.metadata | expected.measures).items() if name not in ONLY_BIOIO
        }
        assert own.metadata | own.measures == pytest.approx(known)
        for plane, theirs in zip(
            read_planes(own, channels=ours.images.channels),
            read_planes(expected, channels=other.images.channels),
            strict=True,
        ):
            np.testing.assert_array_equal(plane, theirs)


@pytest.mark.chaos
def test_damaged_files_are_read_or_quarantined(data_root: Path) -> None:
    del data_root
    outcomes = fuzz("aicsimageio", files=30, seed=0)
    assert outcomes.bad == []
    assert outcomes.counts["read"] > 0
