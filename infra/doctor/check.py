"""What was looked at, and the table of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at.

    Parameters
    ----------
    name
        Of it, with its place in front where that is not this machine: ``pool cpu: Python``.
    ok
        Whether a run would do with it.
    seen
        What there is.
    remedy
        What to do where it is not `ok`.
    """

    name: str
    ok: bool
    seen: str
    remedy: str = ""


def as_table(checks: Sequence[Check]) -> Table:
    """Show checks, a row for each; what failed says below what to do."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        mark = "[green]ok[/]" if check.ok else "[bold red]failed[/]"
        remedy = "" if check.ok else f"\n[bold]{escape(check.remedy)}[/]"
        table.add_row(mark, escape(check.name), escape(check.seen) + remedy)
    return table
