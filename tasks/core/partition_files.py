"""The files that masking and segmentation leave of one partition, read by all later stages.

``images.parquet`` (Layout.images), ``cells.parquet`` (Layout.cells), where there are any ``children.parquet``
(Layout.child_table) and ``faults.parquet`` (FAULTS) and, of fields, two label images per object in ``labels/``: of what
was kept, and of what was left out, at the border or as a child without a cell.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from tasks.core.decision import KEPT, QualityDecision
from tasks.core.errors import Fault
from tasks.core.file_names import CELLS, CHILDREN, FAULTS, IMAGES, METRICS
from tasks.core.layout import FAULTS as FAULT_COLUMNS
from tasks.core.layout import Layout
from tasks.core.storage import read_table
from tasks.core.types import AnyArray, Children, LabelArray
from tasks.core.work import PROVISIONAL, StageResult, result_folder

LABEL_SOFTWARE = "scip-flows"
"""TIFF tag Software of label images; tells them from files that somebody else put beside them."""

BORDER = ".border"
"""Follows an object's name in that of the label image of what was left out; no object's has a dot."""


def fault_table(faults: Iterable[Fault], *, groups: Sequence[str] = ()) -> pl.DataFrame:
    """Table faults, a row each; with `groups` also the columns ``meta__<group>``, null where the path tells nothing."""
    rows = [
        (fault.image, fault.stage, fault.error, fault.message, *(fault.metadata.get(group) for group in groups))
        for fault in faults
    ]
    return pl.DataFrame(rows, schema=FAULT_COLUMNS | {f"meta__{group}": pl.String() for group in groups}, orient="row")


def write_faults(folder: Path, faults: pl.DataFrame) -> None:
    """Write a table of faults into a result's folder, if there are any: hardly any partition has one."""
    if len(faults):
        faults.write_parquet(folder / FAULTS)


def read_faults(result: StageResult) -> pl.DataFrame:
    """Read the faults that a task met."""
    path = result.file(FAULTS)
    return read_table(path) if path.exists() else fault_table([])


def in_table_order(faults: Iterable[Fault], *, images: pl.DataFrame) -> list[Fault]:
    """Sort faults as the column ``meta__image`` of a table has their images, whatever the order of reading."""
    order = {image: row for row, image in enumerate(images["meta__image"].unique(maintain_order=True))}
    return sorted(faults, key=lambda fault: order[fault.image])


def write_cells(
    folder: Path,
    *,
    images: pl.DataFrame,
    faults: Sequence[Fault],
    cells: pl.DataFrame,
    labels: Mapping[tuple[int, str], AnyArray] | None = None,
) -> dict[str, int]:
    """Write what was found in a partition, whole or not at all, and count it.

    Parameters
    ----------
    labels
        Label images by position in the partition and object name, with and without `BORDER`.
    """
    with result_folder(folder) as temporary:
        write_labels(temporary, labels or {})
        return write_cell_tables(temporary, images=images, faults=faults, cells=cells)


def write_labels(folder: Path, labels: Mapping[tuple[int, str], AnyArray]) -> None:
    """Write label images, by position in the partition and object name, into a result's folder."""
    import tifffile

    for (position, name), image in labels.items():
        path = label_path(folder, position=position, name=name)
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, compact(image), compression="zlib", software=LABEL_SOFTWARE)


def write_cell_tables(
    folder: Path,
    *,
    images: pl.DataFrame,
    faults: Sequence[Fault],
    cells: pl.DataFrame,
    children: pl.DataFrame | None = None,
) -> dict[str, int]:
    """Write the tables of a partition into a result's folder, and count images and cells."""
    set_aside = fault_table(in_table_order(faults, images=images))
    images = images.drop("cells").join(
        cells.group_by("position").len("cells"), on="position", how="left", maintain_order="left"
    )
    images = images.with_columns(
        pl.col("cells").fill_null(0).cast(pl.Int32),
        pl.when(pl.col("meta__image").is_in(set_aside["meta__image"].implode()))
        .then(pl.lit("quarantined"))
        .otherwise("status")
        .alias("status"),
    )
    images.write_parquet(folder / IMAGES)
    write_faults(folder, set_aside)
    cells.write_parquet(folder / CELLS, compression="zstd")
    if children is not None:
        children.write_parquet(folder / CHILDREN, compression="zstd")
    if not all(fault.settled for fault in faults):
        (folder / PROVISIONAL).touch()
    return {"images": len(images), "quarantined": len(set_aside), "cells": len(cells)} | dict(
        cells["status"].value_counts().rows()
    )


def kept_cells(cells: StageResult, *, metrics: StageResult | None, decision: QualityDecision) -> pl.DataFrame:
    """Read the cells of a partition that are kept after the quality decision.

    Parameters
    ----------
    cells
        What masking or segmentation wrote.
    metrics
        The cells' quality metrics, where the decision has rules.
    """
    table = read_table(cells.file(CELLS))
    looked_at = table if metrics is None else read_table(metrics.file(METRICS))
    statuses = decision.statuses(looked_at, table["status"].to_list())
    return table.filter(pl.Series(statuses, dtype=pl.String) == KEPT)


def compact(labels: AnyArray) -> AnyArray:
    """Labels as they are stored: uint16, int32 where that is too small."""
    return labels.astype(np.uint16 if labels.max(initial=0) < 2**16 else np.int32, copy=False)


def label_path(folder: Path, *, position: int, name: str) -> Path:
    """Name the label image of an object in the image at a position of its partition."""
    return folder / "labels" / f"{position:05d}.{name}.tif"


def read_labels(folder: Path, *, position: int, name: str) -> LabelArray:
    """Read a label image back, (H, W) int32."""
    import tifffile

    with tifffile.TiffFile(label_path(folder, position=position, name=name)) as file:
        labels: LabelArray = file.asarray().astype(np.int32)
    return labels


def read_objects(folder: Path, *, position: int, names: Sequence[str]) -> dict[str, LabelArray]:
    """Read the labels of each object of a field, (H, W) int32: of all that was found, kept or left out."""
    own, border = (
        [read_labels(folder, position=position, name=name + suffix) for name in names] for suffix in ("", BORDER)
    )
    return {name: labels + border_labels for name, labels, border_labels in zip(names, own, border, strict=True)}


def read_children(folder: Path, *, position: int, table: pl.DataFrame, layout: Layout) -> tuple[Children, ...]:
    """Read the children of each kind in a field; `table` is the partition's table of children."""
    names = [child.name for child in layout.children]
    objects = read_objects(folder, position=position, names=names)
    own = table.filter(pl.col("position") == position).sort("meta__object")
    parents = (own.filter(pl.col("meta__object_name") == name)["meta__parent"] for name in names)
    return tuple(
        Children(name=name, labels=objects[name], parents=numbers.fill_null(0).to_numpy())
        for name, numbers in zip(names, parents, strict=True)
    )
