"""How feature tables lie in Parquet files: in work/ one per partition, published as parts of a size that suits readers.

A reader of three of 2,500 columns spends its time on the descriptions of all of them, which every row group repeats;
so a row group holds as many rows as the memory of the process that writes it allows.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.types import AnyArray

GROUP_BYTES = 128 * 2**20
"""Bytes of a row group before it is compressed, held in memory while it is put together: 13,400 rows of 2,500 float32.
Half of it would double the time that readers need, twice of it saves them a fifth."""

WORK_GROUP_BYTES = 32 * 2**20
"""The same in work/, which tasks write that have pixels in memory, too."""

GROUP_ROWS = 2**16
"""Rows of a row group at most, so that narrow tables have some too, which readers take on in parallel."""

PART_GROUPS = 8
"""Row groups of a part: a gigabyte before it is compressed."""

TEXT_BYTES = 32
"""Bytes that a text is counted for; the rows of a group must not depend on the data."""


def group_rows(schema: pa.Schema, *, size: int = GROUP_BYTES) -> int:
    """Rows of a row group of `size` bytes of a table with these columns."""
    row = sum(field.type.bit_width / 8 if pa.types.is_primitive(field.type) else TEXT_BYTES for field in schema)
    return max(1, min(GROUP_ROWS, int(size / max(row, 1))))


def feature_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file for features.

    Left out is what costs bytes in each of thousands of columns and helps no reader: statistics and dictionaries of
    floats that hardly repeat, and Arrow's own description of the schema.
    """
    floats = {field.name for field in schema if pa.types.is_floating(field.type)}
    others = [name for name in schema.names if name not in floats]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=others,
        write_statistics=others,
        store_schema=False,
    )


def write_feature_file(path: Path, tables: Iterable[pa.Table]) -> int:
    """Write the features of one partition, in row groups that do not depend on how the tables are cut.

    Parameters
    ----------
    tables
        At least one, which may be empty; one is asked for when those before it are written, but for a row group.

    Returns
    -------
    Number of rows.
    """
    remaining = iter(tables)
    waiting = next(remaining)
    total, rows = len(waiting), group_rows(waiting.schema, size=WORK_GROUP_BYTES)
    with feature_writer(path, waiting.schema) as writer:
        for table in remaining:
            total += len(table)
            waiting = pa.concat_tables([waiting, table]) if waiting.num_rows else table
            full = waiting.num_rows - waiting.num_rows % rows
            if full:
                writer.write_table(waiting.slice(0, full).combine_chunks(), row_group_size=rows)
                waiting = waiting.slice(full).combine_chunks()
        writer.write_table(waiting.combine_chunks(), row_group_size=rows)
    return total


def read_groups(files: Sequence[Path], *, schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """Yield the rows of feature files in tables of `rows` rows, the last one shorter, equal however the files are cut.

    Features, the floats at the end of the schema, are copied into one block of memory: as many arrays as files ×
    columns would take more than the values. One table is held, and what is read of one file.
    """
    kind = schema.types[-1]
    ends = takewhile(lambda dtype: dtype == kind and pa.types.is_floating(dtype), reversed(schema.types))
    features = schema.names[len(schema) - sum(1 for _ in ends) :]
    others = schema.names[: len(schema) - len(features)]
    tables: list[pl.DataFrame] = []
    block, filled = np.empty((len(features), rows), dtype=kind.to_pandas_dtype()), 0
    for table in _read(files, rows=rows):
        start = 0
        while start < len(table):
            piece = table[start : start + rows - filled]
            if features:
                block[:, filled : filled + len(piece)] = piece.select(features).to_numpy().T
            tables.append(piece.select(others))
            start, filled = start + len(piece), filled + len(piece)
            if filled == rows:
                yield _side_by_side(tables, block, schema=schema)
                tables, block, filled = [], np.empty_like(block), 0
    if filled:
        yield _side_by_side(tables, block[:, :filled], schema=schema)


def _read(files: Sequence[Path], *, rows: int) -> Iterator[pl.DataFrame]:
    for file in files:
        for start in range(0, count_rows([file]), rows):
            yield pl.scan_parquet(file, glob=False).slice(start, rows).collect()


def count_rows(files: Sequence[Path]) -> int:
    """Count the rows of feature files, from their descriptions."""
    return sum(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item() for file in files)


def _side_by_side(tables: Sequence[pl.DataFrame], block: AnyArray, *, schema: pa.Schema) -> pa.Table:
    columns = [*pl.concat(tables, rechunk=True).to_arrow().columns, *map(pa.array, block)]
    return pa.table(dict(zip(schema.names, columns, strict=True))).cast(schema)
