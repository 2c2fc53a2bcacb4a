"""Exporter ``csv``: exports/features.csv, for programs that read nothing better."""

import re
from pathlib import Path
from typing import ClassVar, Literal, cast

import polars as pl
from pydantic import Field

from tasks.core.feature_files import group_rows
from tasks.core.file_names import EXPORTS_FOLDER
from tasks.core.published import Published
from tasks.core.storage import atomic
from tasks.export.registry import ExportMethod, FeatureTable, exporters

PATH = f"{EXPORTS_FOLDER}/features.csv"
HEADER = re.compile(rb"(meta__image,meta__object|meta_image,meta_object|Metadata_Image,Metadata_Object)[,\n]")
"""How the file begins, in every spelling of names; a CSV file has no other place to say whose it is."""


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return HEADER.match(file.read(100)) is not None
    except OSError:
        return False


class Csv(ExportMethod):
    """One text file; a missing value is empty."""

    PUBLISHED: ClassVar[Published] = Published(path=PATH, is_ours=_is_ours)
    method: Literal["csv"] = Field(
        default="csv",
        description="One text file, exports/features.csv, comma-separated; a missing value is empty, and numbers have "
        "the digits that give back the same number.",
    )


@exporters.register(Csv)
def write_csv(table: FeatureTable, output: Path, config: Csv) -> None:
    """Write the table as text, some thousand rows at a time.

    Raises
    ------
    RunError
        Another program's file has that name.
    """
    target = output / PATH
    config.PUBLISHED.claim([target])
    with atomic(target) as temporary, temporary.open("wb") as file:
        file.write(pl.DataFrame(schema=dict.fromkeys(table.schema.names, pl.String)).write_csv().encode())
        for group in table.tables(rows=group_rows(table.schema)):
            cast("pl.DataFrame", pl.from_arrow(group)).fill_nan(None).write_csv(file, include_header=False)
