"""Exporter ``anndata``: exports/features.h5ad or exports/features.zarr, for scanpy and the like."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field

from tasks.core.exchange import everything, exchanged_folder
from tasks.core.feature_files import GROUP_ROWS, WORK_GROUP_BYTES, group_rows
from tasks.core.file_names import EXPORTS_FOLDER
from tasks.core.published import Published
from tasks.core.storage import atomic
from tasks.core.types import AnyArray
from tasks.export.meta_columns import MetaColumn, meta_columns, value_numbers
from tasks.export.registry import ExportMethod, FeatureTable, exporters

MARK = "scip_flows"
"""Attribute of the file that tells that this program wrote it; one that anndata writes anew has it no more."""

MOST_CATEGORIES = 2**18
"""Different values of a text up to which it is a categorical: they are held in memory."""

CHUNKS = {"h5ad": 32, "zarr": 2}
"""Chunks of X in a block of rows: of a megabyte, which HDF5 keeps in its cache, or of 16, as each is a file."""

Group = Any
"""A group, or an array, of h5py or of zarr, which are alike."""


def _is_ours(path: Path) -> bool:
    return _is_our_store(path) if path.is_dir() else _is_our_file(path)


def _is_our_store(path: Path) -> bool:
    try:
        return MARK in json.loads((path / ".zattrs").read_bytes())
    except (OSError, ValueError):
        return False


def _is_our_file(path: Path) -> bool:
    try:
        import h5py

        with h5py.File(path) as file:
            return MARK in file.attrs
    except (ImportError, OSError):
        return False


class AnnData(ExportMethod):
    """AnnData: features, what a cell is, and what a feature is, in one file."""

    PUBLISHED: ClassVar[Published] = Published(
        path=f"{EXPORTS_FOLDER}/features.*", name=re.compile(r"features\.(h5ad|zarr)"), is_ours=_is_ours
    )
    EXTRA: ClassVar[str] = "anndata"
    PACKAGES: ClassVar[tuple[str, ...]] = ("anndata>=0.12", "h5py>=3.12", "zarr>=3.0.9")
    method: Literal["anndata"] = Field(
        default="anndata",
        description="AnnData, for scanpy and other programs of the scverse: features in X, identity and metadata of "
        "the cells in obs, the dictionary of the columns in var. Needs the extra anndata.",
    )
    store: Literal["h5ad", "zarr"] = Field(
        default="h5ad", description="exports/features.h5ad, one file, or exports/features.zarr, a folder."
    )

    @property
    def path(self) -> str:
        """Where it is written, in the output folder."""
        return f"{EXPORTS_FOLDER}/features.{self.store}"

    @property
    def published(self) -> Published:
        """What it writes into the store that was chosen."""
        return replace(self.PUBLISHED, always=self.path)


@exporters.register(AnnData)
def write_anndata(table: FeatureTable, output: Path, config: AnnData) -> None:
    """Write the table, some thousand rows at a time.

    anndata writes a table without rows, and with it all that describes one; then its arrays are made longer and filled.

    Raises
    ------
    RunError
        Another program's file has that name.
    """
    target = output / config.path
    config.PUBLISHED.claim([target])
    with _opened(target) as root:
        _fill(root, table, chunks=CHUNKS[config.store])
    config.PUBLISHED.discard_stale(output, but=[target])


@contextmanager
def _opened(target: Path) -> Iterator[Group]:
    """Yield the root group of a new store, which takes the place of an old one when it is whole."""
    if target.suffix == ".h5ad":
        import h5py

        with atomic(target) as temporary, h5py.File(temporary, "w") as file:
            yield file
        return

    import zarr

    with exchanged_folder(target, owns=everything) as folder:
        root = zarr.open_group(folder, mode="a", zarr_format=2)  # which every program reads that reads zarr
        yield root
        zarr.consolidate_metadata(root.store)


@dataclass(frozen=True, slots=True)
class Obs:
    """A column of obs, and the name that it has there: a slash would part it into groups."""

    column: MetaColumn
    categorical: bool

    @property
    def name(self) -> str:
        """As in the table, a slash as %2F."""
        return self.column.name.replace("/", "%2F")

    def empty(self) -> object:
        """Make a column of no rows and the right type."""
        import pandas as pd

        if self.categorical:
            return pd.Categorical.from_codes([], categories=pd.Index(self.column.values, dtype=object))
        if self.column.text:
            return pd.array([], dtype="string") if self.column.missing else np.empty(0, dtype=object)
        plain = np.empty(0, dtype=self.column.dtype.to_pandas_dtype())
        nullable = self.column.missing and not pa.types.is_floating(self.column.dtype)
        return pd.array(plain) if nullable else plain

    def fill(self, stored: Group, values: pl.Series, *, start: int) -> None:
        """Write values into what was stored of the empty column."""
        if self.categorical:
            numbers = value_numbers(values, values=self.column.values or ()).cast(pl.Int64).fill_null(-1)
            _append(stored["codes"], numbers.to_numpy(), start=start)
        elif hasattr(stored, "keys"):  # a group: values, and which of them are missing
            empty = values.fill_null("" if self.column.text else (False if values.dtype == pl.Boolean else 0))
            _append(stored["values"], empty.to_numpy(), start=start)
            _append(stored["mask"], values.is_null().to_numpy(), start=start)
        else:
            _append(stored, values.to_numpy(), start=start)


def _fill(root: Group, table: FeatureTable, *, chunks: int) -> None:
    found = meta_columns(table, most=MOST_CATEGORIES)
    # as anndata itself decides it: where a value occurs twice
    columns = [Obs(one, categorical=one.values is not None and len(one.values) < table.rows) for one in found]
    rows = group_rows(table.schema, size=WORK_GROUP_BYTES)
    chunk = max(1, rows // chunks)
    _write_empty(root, table, columns=columns, chunk=chunk)
    names, start = list(table.features), 0
    image, number = (found[place].name for place in range(2))
    for group in table.tables(rows=chunk * (rows // chunk)):
        frame = cast("pl.DataFrame", pl.from_arrow(group))
        _append(root["X"], frame.select(names).to_numpy(order="c"), start=start)
        cells = pl.format("{}:{}", image, number)
        _append(root["obs/_index"], frame.select(cells).to_series().to_numpy(), start=start)
        for column in columns:
            column.fill(root["obs"][column.name], frame[column.column.name], start=start)
        start += len(frame)


def _append(array: Group, values: AnyArray, *, start: int) -> None:
    array.resize((start + len(values), *array.shape[1:]))
    array[start:] = values


def _write_empty(root: Group, table: FeatureTable, *, columns: Sequence[Obs], chunk: int) -> None:
    """Let anndata write the table without a row."""
    import anndata
    import pandas as pd
    from anndata.io import write_elem

    root.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0", MARK: version("scip-flows")})
    described = table.columns.with_columns(pl.col("channels", "invariances").list.join(", "))
    features = table.features
    types = {table.schema.field(name).type.to_pandas_dtype() for name in features}
    x = np.empty((0, len(features)), dtype=np.result_type(*types) if types else np.float32)
    obs = pd.DataFrame({column.name: column.empty() for column in columns}, index=pd.Index([], dtype=object))
    is_feature = pl.col("name").is_in(features)
    with anndata.settings.override(allow_write_nullable_strings=True):
        write_elem(root, "X", x, dataset_kwargs=_growing(root, (chunk, max(1, len(features)))))
        length = min(max(1, table.rows), GROUP_ROWS)
        write_elem(root, "obs", obs, dataset_kwargs=_growing(root, (length,)))
        write_elem(root, "var", _frame(described.filter(is_feature).drop("dtype")))
        meta = described.filter(~is_feature).select("name", "definition")
        write_elem(root, "uns", {MARK: {"version": version("scip-flows"), "obs": _frame(meta)}})
        for name in ("layers", "obsm", "obsp", "varm", "varp"):
            write_elem(root, name, {})


def _growing(root: Group, chunk: tuple[int, ...]) -> Mapping[str, object]:
    """How an array is stored to which rows are added; those of zarr can always grow."""
    import h5py

    return {"chunks": chunk} | ({"maxshape": (None, *chunk[1:])} if isinstance(root, h5py.Group) else {})


def _frame(described: pl.DataFrame) -> object:
    """Make a pandas table of texts, its first column the index."""
    import pandas as pd

    name, *others = described.columns
    columns = {other: described[other].to_numpy().astype(object) for other in others}
    return pd.DataFrame(columns, index=pd.Index(described[name].to_list(), dtype=object))
