"""Exporter ``fcs``: exports/features.fcs, for programs of flow cytometry."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal, Self, cast

import numpy as np
import polars as pl
from pydantic import Field

from tasks.core.feature_files import WORK_GROUP_BYTES, group_rows
from tasks.core.file_names import EXPORTS_FOLDER
from tasks.core.published import Published
from tasks.core.storage import atomic
from tasks.core.types import AnyArray
from tasks.export.fcs_segments import DELIMITER, TEXT_BEGIN, data_keywords, header_segment, text_segment
from tasks.export.meta_columns import MetaColumn, meta_columns, value_numbers
from tasks.export.registry import ExportMethod, FeatureTable, exporters

PATH = f"{EXPORTS_FOLDER}/features.fcs"
OWN = "SCIP_"
"""How the keywords begin that the standard does not know."""

MARK = f"{OWN}PROGRAM"
"""The keyword that our files begin with."""

MOST_VALUES = 10_000
"""Different values of a text up to which the file lists them."""

DIGITS = 40
"""Of the largest 32-bit float, and of any offset or count."""


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(TEXT_BEGIN)
            mark = f"{DELIMITER}{MARK}{DELIMITER}".encode()
            return file.read(len(mark)) == mark
    except OSError:
        return False


class Fcs(ExportMethod):
    """FCS 3.1, an event per cell."""

    PUBLISHED: ClassVar[Published] = Published(path=PATH, is_ours=_is_ours)
    method: Literal["fcs"] = Field(
        default="fcs",
        description="FCS 3.1, exports/features.fcs, for programs of flow cytometry: an event per cell, a parameter of "
        "32-bit floats per column, which holds whole numbers up to 16,777,216 without rounding. Of a text, such as the "
        "image's name, it is the number of the value in the keywords SCIP_Pn_VALUE_1, SCIP_Pn_VALUE_2 …; one with more "
        "than 10,000 values is left out. A missing value is NaN.",
    )


@exporters.register(Fcs)
def write_fcs(table: FeatureTable, output: Path, config: Fcs) -> None:
    """Write the table, some thousand rows at a time.

    The text stands before the data, but holds what is known after them: room is left for the longest that it can be.

    Raises
    ------
    RunError
        Another program's file has that name, or there are too many columns.
    """
    target = output / PATH
    config.PUBLISHED.claim([target])
    found = meta_columns(table, most=MOST_VALUES)
    left_out = [column.name for column in found if column.text and column.values is None]
    meta = {column.name: column for column in found if column.name not in left_out}
    names = [*meta, *table.features]
    described = [_described(table, names), _listed(list(meta.values())), {f"{OWN}LEFT_OUT": ", ".join(left_out)}]
    fixed = {name: value for keywords in described for name, value in keywords.items()}
    room = text_segment(_keywords(fixed, Events.widest(len(names))))
    begin = TEXT_BEGIN + len(room)
    with atomic(target) as temporary, temporary.open("wb") as file:
        file.seek(begin)
        events = _write_events(file, _events(table, names=names, meta=meta), parameters=len(names))
        text = text_segment(_keywords(fixed, events))
        file.seek(0)
        file.write(header_segment(text=len(text), data=events.place).ljust(TEXT_BEGIN) + text.ljust(len(room)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What is known of the events when they are written.

    Parameters
    ----------
    count
        Number of events.
    place
        Their first and last byte.
    largest, missing
        Of each parameter a number above all of its values, and how many are missing.
    """

    count: int
    place: tuple[int, int]
    largest: Sequence[int]
    missing: Sequence[int]

    @classmethod
    def widest(cls, parameters: int) -> Self:
        """Make one whose numbers have more digits than any has."""
        most = 10**DIGITS - 1
        return cls(count=most, place=(most, most), largest=[most] * parameters, missing=[most] * parameters)


def _events(table: FeatureTable, *, names: Sequence[str], meta: dict[str, MetaColumn]) -> Iterator[AnyArray]:
    """Yield the events as rows of 32-bit floats; NaN where a value is missing, or too large for them."""
    for group in table.tables(rows=group_rows(table.schema, size=WORK_GROUP_BYTES)):
        frame = cast("pl.DataFrame", pl.from_arrow(group))
        columns = [
            value_numbers(frame[name], values=meta[name].values or ()).cast(pl.Int64) + 1
            if name in meta and meta[name].text
            else frame[name]
            for name in names
        ]
        numbers = pl.DataFrame([column.alias(str(n)) for n, column in enumerate(columns)])
        events = numbers.cast(pl.Float32).to_numpy(order="c").astype("<f4", copy=False)
        yield np.where(np.isinf(events), np.float32(np.nan), events)


def _write_events(file: BinaryIO, blocks: Iterator[AnyArray], *, parameters: int) -> Events:
    """Write events, from where the file is."""
    begin, count = file.tell(), 0
    largest, missing = np.zeros(parameters), np.zeros(parameters, dtype=np.int64)
    for events in blocks:
        file.write(events.data)
        count += len(events)
        largest = np.fmax(largest, np.fmax.reduce(events, axis=0))
        missing += np.isnan(events).sum(axis=0)
    return Events(
        count=count,
        place=(begin, file.tell() - 1),
        largest=[math.ceil(value) + 1 for value in largest],
        missing=missing.tolist(),
    )


def _keywords(fixed: dict[str, str], events: Events) -> dict[str, str]:
    """Put all keywords together: those that are known before the events, and those that follow from them.

    A range is above all values by one at least, as programs take it for the number of values from 0.
    """
    parameters = len(events.largest)
    ranges = {f"$P{n}R": str(value) for n, value in enumerate(events.largest, start=1)}
    absent = {f"{OWN}P{n}_MISSING": str(count) for n, count in enumerate(events.missing, start=1) if count}
    return {
        MARK: "scip-flows",
        f"{OWN}VERSION": version("scip-flows"),
        **data_keywords(parameters=parameters, events=events.count, data=events.place),
        "$FIL": Path(PATH).name,
        **fixed,
        **ranges,
        f"{OWN}MISSING": str(sum(events.missing)),
        **absent,
    }


def _described(table: FeatureTable, names: Sequence[str]) -> dict[str, str]:
    """Name the parameters, and say of each what the dictionary of the columns says."""
    rows = {row["name"]: row for row in table.columns.iter_rows(named=True)}
    keywords: dict[str, str] = {}
    for number, (name, short) in enumerate(zip(names, short_names(names), strict=True), start=1):
        keywords |= {f"$P{number}B": "32", f"$P{number}E": "0,0", f"$P{number}N": short, f"$P{number}S": name}
        for key, value in rows[name].items():
            if key not in {"name", "dtype"}:
                keywords[f"{OWN}P{number}_{key.upper()}"] = value if isinstance(value, str) else ", ".join(value)
    return keywords


def _listed(meta: Sequence[MetaColumn]) -> dict[str, str]:
    """List the values of texts."""
    return {
        f"{OWN}P{number}_VALUE_{place}": value
        for number, column in enumerate(meta, start=1)
        for place, value in enumerate(column.values or (), start=1)
    }


def short_names(names: Sequence[str]) -> list[str]:
    """Spell names as FCS wants those of parameters: without commas, all different.

    Examples
    --------
    >>> short_names(["a,b", "a;b", "a,b;"])
    ['a;b', 'a;b;2', 'a;b;']
    """
    taken: dict[str, None] = {}
    for name in names:
        plain = short = name.replace(",", ";")
        number = 1
        while short in taken:
            number += 1
            short = f"{plain};{number}"
        taken[short] = None
    return list(taken)
