"""How feature tables lie in Parquet files: in work/ one per partition, published as parts of a size that suits readers.

A reader of three of 2,500 columns spends its time on the descriptions of all of them, which every row group repeats;
so a row group holds as many rows as the memory of the process that writes it allows.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_BYTES = 128 * 2**20
"""Bytes of a row group before it is compressed, held in memory while it is put together: 13,400 rows of 2,500 float32.
Half of it would double the time that readers need, twice of it saves them a fifth."""

GROUP_ROWS = 2**16
"""Rows of a row group at most, so that narrow tables have some too, which readers take on in parallel."""

PART_GROUPS = 8
"""Row groups of a part: a gigabyte before it is compressed."""

TEXT_BYTES = 32
"""Bytes that a text is counted for; the rows of a group must not depend on the data."""


def group_rows(schema: pa.Schema) -> int:
    """Rows of a row group of a table with these columns."""
    row = sum(field.type.bit_width / 8 if pa.types.is_primitive(field.type) else TEXT_BYTES for field in schema)
    return max(1, min(GROUP_ROWS, int(GROUP_BYTES / max(row, 1))))


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


def write_feature_file(path: Path, table: pa.Table) -> None:
    """Write the features of one partition."""
    with feature_writer(path, table.schema) as writer:
        writer.write_table(table, row_group_size=group_rows(table.schema))


def read_groups(files: Sequence[Path], *, rows: int) -> Iterator[pa.Table]:
    """Yield the rows of feature files in tables of `rows` rows, the last one shorter; hold one and a row group."""
    return cut((group for file in files for group in _groups(file)), rows=rows)


def _groups(path: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def cut(tables: Iterable[pa.Table], *, rows: int) -> Iterator[pa.Table]:
    """Cut and join tables into ones of `rows` rows, the last one shorter.

    Examples
    --------
    >>> [len(table) for table in cut([pa.table({"a": range(rows)}) for rows in (2, 0, 7, 1)], rows=4)]
    [4, 4, 2]
    """
    waiting: list[pa.Table] = []
    missing = rows
    for table in tables:
        start = 0
        while start < table.num_rows:
            piece = table.slice(start, missing)
            waiting.append(piece)
            start += piece.num_rows
            missing -= piece.num_rows
            if missing == 0:
                yield pa.concat_tables(waiting)
                waiting, missing = [], rows
    if waiting:
        yield pa.concat_tables(waiting)
