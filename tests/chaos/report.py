"""What all trials together show: a table to read, and the same as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from tests.chaos.processes import Kind
from tests.chaos.trial import Outcome

COLUMNS = (
    "trials", "completed", "resumed", "failed", "tasks recomputed", "rows lost", "rows duplicated", "unequal tables",
    "orphans", "leftovers", "open flow runs",
)  # fmt: skip


def totals(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Sum up trials; `COLUMNS` names the sums."""
    ends = [outcome.end for outcome in outcomes]
    numbers = (
        len(outcomes),
        *(ends.count(end) for end in ("completed", "resumed", "failed")),
        sum(len(outcome.recomputed) for outcome in outcomes),
        sum(outcome.difference.lost for outcome in outcomes),
        sum(outcome.difference.duplicated for outcome in outcomes),
        sum(bool(outcome.difference.unequal) for outcome in outcomes),
        sum(len(outcome.orphans) for outcome in outcomes),
        sum(len(outcome.leftovers) for outcome in outcomes),
        sum(outcome.open_runs for outcome in outcomes),
    )
    return dict(zip(COLUMNS, numbers, strict=True))


def by_kind(outcomes: Sequence[Outcome], *, kinds: Sequence[Kind]) -> dict[str, dict[str, int]]:
    """Sum up the trials of each kind, and all of them."""
    rows = {str(kind): totals([outcome for outcome in outcomes if outcome.kind == kind]) for kind in kinds}
    return rows | {"all": totals(outcomes)}


def as_table(outcomes: Sequence[Outcome], *, kinds: Sequence[Kind]) -> Table:
    """Draw the sums."""
    table = Table("killed", *COLUMNS)
    for name, row in by_kind(outcomes, kinds=kinds).items():
        table.add_row(name, *map(str, row.values()), end_section=name == kinds[-1])
    return table


def write_report(path: Path, outcomes: Sequence[Outcome], *, kinds: Sequence[Kind], seed: int) -> None:
    """Write the sums and every trial."""
    trials = [asdict(outcome) | {"complaints": outcome.complaints} for outcome in outcomes]
    content = {"seed": seed, "totals": by_kind(outcomes, kinds=kinds), "trials": trials}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
