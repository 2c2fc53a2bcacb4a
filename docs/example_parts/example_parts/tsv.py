"""Exporter ``tsv``: exports/features.tsv.gz, which R and pandas read as it is, and what its columns are."""

import gzip
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal, cast

import polars as pl
from pydantic import Field

from tasks.core.feature_files import group_rows
from tasks.core.file_names import EXPORTS_FOLDER
from tasks.core.published import Published
from tasks.core.storage import atomic
from tasks.export.registry import ExportMethod, FeatureTable, exporters

FEATURES, COLUMNS = (f"{EXPORTS_FOLDER}/{name}.tsv.gz" for name in ("features", "columns"))
HEADER = re.compile(rb"(meta__image|meta_image|Metadata_Image|name\tdtype\tobject)\t")
"""How the two files begin, in every spelling of names."""


def _is_ours(path: Path) -> bool:
    try:
        with gzip.open(path) as file:
            return HEADER.match(file.read(100)) is not None
    except (OSError, EOFError, zlib.error):
        return False


class Tsv(ExportMethod):
    """Compressed text, a tab between values; a missing value is empty."""

    PUBLISHED: ClassVar[Published] = Published(
        path=f"{EXPORTS_FOLDER}/*.tsv.gz",
        name=re.compile(r"(features|columns)\.tsv\.gz"),
        always=FEATURES,
        is_ours=_is_ours,
    )
    method: Literal["tsv"] = Field(
        default="tsv",
        description="Tab-separated text, exports/features.tsv.gz, and the dictionary of its columns beside it, "
        "exports/columns.tsv.gz; a missing value is empty.",
    )


@exporters.register(Tsv)
def write_tsv(table: FeatureTable, output: Path, config: Tsv) -> None:
    """Write the table, some thousand rows at a time, and a row per column: name, unit, definition ….

    Raises
    ------
    RunError
        Another program's file has one of the names; nothing is written then.
    """
    config.PUBLISHED.claim([output / FEATURES, output / COLUMNS])
    groups = (cast("pl.DataFrame", pl.from_arrow(group)) for group in table.tables(rows=group_rows(table.schema)))
    lists = pl.col("channels", "invariances").list.join(", ")
    _write(output / FEATURES, names=table.schema.names, frames=groups)
    _write(output / COLUMNS, names=table.columns.columns, frames=[table.columns.with_columns(lists)])


def _write(path: Path, *, names: Iterable[str], frames: Iterable[pl.DataFrame]) -> None:
    """Write a file whole or not at all, and equal for equal rows: without the name and time that gzip would put in."""
    with (
        atomic(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file,
    ):
        file.write("\t".join(names).encode() + b"\n")
        for frame in frames:
            file.write(frame.fill_nan(None).write_csv(separator="\t", include_header=False).encode())
