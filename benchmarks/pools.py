"""Sizes two pools of 1,000 simulated workers for a mixed load, and plots workers and queue over time.

Features of each partition follow its segmentation; jobs wait in the batch system's queue, end after half an hour, and
some are rejected or preempted (tests/infra/clusters/simulation.py). What is needed at least, in time and in jobs, is
derived in `lower_bound` there.

    python -m benchmarks.pools --output docs/pools.png
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from benchmarks.programs import parsed
from infra.clusters.sizing import PoolBounds
from tests.infra.clusters.simulation import BatchSystem, SimulatedPool, Simulation, drawn, lower_bound

BATCH = BatchSystem()
LIFETIME = 1800.0
COLORS = {"gpu": "#d95f02", "cpu": "#1b9e77"}
TITLES = {"gpu": "gpu: segmentation, 2 workers a job", "cpu": "cpu: features, 16 workers a job"}


def pools() -> list[SimulatedPool]:
    """Return 104 workers with a GPU and 896 on cores, at most; none at the beginning."""
    return [
        SimulatedPool(name="gpu", slots=2, bounds=PoolBounds(minimum=0, maximum=52, lifetime=LIFETIME)),
        SimulatedPool(name="cpu", slots=16, bounds=PoolBounds(minimum=0, maximum=56, lifetime=LIFETIME)),
    ]


def plot(simulation: Simulation, *, bound: float, path: Path) -> None:
    """Draw a row for each pool: workers that are there and that are asked for, and tasks that could begin."""
    mpl.rcParams["font.size"] = 8
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    rows = figure.subplots(len(simulation.looks), 1, sharex=True)
    for axes, (name, looks) in zip(rows, simulation.looks.items(), strict=True):
        minutes = [look.time / 60 for look in looks]
        color = COLORS[name]
        there = [look.workers(pending=False) for look in looks]
        asked = [look.workers(pending=False) + look.workers(pending=True) for look in looks]
        axes.fill_between(minutes, there, asked, step="post", color=color, alpha=0.25, linewidth=0, label="pending")
        axes.step(minutes, there, where="post", color=color, label="workers")
        busy = [look.observation.running for look in looks]
        axes.plot(minutes, busy, color="black", linewidth=0.6, label="tasks running")
        axes.axvline(bound / 60, color="gray", linestyle=":", linewidth=1)
        axes.set_ylabel("workers")
        axes.set_title(TITLES[name], loc="left", fontsize=8)
        axes.set_ylim(bottom=0)
        queue = axes.twinx()
        queue.plot(minutes, [look.queue for look in looks], color="#7570b3", linewidth=1, linestyle="--")
        queue.set_ylim(bottom=0)
        queue.set_ylabel("tasks in the queue (dashed)")
        axes.legend(frameon=False, loc="lower left", ncols=3)
    axes.set_xlabel("minutes; dotted: what no schedule can do better")
    figure.savefig(path, dpi=100)


def main() -> None:
    """Simulate, print the figures, and plot."""
    given = parsed(__doc__ or "", output=("pools.png", "where the picture goes"), seed=(0, "of all that is drawn"))
    chain = drawn({"gpu": 15.0, "cpu": 120.0}, partitions=24_000, seed=given.seed)
    simulation = Simulation(pools(), chain=chain, batch=BATCH, seed=given.seed)
    bound = lower_bound(pools(), chain=chain, batch=BATCH)
    seconds = simulation.run()
    table = Table("pool", "jobs needed", "started", "of these preempted", "ratio", box=None)
    for name, pool in simulation.pools.items():
        needed = bound.jobs[name]
        table.add_row(name, f"{needed}", f"{pool.begun}", f"{pool.preempted}", f"{pool.begun / needed:.2f}")
    console = Console()
    console.print(table)
    console.print(f"done after {seconds:,.0f} s, bound {bound.seconds:,.0f} s, ratio {seconds / bound.seconds:.3f}")
    simulation.run(until=seconds + 180.0)  # idle pools shrink
    plot(simulation, bound=bound.seconds, path=Path(given.output))


if __name__ == "__main__":
    main()
