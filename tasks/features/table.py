"""The feature table of a partition, and the dictionary of its columns."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from tasks.core.columns import Column, unique_names
from tasks.core.dictionary import encode, meta_definitions
from tasks.core.layout import Layout
from tasks.core.types import FloatArray
from tasks.features.all_families import feature_columns
from tasks.features.children import child_columns
from tasks.features.config import Features
from tasks.features.names import rename, rename_meta
from tasks.features.regions import region_list
from tasks.features.units import converted, in_configured_units


def table_columns(*, config: Features, layout: Layout) -> tuple[Column, ...]:
    """Describe the features of a run: of the regions, then of their children, kind by kind.

    Raises
    ------
    ConfigError, ValueError
        As of `tasks.features.feature_columns`.
    """
    of_cells = feature_columns(config=config, channels=layout.channels, regions=region_list(layout))
    columns = (*of_cells, *child_columns(config=config, channels=layout.channels, children=layout.children))
    unique_names(columns)
    return in_configured_units(columns, config=config)


def feature_table(
    cells: pl.DataFrame, *, values: FloatArray, columns: Sequence[Column], layout: Layout, config: Features
) -> pa.Table:
    """Put metadata and features side by side.

    Parameters
    ----------
    cells, values
        Metadata and (N, columns) features of N cells, in pixels. What is beyond the range of the configuration's dtype
        is NaN.
    """
    values = converted(values, cells=cells, columns=columns, config=config)
    schema = layout.cell_meta()
    names = rename_meta(list(schema), names=config.names)
    meta = cells.select(pl.col(old).cast(dtype) for old, dtype in schema.items()).to_arrow()
    with np.errstate(over="ignore"):
        cast = values.astype(np.dtype(config.dtype))
    cast[np.isinf(cast)] = np.nan
    features = [pa.array(np.ascontiguousarray(column)) for column in cast.T]
    return pa.table([*meta.columns, *features], names=[*names, *rename(columns, names=config.names)])


def table_dictionary(*, layout: Layout, config: Features) -> dict[bytes, bytes]:
    """Describe every column of the table, as its Parquet metadata."""
    columns = table_columns(config=config, layout=layout)
    meta = meta_definitions(list(layout.cell_meta()))
    return encode(
        dict(zip(rename(columns, names=config.names), columns, strict=True)),
        meta=dict(zip(rename_meta(list(meta), names=config.names), meta.values(), strict=True)),
    )
