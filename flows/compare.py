"""Says what differs between the output folders of two runs, and by how much.

python -m flows.compare results/ other-results/ --tolerance 1e-9
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from flows.comparison.records import Change, Published, changed, read_published
from flows.comparison.tables import TableDifference, compare_tables
from flows.terminal.command import make_console
from tasks.core.errors import UserError
from tasks.core.file_names import CELLS, FEATURES_FOLDER, IMAGES

DIFFERENT, USAGE = 1, 2

SHOWN = 20
"""Columns of a table that are shown, those with the largest relative difference; `--verbose` shows all."""

TIMES = ("modified_ns", "partition")
"""Columns of images.parquet that tell of copies and of how the work was cut up, not of results."""

HELP = """Say what differs between the output folders of two runs, and by how much.

Values count as equal where they differ by at most the tolerance: absolute up to 1, relative beyond. NaN equals NaN.

\b
Exit status:
  0    the results are equal, whatever the configurations and versions
  1    images, cells, columns, values or their order differ
  2    an error in usage, such as a folder without results
"""


def compare_outputs(first: Published, second: Published, *, tolerance: float) -> dict[str, TableDifference]:
    """Compare the published tables of two runs, by image and object.

    Parameters
    ----------
    first, second
        What `read_published` found.
    tolerance
        By how much values may differ: absolute up to 1, relative beyond.

    Returns
    -------
    Of images, cells and features. Memory does not grow with the runs: tables are read piece by piece.
    """
    tables = {"images": IMAGES, "cells": CELLS, "features": f"{FEATURES_FOLDER}/part-*.parquet"}
    return {
        table: compare_tables(
            first.files(pattern),
            second.files(pattern),
            keys=(first.keys(table), second.keys(table)),
            tolerance=tolerance,
            ignored=TIMES if table == "images" else (),
        )
        for table, pattern in tables.items()
    }


def show(
    first: Annotated[Path, typer.Argument(metavar="A", help="Output folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Output folder of another one.")],
    *,
    tolerance: Annotated[float, typer.Option(help="By how much values may differ.", min=0)] = 0.0,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every column that differs.")] = False,
) -> None:
    """Compare, print what differs, and exit with 1 where results do."""
    console = make_console()
    try:
        runs = read_published(first), read_published(second)
        differences = compare_outputs(*runs, tolerance=tolerance)
    except UserError as error:
        make_console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(USAGE) from error
    for title, part in (("configuration", "configuration"), ("versions and run", "circumstances")):
        _print_changes(console, title, changed(getattr(runs[0], part), getattr(runs[1], part)))
    for name, difference in differences.items():
        _print_table(console, name, difference, shown=None if verbose else SHOWN)
    equal = not any(differences.values())
    console.print("the results are equal" if equal else "the results differ", style="bold")
    raise typer.Exit(0 if equal else DIFFERENT)


def _print_changes(console: Console, title: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    table = Table(title, "A", "B", box=None)
    for change in changes:
        table.add_row(change.key, change.first, change.second)
    console.print(table, "", markup=False)


def _print_table(console: Console, name: str, difference: TableDifference, *, shown: int | None) -> None:
    for line in _lines(difference):
        console.print(f"{name}: {line}", markup=False, highlight=False)
    worst = sorted(difference.columns, key=lambda column: (-column.largest_relative, column.name))
    if worst:
        table = Table(f"{name}: column", "rows", "of them missing in one", "largest difference", "relative", box=None)
        for column in worst[:shown]:
            sizes = ("", "") if column.is_text else (f"{column.largest:.3g}", f"{column.largest_relative:.3g}")
            table.add_row(column.name, f"{column.rows:,}", f"{column.missing:,}", *sizes)
        console.print(table, markup=False)
        if shown is not None and len(worst) > shown:
            console.print(f"and {len(worst) - shown:,} more columns (--verbose)")


def _lines(difference: TableDifference) -> Iterator[str]:
    for side, rows in (("A", difference.only_first), ("B", difference.only_second)):
        if rows.count:
            yield f"{rows.count:,} rows are in {side} only, such as {', '.join(rows.examples)}"
    for side, names in (("A", difference.columns_only_first), ("B", difference.columns_only_second)):
        if names:
            yield f"{len(names):,} columns are in {side} only: {', '.join(names[:SHOWN])}{' …' * (len(names) > SHOWN)}"
    for name, types in difference.types.items():
        yield f"{name} is {types[0]} in A, {types[1]} in B"
    if difference.repeated:
        yield f"{difference.repeated:,} rows name an image and object that an earlier row names, too"
    if difference.reordered:
        yield "the rows that are in both come in another order"


def main_app() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(help=HELP)(show)
    return app


if __name__ == "__main__":
    main_app()(prog_name="python -m flows.compare")
