"""z-stacks of a real plate go through the pipeline as the images that somebody projected beforehand."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from polars.testing import assert_frame_equal

from flows.config import parse_config
from flows.preprocess import preprocess
from tasks.core.errors import InputError

pytestmark = pytest.mark.usefixtures("prefect_api")

STACKS = r"(?P<well>[A-H]\d+)_s(?P<site>\d+)_w(?P<channel>[12])[0-9A-F]{8}-"
SECTIONS: dict[str, Any] = {
    "segment": {"border": "keep", "objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 40}}},
    "features": {"families": ["shape", "intensity"], "dtype": "float64"},
}


def run(inputs: Path, output: Path, *, scheduler: str, pattern: str, **sections: object) -> pl.DataFrame:
    load = {"reader": "tiff_per_channel", "pattern": pattern, "channels": {"DNA": "1", "actin": "2"}}
    config = parse_config({"load": load, **SECTIONS, **sections})
    preprocess(config=config, inputs=[str(inputs)], output=str(output), cluster=scheduler)
    return pl.read_parquet(output / "features" / "part-*.parquet")


def test_stacks_are_measured_as_their_projections(data_root: Path, scheduler: str, tmp_path: Path) -> None:
    plate = data_root / "hcs_imagexpress" / "ImageXpress"
    pattern = r"ZStep_(?P<z>\d+)/.*_" + STACKS
    with pytest.raises(InputError, match="the images are z-stacks of 4 planes; add project"):
        run(plate, tmp_path / "none", scheduler=scheduler, pattern=pattern)
    blocks = run(plate, tmp_path / "stacks", scheduler=scheduler, pattern=pattern, project={"method": "max"})

    flat = tmp_path / "flat"
    flat.mkdir()
    for site in "12":
        for channel in "12":
            planes = sorted(plate.rglob(f"ZStep_*/*_E07_s{site}_w{channel}????????-*.tif"))
            assert len(planes) == 4
            largest = np.max([tifffile.imread(plane) for plane in planes], axis=0)
            tifffile.imwrite(flat / f"x_E07_s{site}_w{channel}00000000-.tif", largest, photometric="minisblack")
    images = run(flat, tmp_path / "images", scheduler=scheduler, pattern=STACKS)
    assert len(blocks) == 10
    assert_frame_equal(blocks.drop("meta__image"), images.drop("meta__image"), check_exact=True)
