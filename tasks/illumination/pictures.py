"""One correction image as a file: for the program, for other programs, and to look at."""

import json
from collections.abc import Sequence
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from tasks.core.digest import pixel_digest
from tasks.illumination.correction import Correction
from tasks.illumination.files import CORRECTION, OFFSET

SOFTWARE = "scip-flows"
TIFF, PICTURE = "correction.tif", "correction.png"
MOST_PICTURED, A_ROW = 40, 4
INCHES, DOTS_PER_INCH = 3.0, 90


def write_correction(
    folder: Path, correction: Correction, *, channels: Sequence[str], title: str, offset: float = 0.0
) -> None:
    """Write a correction image, (C, H, W), in three forms, and its offset.

    ``correction.npy`` is what the program maps into memory, ``correction.tif`` the same numbers as float32 OME-TIFF
    with a page per channel, ``correction.png`` a picture of the first 40 channels with their scales.
    """
    import tifffile

    np.save(folder / CORRECTION, correction)
    (folder / OFFSET).write_text(json.dumps(offset), encoding="utf-8")
    tifffile.imwrite(
        folder / TIFF,
        correction,
        ome=True,
        metadata={"axes": "CYX", "Channel": {"Name": list(channels)}, "UUID": _uuid(correction)},
        compression="zlib",
        predictor=True,
        photometric="minisblack",
        software=SOFTWARE,
    )
    _draw(folder / PICTURE, correction, channels=channels, title=title)


def read_tiff(path: Path) -> Correction:
    """Read a correction image back, (C, H, W)."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        pages = [page.asarray() for page in file.pages]
    return np.stack(pages).astype(np.float32)


def _uuid(correction: Correction) -> str:
    """Return an identifier that OME wants, and that is the same whenever the image is."""
    return uuid5(NAMESPACE_OID, pixel_digest(correction)).urn


def _draw(path: Path, correction: Correction, *, channels: Sequence[str], title: str) -> None:
    from matplotlib.figure import Figure

    pictured = min(len(channels), MOST_PICTURED)
    columns = min(pictured, A_ROW)
    rows = -(-pictured // columns)
    figure = Figure(figsize=(1.15 * INCHES * columns, INCHES * rows + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=9)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, plane, channel in zip(axes[:pictured], correction, channels, strict=False):
        picture = axis.imshow(plane, cmap="viridis", interpolation="nearest")
        axis.set_title(channel, fontsize=8)
        figure.colorbar(picture, ax=axis, shrink=0.8).ax.tick_params(labelsize=6)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": SOFTWARE})
