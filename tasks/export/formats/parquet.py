"""Exporter ``parquet``: features/part-00000.parquet …, always written."""

from itertools import islice
from math import ceil
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from tasks.core.exchange import exchanged_folder
from tasks.core.feature_files import PART_GROUPS, feature_writer, group_rows
from tasks.core.file_names import FEATURES_FOLDER, PART
from tasks.core.published import Published
from tasks.core.storage import atomic
from tasks.export.published import PARTS
from tasks.export.registry import ExportMethod, FeatureTable, exporters


class Parquet(ExportMethod):
    """Parquet files of a size that suits readers."""

    PUBLISHED: ClassVar[Published] = PARTS
    method: Literal["parquet"] = Field(
        default="parquet", description="Parquet files with the dictionary of the columns; always written."
    )


@exporters.register(Parquet)
def write_parquet(table: FeatureTable, output: Path, config: Parquet) -> None:
    """Write the parts, at least one; when all of them are whole they take the place of those of an earlier run at once.

    Raises
    ------
    RunError
        Another program's file has the name of a part; nothing is written then.
    """
    rows = group_rows(table.schema)
    count = max(1, ceil(table.rows / (rows * PART_GROUPS)))
    names = [PART.format(number) for number in range(count)]
    config.PUBLISHED.claim(output / FEATURES_FOLDER / name for name in names)
    groups = table.tables(rows=rows)
    with exchanged_folder(output / FEATURES_FOLDER, owns=config.PUBLISHED.owns) as folder:
        for name in names:
            with atomic(folder / name) as part, feature_writer(part, table.schema) as writer:
                writer.add_key_value_metadata(table.dictionary)
                for group in islice(groups, PART_GROUPS):
                    writer.write_table(group, row_group_size=rows)
                    del group  # before the next one is put together
