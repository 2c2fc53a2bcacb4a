"""The table of cells found in a partition: a row per cell, with its masks where it is a stamp.

Written by the mask and segment stages, read by all later ones; its columns are `Layout.cells`. Masks are stored as
bits, rows packed end to end, most significant bit first.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tasks.core.kernels.windows import label_boxes
from tasks.core.layout import BOX, Layout
from tasks.core.regions import COMBINED, region_pair
from tasks.core.types import BoolArray, FloatArray, IntArray, LabelArray, MaskResult, Ragged, Region, Segmentation


def pack(masks: Ragged) -> list[bytes]:
    """Pack each cell's bool planes into bits."""
    return [np.packbits(mask).tobytes() for mask in masks.unstack()]


def unpack(packed: Sequence[bytes], *, shapes: IntArray, n_channels: int) -> Ragged:
    """Undo `pack`."""
    flat = [
        np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=n_channels * int(height) * int(width)).astype(bool)
        for bits, (height, width) in zip(packed, shapes, strict=True)
    ]
    return Ragged(flat=np.concatenate(flat) if flat else np.zeros(0, dtype=bool), shapes=shapes, n_channels=n_channels)


def stamp_cells(images: pl.DataFrame, *, masked: Sequence[MaskResult], layout: Layout) -> pl.DataFrame:
    """Table the stamps of one batch.

    A stamp is kept if any mask keeps it; else its status is the first mask's. Its centroid is that of the combined
    mask of the first mask that keeps it, NaN where there is none.

    Parameters
    ----------
    images
        A row per stamp: `Layout.image_meta` and ``position``.
    masked
        What each mask method found, in configured order.
    """
    columns: dict[str, pl.Series] = {"meta__object": pl.Series([1] * len(images))}
    statuses = np.stack([mask.status for mask in masked])
    keeps = statuses == "kept"
    first = np.argmax(keeps, axis=0)
    columns["status"] = pl.Series(np.where(keeps.any(axis=0), "kept", statuses[0]).tolist(), dtype=pl.String)
    combined = [mask.combined.unstack() for mask in masked]
    centroids = np.array([centroid(combined[choice][row][0]) for row, choice in enumerate(first)])
    columns["meta__centroid_row"], columns["meta__centroid_col"] = map(pl.Series, centroids.T)
    for mask in masked:
        columns |= _mask_columns(mask, channels=layout.channels)
    return images.with_columns(**columns).select(pl.col(name).cast(dtype) for name, dtype in layout.cells().items())


def _mask_columns(masked: MaskResult, *, channels: Sequence[str]) -> dict[str, pl.Series]:
    name, kept, masks = masked.name, masked.status == "kept", masked.masks.unstack()
    columns = {f"status__{name}": pl.Series(masked.status.tolist(), dtype=pl.String)}
    columns |= _box_columns(masked.box, name=name)
    for number, channel in enumerate(channels):
        columns[f"meta__regions__{name}__{channel}"] = pl.Series(masked.n_components[:, number])
        valid = [bool(keep and mask[number].any()) for keep, mask in zip(kept, masks, strict=True)]
        columns[f"meta__valid__{name}__{channel}"] = pl.Series(valid, dtype=pl.Boolean)
        columns[f"background__{name}__{channel}"] = pl.Series(masked.background[:, number])
        columns[f"background__{name}{COMBINED}__{channel}"] = pl.Series(masked.combined_background[:, number])
    columns[f"mask__{name}"] = pl.Series(pack(masked.masks), dtype=pl.Binary)
    columns[f"combined__{name}"] = pl.Series(pack(masked.combined), dtype=pl.Binary)
    return columns


def stamp_regions(
    cells: pl.DataFrame, *, name: str, channels: Sequence[str], shapes: IntArray
) -> tuple[Region, Region]:
    """Read back one mask's own and combined regions of the stamps in `cells`."""
    return region_pair(
        name,
        masks=unpack(cells[f"mask__{name}"].to_list(), shapes=shapes, n_channels=len(channels)),
        background=_backgrounds(cells, region=name, channels=channels),
        combined=unpack(cells[f"combined__{name}"].to_list(), shapes=shapes, n_channels=1),
        combined_background=_backgrounds(cells, region=name + COMBINED, channels=channels),
    )


def _backgrounds(cells: pl.DataFrame, *, region: str, channels: Sequence[str]) -> FloatArray:
    return cells.select(f"background__{region}__{channel}" for channel in channels).to_numpy().astype(np.float64)


def field_cells(image: pl.DataFrame, *, segmented: Segmentation, layout: Layout) -> pl.DataFrame:
    """Table the cells of one field: those of the label images, then those left out at the border.

    Parameters
    ----------
    image
        One row: `Layout.image_meta` and ``position``.
    segmented
        The field's objects.
    """
    objects = segmented.all_labels
    main = objects[layout.regions[0]]
    numbers = np.unique(main[main > 0])
    at_border = np.isin(numbers, segmented.border[layout.regions[0]])
    columns: dict[str, pl.Series] = {
        "meta__object": pl.Series(numbers),
        "status": pl.Series(np.where(at_border, "border", "kept").tolist(), dtype=pl.String),
    }
    columns |= _centroid_columns(main, numbers)
    for name in layout.regions:
        boxes = label_boxes(objects[name], numbers)
        columns |= _box_columns(boxes, name=name)
        valid = pl.Series((boxes[:, 2] > 0) & ~at_border, dtype=pl.Boolean)
        columns |= {f"meta__valid__{name}__{channel}": valid for channel in layout.channels}
    return _rows(image, columns=columns, schema=layout.cells())


def field_children(image: pl.DataFrame, *, segmented: Segmentation, layout: Layout) -> pl.DataFrame:
    """Table the children of one field, kind by kind: those of the label images, then those left out.

    The status of a child is that of its cell as it was segmented, ``no_parent`` where it lies in none.

    Parameters
    ----------
    image, segmented
        As of `field_cells`.
    """
    tables = [pl.DataFrame(schema=layout.child_table())]
    for child in layout.children:
        labels, parents = segmented.all_labels[child.name], segmented.parents[child.name]
        numbers = np.arange(1, len(parents) + 1)
        kept = numbers <= segmented.labels[child.name].max(initial=0)
        status = np.where(kept, "kept", np.where(parents > 0, "border", "no_parent"))
        columns: dict[str, pl.Series] = {
            "meta__object": pl.Series(numbers),
            "meta__object_name": pl.Series([child.name] * len(numbers), dtype=pl.String),
            "meta__parent": pl.Series([int(own) or None for own in parents], dtype=pl.Int32),
            "status": pl.Series(status.tolist(), dtype=pl.String),
        }
        columns |= _centroid_columns(labels, numbers) | _box_columns(label_boxes(labels, numbers), name=child.name)
        schema = {name: dtype for name, dtype in layout.child_table().items() if name in columns or name in image}
        tables.append(_rows(image, columns=columns, schema=schema))
    return pl.concat(tables, how="diagonal")


def _rows(image: pl.DataFrame, *, columns: dict[str, pl.Series], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Repeat an image's row for each of its objects."""
    count = len(columns["meta__object"])
    rows = image[np.zeros(count, dtype=np.int64)]
    return rows.with_columns(**columns).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _centroid_columns(labels: LabelArray, numbers: LabelArray | IntArray) -> dict[str, pl.Series]:
    from scipy import ndimage

    centroids = np.array(ndimage.center_of_mass(labels > 0, labels, numbers)).reshape(-1, 2)
    return dict(zip(("meta__centroid_row", "meta__centroid_col"), map(pl.Series, centroids.T), strict=True))


def _box_columns(boxes: LabelArray, *, name: str) -> dict[str, pl.Series]:
    """Return a column per side; missing where there is nothing to put a box around."""
    present = boxes[:, 2] > 0
    return {
        f"meta__bbox_{side}__{name}": pl.Series(
            [int(value) if there else None for value, there in zip(values, present, strict=True)], dtype=pl.Int32
        )
        for side, values in zip(BOX, boxes.T, strict=True)
    }


def centroid(mask: BoolArray) -> tuple[float, float]:
    """Return the mean (row, column) of a mask's pixels; NaN where it is empty."""
    rows, cols = np.nonzero(mask)
    if not rows.size:
        return float("nan"), float("nan")
    return float(rows.mean()), float(cols.mean())
