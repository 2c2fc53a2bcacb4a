"""Features of a cell's children, such as spots: their number, and the means of their own features."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from tasks.core.columns import CHILDREN, Column
from tasks.core.crop import WITH_MARGIN, Crop, crop_cells
from tasks.core.layout import ChildObject
from tasks.core.types import AnyArray, Children, FloatArray, LabelArray
from tasks.features.all_families import feature_columns, measure
from tasks.features.config import Features

AT_A_TIME = 1000
"""Children that are cut out of a field at a time, so that memory does not grow with their number."""

ANGLES = ("rad", "deg")
"""Units of which a mean says nothing: that of 1° and 179° is no direction of either."""

RELATE = "CellProfiler 4.2, RelateObjects"


def child_columns(*, config: Features, channels: Sequence[str], children: Sequence[ChildObject]) -> tuple[Column, ...]:
    """Describe the columns that `measure_children` fills, kind by kind.

    The number of children comes first, then the mean of each feature of the configured families, as they are measured
    of an object. Left out are families that look at the other objects of a field, angles, and the field's background,
    which is the cell's.
    """
    columns: list[Column] = []
    for child in children:
        columns.append(
            Column(
                region=child.within,
                child=child.name,
                family=CHILDREN,
                stat="count",
                definition=f"Number of {child.name} of the {child.within}: of those that share most pixels with it.",
                reference=RELATE,
                invariances=("translation", "rotation"),
            )
        )
        columns += [
            replace(
                column,
                region=child.within,
                child=child.name,
                scip="",
                definition=f"Mean over the {child.name} of the {child.within}, of those in which it is defined. In "
                f"each: {column.definition}",
            )
            for column in feature_columns(config=_of_objects(config), channels=channels, regions=[(child.name, True)])
            if _is_averaged(column)
        ]
    return tuple(columns)


def measure_children(
    image: AnyArray,
    *,
    children: Children,
    numbers: LabelArray,
    background: FloatArray,
    channels: Sequence[str],
    config: Features,
    crop: Crop = WITH_MARGIN,
) -> FloatArray:
    """Count the children of some cells of a field and average their features.

    A child is measured with all of its pixels, those outside its cell too.

    Parameters
    ----------
    image
        (C, H, W).
    children
        One kind of children of the field.
    numbers
        (N,) int32, labels of the cells.
    background
        (C,) float64, the background of the field's cells, of which children are no part.
    channels
        C names.

    Returns
    -------
    FloatArray
        (N, K) float64, the columns of `child_columns`. The number of none is 0; a mean over none is NaN.
    """
    rows = np.full(max(int(children.parents.max(initial=0)), int(numbers.max(initial=0))) + 1, -1)
    rows[numbers] = np.arange(len(numbers))
    rows[0] = -1
    wanted = np.flatnonzero(rows[children.parents] >= 0)
    cells = rows[children.parents[wanted]]
    averaged = np.array(_averaged(config, tuple(channels)), dtype=np.bool_)
    shape = len(numbers), np.count_nonzero(averaged)
    sums, counts = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for first in range(0, len(wanted), AT_A_TIME):
        some = slice(first, first + AT_A_TIME)
        values = _measure(
            image,
            children=children,
            numbers=(wanted[some] + 1).tolist(),
            background=background,
            channels=channels,
            config=config,
            crop=crop,
        )[:, averaged]
        # one after the other in raster order, whichever are cut out together
        np.add.at(sums, cells[some], np.where(np.isnan(values), 0.0, values))
        np.add.at(counts, cells[some], ~np.isnan(values))
    with np.errstate(invalid="ignore"):
        means = sums / counts
    return np.column_stack([np.bincount(cells, minlength=len(numbers)), means])


def _measure(
    image: AnyArray,
    *,
    children: Children,
    numbers: Sequence[int],
    background: FloatArray,
    channels: Sequence[str],
    config: Features,
    crop: Crop,
) -> FloatArray:
    """Measure some children, a row each."""
    batch, (region,) = crop_cells(
        image,
        labels={children.name: children.labels},
        numbers=numbers,
        channels=channels,
        crop=crop.model_copy(update={"background": False}),
    )
    region = replace(region, background=np.tile(background, (len(numbers), 1)))
    return measure(batch, [region], config=_of_objects(config))


def _of_objects(config: Features) -> Features:
    """Keep the families that look at an object alone."""
    names = tuple(family.name for family in config.selected if not family.field and not family.frame)
    return config.model_copy(update={"families": names})


def _is_averaged(column: Column) -> bool:
    return column.unit not in ANGLES and (column.family, column.stat) != ("intensity", "background")


@lru_cache(maxsize=16)
def _averaged(config: Features, channels: tuple[str, ...]) -> tuple[bool, ...]:
    """Which of an object's features are averaged."""
    columns = feature_columns(config=_of_objects(config), channels=channels, regions=[("child", True)])
    return tuple(map(_is_averaged, columns))
