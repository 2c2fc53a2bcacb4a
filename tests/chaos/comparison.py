"""What a run left in its output folder, compared with what an undisturbed one leaves."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

IDENTITY = ("meta__image", "meta__object")
"""Columns that name a row of the feature table and of cells.parquet."""

Stamp = tuple[int, int]
"""Inode and modification time in ns: of what is written again, one of the two is another."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How published files differ from those of an undisturbed run.

    Parameters
    ----------
    unequal
        Files that differ in a byte, that are missing, or that should not be there.
    lost, duplicated
        Rows of the feature table and of cells.parquet that are missing, or there too often.
    """

    unequal: tuple[str, ...]
    lost: int
    duplicated: int


def published(output: Path) -> dict[str, bytes]:
    """Read all files of an output folder that a user is meant to read, but for those that tell times."""
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.relative_to(output).parts[0] not in {"work", "run.json", "report.html"}
    }


def difference(output: Path, *, expected: Path) -> Difference:
    """Compare the published files of two runs, byte for byte, and their rows by name."""
    ours, theirs = published(output), published(expected)
    rows, expected_rows = _rows(output), _rows(expected)
    return Difference(
        unequal=tuple(name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)),
        lost=(expected_rows - rows).total(),
        duplicated=(rows - expected_rows).total(),
    )


def _rows(output: Path) -> Counter[tuple[object, ...]]:
    rows: Counter[tuple[object, ...]] = Counter()
    for table, paths in {
        "features": sorted(output.glob("features/*.parquet")),
        "cells": [output / "cells.parquet"],
    }.items():
        for path in paths:
            if path.is_file():
                rows.update(
                    (table, *row) for row in pl.read_parquet(path, columns=list(IDENTITY), glob=False).iter_rows()
                )
    return rows


def results(output: Path) -> dict[str, tuple[Stamp, Stamp]]:
    """List finished tasks: those with a result's folder and a descriptor that Prefect has persisted of it.

    A folder that another process makes a second time is thrown away, since equal names mean equal contents; its
    descriptor is written all the same.
    """
    return dict(_results(output / "work"))


def _results(work: Path) -> Iterator[tuple[str, tuple[Stamp, Stamp]]]:
    for descriptor in work.glob("results/*-*"):
        stage, _, key = descriptor.name.rpartition("-")
        try:
            yield descriptor.name, (_stamp(work / stage / key), _stamp(descriptor))
        except FileNotFoundError:
            continue


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def recomputed(before: Mapping[str, tuple[Stamp, Stamp]], *, output: Path, settled_ns: int) -> tuple[str, ...]:
    """Name the tasks that were done again although they were finished before a moment.

    Parameters
    ----------
    before
        Finished tasks when the kill came.
    settled_ns
        Tasks whose descriptor is younger count as in flight: the flow may not have heard of them.
    """
    after = results(output)
    return tuple(
        name for name, stamps in sorted(before.items()) if stamps[1][1] < settled_ns and after.get(name) != stamps
    )


def temporary_files(output: Path) -> set[str]:
    """Name what is hidden in an output folder: files and folders under a temporary name."""
    return {str(path.relative_to(output)) for path in output.rglob(".*")}
