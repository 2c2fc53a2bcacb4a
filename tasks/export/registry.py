"""The exporters: forms in which the feature table is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.dictionary import describe
from tasks.core.extras import find_release
from tasks.core.feature_files import count_rows, read_groups
from tasks.core.published import Published
from tasks.core.registry import Registry
from tasks.core.section import Method


@dataclass(frozen=True, kw_only=True)
class FeatureTable:
    """The feature table of a run, which need not fit into memory.

    Parameters
    ----------
    files
        Parquet files, at least one, all with the same columns; their rows one after the other are the table's.
    dictionary
        Parquet metadata that describes the columns; `tasks.core.dictionary` reads it.
    labels
        Gives, of segmented fields, the name of each image and the TIFF files of its label images by object, spelled as
        files are named; None of stamps.
    """

    files: tuple[Path, ...]
    dictionary: dict[bytes, bytes]
    labels: Callable[[], Iterator[tuple[str, dict[str, Path]]]] | None = None

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return pq.read_schema(self.files[0])

    @cached_property
    def columns(self) -> pl.DataFrame:
        """The dictionary: a row per column with name, dtype, unit, definition …; see `read_dictionary`."""
        return describe(self.schema.with_metadata(self.dictionary))

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the columns that are features; the others identify, locate and describe the cell."""
        return tuple(self.columns.filter(pl.col("family") != "meta")["name"])

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return count_rows(self.files)

    def tables(self, *, rows: int) -> Iterator[pa.Table]:
        """Yield the rows in tables of `rows` rows, the last one shorter, whatever the files."""
        return read_groups(self.files, schema=self.schema, rows=rows)


class ExportMethod(Method):
    """A form of the feature table.

    A subclass says in `PUBLISHED` what it writes, in any of its settings, and in `PACKAGES` which packages it needs
    that are not installed with the program but with its extra `EXTRA`, such as ``anndata>=0.12``.
    """

    PUBLISHED: ClassVar[Published]
    EXTRA: ClassVar[str] = ""
    PACKAGES: ClassVar[tuple[str, ...]] = ()

    @property
    def published(self) -> Published:
        """What it writes with its settings."""
        return self.PUBLISHED

    def check(self) -> None:
        """See whether everything is there that it needs, before a run starts; nothing is imported.

        Raises
        ------
        ConfigError
            A package is missing or too old; the message says what to install.
        """
        for package in self.PACKAGES:
            method = str(type(self).model_fields["method"].default)
            find_release(package, extra=self.EXTRA, key="export.formats", method=method)


exporters: Registry[ExportMethod, Callable[[FeatureTable, Path, Any], None]] = Registry(
    "exporter", "tasks.export.formats"
)
"""Functions (table, output folder, configuration) that write what `PUBLISHED` says: each file whole or not at all, no
file of other programs overwritten, no file of an earlier run left."""
