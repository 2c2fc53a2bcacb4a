"""Inputs that were once read wrongly."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tasks.core.types import AnyArray
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.listing import list_images
from tasks.ingest.load import load_images

PIXELS = np.random.default_rng(0).poisson(100, (2, 40, 40)).astype(np.uint16)


def read(folder: Path, *, channels: dict[str, str]) -> tuple[tuple[str, ...], list[AnyArray | None]]:
    config = Load.model_validate({"channels": channels})
    listing = list_images(
        [str(folder)], config=config, partition_size="auto", limit=None, seed=0, work=folder / "w"
    ).images
    references = build_index([folder], config=config).references
    return listing.channels.names, load_images(references, channels=listing.channels).images


@pytest.mark.parametrize(
    ("channels", "order"), [({"DNA": "DAPI", "ER": "GFP"}, [0, 1]), ({"ER": "GFP"}, [1]), ({}, [0, 1])]
)
def test_channel_names(tmp_path: Path, channels: dict[str, str], order: list[int]) -> None:
    """An OME-TIFF that names DAPI and GFP was said not to name its channels."""
    for number in range(3):
        tifffile.imwrite(
            tmp_path / f"c{number}.ome.tif",
            PIXELS + number,
            ome=True,
            photometric="minisblack",
            metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}},
        )
    names, images = read(tmp_path, channels=channels)
    assert names == (tuple(channels) or ("DAPI", "GFP"))
    for number, image in enumerate(images):
        np.testing.assert_array_equal(image, PIXELS[order] + number)
