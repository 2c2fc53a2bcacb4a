"""Exporter ``ome_zarr_labels``: exports/labels.zarr, for viewers that show parts of large images, such as napari."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tasks.core.exchange import everything, exchanged_folder
from tasks.core.file_names import EXPORTS_FOLDER
from tasks.core.published import Published
from tasks.core.storage import read_json
from tasks.core.types import AnyArray
from tasks.export.registry import ExportMethod, FeatureTable, exporters

MARK = "scip_flows"
"""Attribute of the store that tells that this program wrote it."""

PATH = f"{EXPORTS_FOLDER}/labels.zarr"

OME = "0.5"
"""Version of the specification, https://ngff.openmicroscopy.org/0.5/."""

WHOLE = 1024
"""Longest side, in pixels, of an image that is shown whole: larger ones have another of half the size beside them."""

CHUNK = 2048
"""Longest side of a chunk, which is a file."""


def _is_ours(path: Path) -> bool:
    try:
        return MARK in read_json(path / "zarr.json").get("attributes", {})
    except (OSError, ValueError):
        return False


LABEL_STORE = Published(path=PATH, is_ours=_is_ours)


class OmeZarrLabels(ExportMethod):
    """The label images of segmented fields in one store."""

    PUBLISHED: ClassVar[Published] = LABEL_STORE
    method: Literal["ome_zarr_labels"] = Field(
        default="ome_zarr_labels",
        description="The label images of segmented fields as OME-Zarr 0.5, exports/labels.zarr: a group per image with "
        "labels/<object> in it, large ones in several sizes. Of stamps nothing is written.",
    )


@exporters.register(OmeZarrLabels)
def write_labels(table: FeatureTable, output: Path, config: OmeZarrLabels) -> None:
    """Write a group per image, with ``labels/<object>`` in it; one image is held at a time.

    Raises
    ------
    RunError
        Another program's file has that name.
    """
    import tifffile
    import zarr

    target = output / PATH
    if table.labels is None:
        config.PUBLISHED.discard_stale(output, but=())
        return
    config.PUBLISHED.claim([target])
    with exchanged_folder(target, owns=everything) as folder:
        root = zarr.open_group(folder, mode="a", zarr_format=3, attributes={MARK: version("scip-flows")})
        for image, objects in table.labels():
            group = root.create_group(f"{image}/labels", attributes={"ome": {"version": OME, "labels": [*objects]}})
            for name, source in objects.items():
                _write_levels(group, name, tifffile.imread(source))


def _write_levels(parent: Any, name: str, labels: AnyArray) -> None:  # noqa: ANN401
    """Write a label image in ever smaller sizes, each of every other pixel of the one before.

    So labels stay labels, and a pixel lies where it was: that of row r of size n shows row r · 2ⁿ.
    """
    sizes = [labels]
    while max(sizes[-1].shape) > WHOLE:
        sizes.append(np.ascontiguousarray(sizes[-1][::2, ::2]))
    levels = [
        {"path": str(n), "coordinateTransformations": [{"type": "scale", "scale": [2.0**n, 2.0**n]}]}
        for n in range(len(sizes))
    ]
    axes = [{"name": name, "type": "space"} for name in "yx"]
    ome = {"version": OME, "image-label": {}, "multiscales": [{"name": name, "axes": axes, "datasets": levels}]}
    group = parent.create_group(name, attributes={"ome": ome})
    for level, size in zip(levels, sizes, strict=True):
        chunks = tuple(min(length, CHUNK) for length in size.shape)
        group.create_array(level["path"], data=size, chunks=chunks, dimension_names=("y", "x"))
