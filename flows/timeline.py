"""Draws which worker did what in the last run into a folder, and tells in what time two stages ran at once.

python -m flows.timeline results/ --picture timeline.png
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
import typer
from matplotlib import colormaps
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from tasks.core.errors import ConfigError, UserError
from tasks.core.file_names import TIMELINE

HEIGHT, LEAST_HEIGHT, MOST_HEIGHT = 0.09, 2.0, 40.0
"""Inches of a worker's line, and of the picture."""


def read_timeline(output: Path) -> pl.DataFrame:
    """Read the records of the last run; times count from the beginning of its first task.

    Raises
    ------
    ConfigError
        There are none.
    """
    path = output / "work" / TIMELINE
    if not path.is_file():
        raise ConfigError(f"{path} is missing; give the output folder of a run whose work/ is still there")
    return pl.read_parquet(path).with_columns(pl.col("started", "ended") - pl.col("started").min())


def seconds_at_once(records: pl.DataFrame, stages: Sequence[str]) -> float:
    """Tell for how long there ran tasks of each of these stages.

    Examples
    --------
    >>> records = pl.DataFrame({"stage": ["a", "a", "b"], "started": [0.0, 3.0, 2.0], "ended": [2.5, 9.0, 5.0]})
    >>> seconds_at_once(records, ["a", "b"])  # from 2 to 2.5 and from 3 to 5
    2.5
    """
    moments = np.unique(records.select(pl.concat_list("started", "ended").explode()).to_numpy().ravel())
    running = np.ones(max(len(moments) - 1, 0), dtype=bool)
    for stage in stages:
        own = records.filter(pl.col("stage") == stage)
        changes = np.zeros(len(moments), dtype=np.int64)
        np.add.at(changes, np.searchsorted(moments, own["started"].to_numpy()), 1)
        np.add.at(changes, np.searchsorted(moments, own["ended"].to_numpy()), -1)
        running &= changes.cumsum()[:-1] > 0
    return float(np.diff(moments)[running].sum())


def draw(records: pl.DataFrame, path: Path) -> None:
    """Draw a line for each worker, those with like resources together, and a bar for each task."""
    workers = records.group_by("worker").agg(pl.col("resources").mode().min()).sort("resources", "worker")
    lines = {worker: line for line, worker in enumerate(workers["worker"])}
    height = min(max(HEIGHT * len(lines), LEAST_HEIGHT), MOST_HEIGHT)
    figure = Figure(figsize=(9, height + 0.8), layout="constrained")
    axes = figure.subplots()
    stages = records["stage"].unique(maintain_order=True)
    for number, stage in enumerate(stages):
        own = records.filter(pl.col("stage") == stage)
        axes.barh(
            [lines[worker] for worker in own["worker"]],
            (own["ended"] - own["started"]).to_numpy(),
            left=own["started"].to_numpy(),
            height=0.8,
            color=colormaps["tab10"](number % 10),
            label=stage,
        )
    for line, resources in enumerate(workers["resources"]):
        if not line or resources != workers["resources"][line - 1]:
            axes.text(-0.01, line, resources, transform=axes.get_yaxis_transform(), ha="right", va="center")
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    figure.legend(loc="outside upper left", ncols=len(stages), frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)


def show(
    output: Annotated[Path, typer.Argument(help="Output folder of a run.")],
    picture: Annotated[Path, typer.Option(help="Where the picture goes: .png, .svg or .pdf.")] = Path("timeline.png"),
) -> None:
    """Draw which worker did what in the last run, and print for how long stages ran at once."""
    console = Console()
    try:
        records = read_timeline(output)
    except UserError as error:
        console.print(str(error), soft_wrap=True)
        raise typer.Exit(2) from error
    table = Table("stage", "tasks", "workers", "resources", "from", "to", "seconds of work", box=None)
    for (stage,), own in records.group_by("stage", maintain_order=True):
        started, ended = own["started"].to_numpy(), own["ended"].to_numpy()
        kinds = ", ".join(sorted(own["resources"].unique()))
        table.add_row(
            *(str(stage), f"{len(own):,}", f"{own['worker'].n_unique():,}", kinds),
            *(f"{started.min():.1f} s", f"{ended.max():.1f} s", f"{(ended - started).sum():,.1f}"),
        )
    console.print(table)
    for stages in combinations(records["stage"].unique(maintain_order=True).to_list(), 2):
        if seconds := seconds_at_once(records, stages):
            console.print(f"{stages[0]} and {stages[1]} at once for {seconds:,.1f} s")
    draw(records, picture)
    console.print(f"picture: {picture}")


if __name__ == "__main__":
    typer.run(show)
