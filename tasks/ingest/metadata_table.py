"""Tables of metadata, such as plate maps, joined to the images by what is known of these."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from pydantic import Field, field_validator

from tasks.core.decision import metadata_text
from tasks.core.errors import ConfigError, suggestion
from tasks.core.section import Section, check_name, named_entries
from tasks.ingest.references import RESERVED_GROUPS, ImageReference

WELL = re.compile(r"([A-Za-z]{1,2})[-_ ]?0*(\d{1,2})")
"""A well: ``A1``, ``a01``, ``AF-048``."""

NAME = r"^[+-]?(?:0\d|\d{16})"
"""Digits that are a name, not a number: ``007``, or a barcode of more of them than a number holds."""

SHOWN = 3
"""Values shown of each side where none of them match."""


class MetadataKey(Section):
    """By which values a table is joined."""

    name: str = Field(
        description="What is known of an image: a group of load.pattern, what the file tells (such as well or scene), "
        "image (the column meta__image) or object_number."
    )
    column: str = Field(description="The table's column that holds the same values.")


class MetadataTable(Section):
    """A table with what is known of wells, samples or images."""

    file: str = Field(description="A CSV or TSV file with a header, or a Parquet file.")
    on: tuple[MetadataKey, ...] = Field(
        min_length=1,
        description="The keys that join it to the images; wells may be written A1 or A01. Short form: well, "
        "[plate, well] or {well: Well_ID}.",
    )
    columns: tuple[str, ...] = Field(
        default=(), description="Columns that become metadata of the images. Left out: all but the keys."
    )

    @field_validator("on", mode="before")
    @classmethod
    def _on(cls, on: object) -> object:
        names = [on] if isinstance(on, str) else on
        if isinstance(names, list | tuple):
            return [{"name": name, "column": name} if isinstance(name, str) else name for name in names]
        return named_entries(names, inner="column")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Images with what a table tells of them.

    Parameters
    ----------
    references
        The images, in their order.
    groups, measures
        Names of the columns of text and of numbers, in the table's order.
    missing
        Images of which the table has no row.
    """

    references: list[ImageReference]
    groups: tuple[str, ...]
    measures: tuple[str, ...]
    missing: int


def join_metadata(references: Sequence[ImageReference], *, config: MetadataTable) -> Joined:
    """Give each image what the row of its keys tells; without such a row, nothing.

    A column of which all values are numbers becomes numbers (float64), unless one has digits that a number would lose,
    as ``007`` and barcodes of more than 15 digits do; any other is text. Empty cells are missing values. Rows that lack
    a key, such as empty lines below a table, are no image's.

    Raises
    ------
    ConfigError
        The table cannot be read, lacks a column, or has two rows for one key; its columns are called like something
        that is known already; an image has no such key; or no image has a row.
    """
    table = _read(config)
    keys = [key.column for key in config.on]
    names: Sequence[str] = config.columns or [name for name in table.columns if name not in keys]
    _check(table, references, config=config, names=names)
    rows: dict[tuple[str, ...], int] = {}
    for row, values in enumerate(table.select(keys).iter_rows()):
        if None in values:
            continue
        own = tuple(_comparable(value, key=key.name) for key, value in zip(config.on, values, strict=True))
        if own in rows:
            raise ConfigError(f"load.metadata: {config.file} has two rows for {_named(own, keys)}; expected one")
        rows[own] = row
    numbers = {name: column for name in names if (column := _numbers(table[name])) is not None}
    texts = {name: table[name].to_list() for name in names if name not in numbers}
    found = [rows.get(_key(reference, config=config)) for reference in references]
    if all(row is None for row in found):
        images = ", ".join(dict.fromkeys(_named(_key(each, config=config), keys) for each in references[:SHOWN]))
        raise ConfigError(
            f"load.metadata: no image has a row in {config.file}; the images have {images}, the table "
            f"{', '.join(_named(own, keys) for own in list(rows)[:SHOWN]) or 'no row'}"
        )
    return Joined(
        references=[
            reference
            if row is None
            else replace(
                reference,
                metadata=reference.metadata
                | {name: text for name, own in texts.items() if (text := own[row]) is not None},
                measures=reference.measures
                | {name: of for name, own in numbers.items() if (of := own[row]) is not None},
            )
            for reference, row in zip(references, found, strict=True)
        ],
        groups=tuple(texts),
        measures=tuple(numbers),
        missing=sum(row is None for row in found),
    )


def _read(config: MetadataTable) -> pl.DataFrame:
    """Read all columns as text, null where they are empty."""
    path = Path(config.file).expanduser()
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        ".csv": lambda path: pl.read_csv(path, infer_schema=False, glob=False),
        ".tsv": lambda path: pl.read_csv(path, infer_schema=False, separator="\t", glob=False),
        ".txt": lambda path: pl.read_csv(path, infer_schema=False, separator="\t", glob=False),
        ".parquet": lambda path: pl.read_parquet(path, glob=False),
    }
    if path.suffix.lower() not in readers:
        raise ConfigError(f"load.metadata.file: got {config.file!r}; expected one of {', '.join(readers)}")
    try:
        table = readers[path.suffix.lower()](path)
        return table.select(pl.all().cast(pl.String).str.strip_chars().replace("", None))
    except FileNotFoundError as error:
        raise ConfigError(f"load.metadata.file: there is no file {config.file!r}") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigError(f"load.metadata.file: {config.file!r} cannot be read as a table: {error}") from error


def _check(
    table: pl.DataFrame, references: Sequence[ImageReference], *, config: MetadataTable, names: Sequence[str]
) -> None:
    for name in [*(key.column for key in config.on), *names]:
        if name not in table.columns:
            raise ConfigError(f"load.metadata: {config.file} has no column {name!r}; {suggestion(name, table.columns)}")
    known = {name for each in references for name in (*each.metadata, *each.measures)}
    for name in names:
        try:
            check_name(name)
        except ValueError as error:
            raise ConfigError(
                f"load.metadata: a column of {config.file} has to be renamed or left out; {error}"
            ) from error
        if name in known or name in RESERVED_GROUPS:
            raise ConfigError(
                f"load.metadata: the column {name!r} of {config.file} would overwrite meta__{name}; rename it, or list "
                "the others under load.metadata.columns"
            )
    allowed = sorted(known | {"image"} | ({"object_number"} if any(_numbered(each) for each in references) else set()))
    for key in config.on:
        if key.name not in allowed:
            raise ConfigError(f"load.metadata.on: images have no {key.name!r}; {suggestion(key.name, allowed)}")


def _numbered(reference: ImageReference) -> bool:
    return reference.object_number is not None


def _key(reference: ImageReference, *, config: MetadataTable) -> tuple[str, ...]:
    known: dict[str, object] = {"image": reference.image, "object_number": reference.object_number}
    known |= {**reference.metadata, **reference.measures}
    return tuple(_comparable(metadata_text(known.get(key.name)), key=key.name) for key in config.on)


def _comparable(text: str, *, key: str) -> str:
    """Write a value so that it can be compared: wells with two digits, numbers without zeros that say nothing."""
    if key == "well" and (well := WELL.fullmatch(text)):
        return f"{well[1].upper()}{int(well[2]):02d}"
    return text.removesuffix(".0") if key == "object_number" else text


def _numbers(column: pl.Series) -> list[float | None] | None:
    """Return the numbers of a column of text; None where it is none of numbers."""
    if column.drop_nulls().is_empty() or column.str.contains(NAME).any():
        return None
    numbers = column.cast(pl.Float64, strict=False)
    return numbers.fill_nan(None).to_list() if numbers.null_count() == column.null_count() else None


def _named(values: Sequence[str], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in zip(names, values, strict=True))
