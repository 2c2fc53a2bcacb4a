"""What the runs of all trials work on: real fields of nuclei, and a configuration of all stages but one.

The report is left out, which comes when all is published.
"""

import shutil
from pathlib import Path

import tifffile

CONFIG = """
load: {reader: image, channels: {DNA: 0}}
illumination: {method: polynomial, degree: 1, downscale: 8}
segment: {objects: {nucleus: {method: watershed, channel: DNA, diameter: 20}}}
quality:
  rules:
    - {metric: area, channel: DNA, threshold: {method: quantile, q: 0.05}}
    - {metric: mean, channel: DNA, keep: between, threshold: {method: mad, n: -4}, upper: {method: mad, n: 4}}
normalize: {method: quantile, lower: 0.01, upper: 0.99}
report: off
run: {partition_size: 4}
"""

SECONDS_PER_FIELD = 0.22
"""Of one core, in all tasks together, with what Prefect and Dask do for them in workers."""

SHAPE = (256, 256)
"""Fields of one size have one correction image: of a few dark ones the mean light is too little to divide by."""


def write_workload(folder: Path, *, data: Path, seconds: float) -> None:
    """Put fields, for so many seconds of work, and ``config.yaml`` into a folder.

    Parameters
    ----------
    folder
        Gets ``images/`` and ``config.yaml``; copies, so that all runs see the same modification times.
    data
        Folder of real images.
    seconds
        Of one core; there are fields for a minute.
    """
    (folder / "images").mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    fields = [
        path
        for path in sorted((data / "seg_dsb2018_train" / "images").glob("*.tif"))
        if tifffile.TiffFile(path).pages[0].shape == SHAPE
    ]
    for path in fields[: max(8, round(seconds / SECONDS_PER_FIELD))]:
        shutil.copyfile(path, folder / "images" / path.name)
