"""The dictionary of a feature table's columns, kept in its Parquet metadata.

Definitions are stored once per feature, columns refer to them, all of it as compressed JSON, a twentieth of the plain
text; `read_dictionary` unpacks and joins them.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core import file_metadata
from tasks.core.columns import Column

KEY = b"scip_flows"
"""Key of the Parquet metadata; its presence tells that this program wrote the file."""

TEXTS = ("name", "dtype", "object", "child", "family", "stat", "param", "unit", "definition", "reference")
LISTS = ("channels", "invariances")
SCHEMA: dict[str, pl.DataType] = {name: pl.String() for name in TEXTS} | {name: pl.List(pl.String()) for name in LISTS}
"""Columns of the dictionary as `read_dictionary` returns it."""


def encode(columns: Mapping[str, Column], *, meta: Mapping[str, str]) -> dict[bytes, bytes]:
    """Make the Parquet metadata of a table.

    Parameters
    ----------
    columns
        Feature columns by the name they have in the table.
    meta
        Definition of each other column.
    """
    features = {
        _feature(column): {
            "unit": column.unit,
            "definition": column.definition,
            "reference": column.reference,
            "invariances": list(column.invariances),
        }
        for column in columns.values()
    }
    entries = {
        name: [column.region, column.family, column.stat, column.param, list(column.channels), *_child(column)]
        for name, column in columns.items()
    }
    text = json.dumps({"features": features, "columns": entries, "metadata": dict(meta)}, separators=(",", ":"))
    return {KEY: b64encode(zlib.compress(text.encode(), level=9))}  # readers take metadata for text


def _feature(column: Column) -> str:
    return "_".join((*_child(column), column.family, column.stat, column.param))


def _child(column: Column) -> tuple[str, ...]:
    return (column.child,) if column.child else ()


def read_dictionary(path: str | Path) -> pl.DataFrame:
    """Read the dictionary of a feature table.

    Returns
    -------
    A row per column of the table: name, dtype, object, child, family, stat, param, channels, unit, definition,
    reference, invariances; empty where something does not apply to a column.

    Raises
    ------
    ValueError
        The table was not written by this program.

    Examples
    --------
    ``read_dictionary("output/features/part-00000.parquet").filter(pl.col("family") == "texture")``
    """
    schema = pq.read_schema(path)
    if KEY not in (schema.metadata or {}):
        raise ValueError(f"{path} holds no dictionary of columns; expected a features/part-….parquet of this program")
    return describe(schema)


def describe(schema: pa.Schema) -> pl.DataFrame:
    """Describe the columns of a table whose metadata hold what `encode` made, as `read_dictionary` does."""
    stored = json.loads(zlib.decompress(b64decode(schema.metadata[KEY])))
    rows: list[dict[str, object]] = []
    for field in schema:
        row: dict[str, object] = {"name": field.name, "dtype": str(field.type)}
        if field.name in stored["columns"]:
            region, family, stat, param, channels, *child = stored["columns"][field.name]
            row |= {"object": region, "family": family, "stat": stat, "param": param, "channels": channels}
            row |= {"child": "".join(child)} | stored["features"]["_".join((*child, family, stat, param))]
        else:
            row |= {"object": "", "child": "", "family": "meta", "stat": "", "param": "", "channels": [], "unit": ""}
            row |= {"definition": stored["metadata"].get(field.name, ""), "reference": "", "invariances": []}
        rows.append(row)
    return pl.DataFrame(rows, schema=SCHEMA)


def is_ours(path: Path) -> bool:
    """Whether a file is a Parquet table that this program wrote."""
    try:
        return KEY in (pq.read_schema(path).metadata or {})
    except (OSError, ValueError):
        return False


def meta_definitions(names: Sequence[str]) -> dict[str, str]:
    """Say what each metadata column holds."""
    return {name: _meta_definition(name) for name in names}


def _meta_definition(name: str) -> str:
    fixed = {
        "meta__image": "Identity of the image: its path relative to the input's parent folder, then its index in it.",
        "meta__object": "Number of the cell in its image, from 1, in raster order of each object's first pixel.",
        "meta__object_number": "Number that the instrument gave the object.",
        "meta__centroid_row": "Row of the cell's centroid in its image, in pixels.",
        "meta__centroid_col": "Column of the cell's centroid in its image, in pixels.",
    }
    if name in fixed:
        return fixed[name]
    parts = name.split("__")
    if len(parts) == 2 and parts[1] in file_metadata.NUMBERS:
        return file_metadata.NUMBERS[parts[1]]
    if parts[1].startswith("bbox_") and len(parts) == 3:
        side = parts[1].removeprefix("bbox_").replace("_", " ")
        return f"Bounding box of {parts[2]}, {side}, in pixels, half open."
    if parts[1] == "regions" and len(parts) == 4:
        return f"Connected components of the mask {parts[2]} in channel {parts[3]}."
    if parts[1] == "valid" and len(parts) == 4:
        return f"Whether {parts[2]} has pixels to measure in channel {parts[3]}."
    of_image = file_metadata.TEXTS.get(parts[1], "Known of the image.")
    return f"{of_image} From the file, load.metadata, or the group {parts[1]!r} of load.pattern."
