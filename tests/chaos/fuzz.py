"""Every reader is given damaged files: ``python -m tests.chaos.fuzz [--files N] [--seed S] [--reader NAME]``.

A damaged file may be read or quarantined. It may not raise anything that would end a task, end the process, take memory
without end or hang. Readers are found by their registry, and what they read among the seeds by trying.
"""

import json
import os
import selectors
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tasks.ingest.readers import readers
from tests.chaos.fuzz_seeds import PROJECT, cases

SECONDS = 30.0
"""For one file, or to start; reading takes a few milliseconds, on a machine that is busy with other things longer."""

OUTCOMES = ("read", "quarantined", "crashed", "hung")


@dataclass(slots=True, kw_only=True)
class Outcomes:
    """What became of the damaged files of one reader; `bad` tells number, seed and reason of those that are wrong."""

    seeds: int
    counts: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def add(self, outcome: str, *, number: int, seed: str, why: str) -> None:
        """Count a file."""
        self.counts[outcome] += 1
        if outcome in {"crashed", "hung"}:
            self.bad.append(f"file {number} (of {seed}) {outcome}: {why}")

    @property
    def tried(self) -> int:
        """Number of files."""
        return self.counts.total()


def fuzz(reader: str, *, files: int, seed: int, seconds: float = SECONDS) -> Outcomes:
    """Have damaged files read in a child process, which is started again behind a file that it dies of."""
    with TemporaryDirectory() as folder:
        outcomes = Outcomes(seeds=len(cases(reader, folder=Path(folder))))
    start = 0
    while start < files:
        start = _child(reader, seed=seed, start=start, stop=files, seconds=seconds, outcomes=outcomes)
    return outcomes


def _child(reader: str, *, seed: int, start: int, stop: int, seconds: float, outcomes: Outcomes) -> int:
    """Read from a number on in one child, and return the number to go on with.

    Raises
    ------
    RuntimeError
        The child ends before its first file: not a file is to blame.
    """
    with TemporaryDirectory() as folder:
        arguments = [reader, str(seed), str(start), str(stop), folder]
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.fuzz_child", *arguments],
            cwd=PROJECT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=(errors := Path(folder, "errors")).open("wb"),
        )
        lines = _Lines(child, seconds=seconds)
        begun: dict[str, object] | None = None
        for line in lines:
            entry = json.loads(line)
            if "outcome" in entry and begun is not None:
                outcomes.add(entry["outcome"], number=entry["number"], seed=str(begun["seed"]), why=entry["why"])
                begun = None
                start = entry["number"] + 1
            else:
                begun = entry
        if lines.late:
            child.kill()
        status = child.wait()
        if begun is not None:
            outcome, why = ("hung", f"{seconds} s") if lines.late else ("crashed", f"the process ended with {status}")
            outcomes.add(outcome, number=start, seed=str(begun["seed"]), why=why)
            return start + 1
        if start < stop:
            raise RuntimeError(f"the child ended with {status}: {errors.read_text(errors='replace')[-2000:]}")
    return start


class _Lines:
    """Lines of a child, until it ends or is silent for too long."""

    def __init__(self, child: "subprocess.Popen[bytes]", *, seconds: float) -> None:
        self.late = False
        self._child = child
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        stream = self._child.stdout
        if stream is None:
            return
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while True:
                if not selector.select(self._seconds):
                    self.late = True
                    return
                more = os.read(stream.fileno(), 65536)
                if not more:
                    return
                *complete, rest = (rest + more).split(b"\n")
                yield from complete


def render(results: dict[str, Outcomes]) -> Table:
    """Show the counts, a row per reader."""
    table = Table("reader", "seeds", "tried", *OUTCOMES, title="damaged files")
    for reader, outcomes in results.items():
        counts = [str(outcomes.counts[outcome]) for outcome in OUTCOMES]
        table.add_row(reader, str(outcomes.seeds), str(outcomes.tried), *counts)
    return table


def main(
    files: Annotated[int, typer.Option(help="Damaged files per reader.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 0,
    reader: Annotated[list[str] | None, typer.Option(help="Only this reader; may be repeated.")] = None,
) -> None:
    """Give every reader damaged files, and count what becomes of them."""
    console = Console()
    results: dict[str, Outcomes] = {}
    for name in reader or readers.names:
        results[name] = fuzz(name, files=files, seed=seed)
        for line in results[name].bad:
            console.print(f"{name}: {line}", highlight=False, markup=False, soft_wrap=True)
    console.print(render(results))
    raise typer.Exit(int(any(outcomes.bad for outcomes in results.values())))


if __name__ == "__main__":
    typer.run(main)
