"""One trial: a run, a process of which is killed at a random moment, and what became of it."""

import json
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Literal

import psutil

from tests.chaos.comparison import Difference, Stamp, difference, recomputed, results, temporary_files
from tests.chaos.processes import Kind, find_targets, kill
from tests.chaos.services import open_flow_runs
from tests.chaos.site import ON_A_SCHEDULER, Command, Site, Undisturbed

MOMENTS = 8
"""Moments that are tried in turn where the run has ended before they come."""

IN_FLIGHT_SECONDS = 1.0
"""A task counts as in flight until so long after its result was written: the flow may not have heard of it."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a trial.

    Parameters
    ----------
    number, seed, kind
        Repeat it.
    moment, seconds
        When the kill came, and how long all took, in seconds from the start.
    end
        The run went on by itself; or was resumed by the same command; or neither.
    recomputed
        Tasks done again that were finished when the kill came.
    difference
        From an undisturbed run.
    orphans
        Processes that stayed for more than ten seconds.
    leftovers
        Temporary files and folders that an undisturbed run does not leave.
    open_runs
        Flow runs that did not come to an end, where the server stays.
    problem
        What else went wrong.
    folder
        Where all of it lies; kept if there are complaints.
    """

    number: int
    seed: int
    kind: Kind
    moment: float
    seconds: float
    end: Literal["completed", "resumed", "failed"]
    recomputed: tuple[str, ...]
    difference: Difference
    orphans: tuple[str, ...]
    leftovers: tuple[str, ...]
    open_runs: int
    problem: str
    folder: str

    @property
    def complaints(self) -> tuple[str, ...]:
        """All that should not be."""
        changes = self.difference
        said = {
            "ended in failure": self.end == "failed",
            f"done again: {', '.join(self.recomputed)}": self.recomputed,
            f"{changes.lost} rows lost": changes.lost,
            f"{changes.duplicated} rows duplicated": changes.duplicated,
            f"unequal: {', '.join(changes.unequal[:5])}": changes.unequal,
            f"orphans: {', '.join(self.orphans)}": self.orphans,
            f"left behind: {', '.join(self.leftovers[:5])}": self.leftovers,
            f"{self.open_runs} flow runs left open": self.open_runs,
            self.problem: self.problem,
        }
        return tuple(line for line, there in said.items() if there)


@dataclass(frozen=True, kw_only=True)
class _Kill:
    """When a process was killed, and the tasks that were finished by then."""

    moment: float
    wall_ns: int
    finished: dict[str, tuple[Stamp, Stamp]]


def kind_of(number: int, kinds: tuple[Kind, ...]) -> Kind:
    """Deal the kinds out in turn."""
    return kinds[number % len(kinds)]


def run_trial(site: Site, *, number: int, seed: int, kind: Kind) -> Outcome:
    """Start a run, kill a process of a kind at a moment that the seed chooses, and see it through.

    The moment is uniform over the time that an undisturbed run takes, from its start to its end. Where the process is
    not there yet, it is killed when it appears; where the run has ended, the trial begins again with the next moment.
    """
    undisturbed = site.undisturbed(kind)
    if kind in ON_A_SCHEDULER:
        site.cluster.restore()
    draw = Random(f"{seed}:{number}")  # noqa: S311 - repeatable, not secret
    since, begin = datetime.now(UTC), time.monotonic()
    shared_api = kind == "flow" and draw.random() < 0.5
    for attempt in range(MOMENTS):
        command = site.command(f"trial-{number}-{attempt}", kind=kind, shared_api=shared_api)
        start = time.monotonic()
        process = command.start()
        killed = _kill(process, command, site=site, kind=kind, at=draw.random() * undisturbed.seconds, draw=draw)
        if killed is not None:
            break
        command.ends(process, seconds=60)
        shutil.rmtree(command.folder)
    else:
        raise RuntimeError(f"no {kind} was there to be killed in {MOMENTS} runs")
    if kind == "scheduler":  # as a service manager does
        site.cluster.restore()
    end, orphans, problem = _see_through(command, process, patience=60 + 5 * undisturbed.seconds)
    outcome = Outcome(
        number=number,
        seed=seed,
        kind=kind,
        moment=killed.moment - start,
        seconds=time.monotonic() - begin,
        end=end,
        recomputed=recomputed(
            killed.finished, output=command.output, settled_ns=killed.wall_ns - round(1e9 * IN_FLIGHT_SECONDS)
        ),
        difference=difference(command.output, expected=site.expected),
        orphans=orphans,
        leftovers=_leftovers(command, site=site, undisturbed=undisturbed),
        open_runs=open_flow_runs(site.api, since=since) if shared_api or kind in ON_A_SCHEDULER else 0,
        problem=problem,
        folder=str(command.folder),
    )
    if not outcome.complaints:
        shutil.rmtree(command.folder)
    return outcome


def _kill(
    process: subprocess.Popen[bytes], command: Command, *, site: Site, kind: Kind, at: float, draw: Random
) -> _Kill | None:
    """Kill a process after some seconds, or as soon as there is one; None where the run ended before."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=at)
    while process.poll() is None:
        targets = _targets(kind, flow=process.pid, site=site)
        if targets:
            finished, target = results(command.output), draw.choice(targets)
            moment, wall_ns = time.monotonic(), time.time_ns()
            if kill(target):
                if kind in ON_A_SCHEDULER:
                    site.cluster.reap(target.pid)
                return _Kill(moment=moment, wall_ns=wall_ns, finished=finished)
        time.sleep(0.02)
    return None


def _targets(kind: Kind, *, flow: int, site: Site) -> list[psutil.Process]:
    if kind == "flow":
        return [psutil.Process(flow)]
    if kind == "nanny":
        return site.cluster.nannies
    if kind == "scheduler":
        return [site.cluster.scheduler]
    return find_targets(kind, flow=flow)


def _see_through(
    command: Command, process: subprocess.Popen[bytes], *, patience: float
) -> tuple[Literal["completed", "resumed", "failed"], tuple[str, ...], str]:
    """Wait for the end of a run, give its command again where it failed, and tell how it ended."""
    in_time, orphans = command.ends(process, seconds=patience)
    problem = "" if in_time else f"hung for {patience:.0f} s: {command.last_words}"
    end: Literal["completed", "resumed", "failed"] = "completed"
    if process.returncode != 0:
        again = command.start()
        in_time, more = command.ends(again, seconds=patience)
        orphans = (*orphans, *more)
        end = "resumed" if again.returncode == 0 else "failed"
        if end == "failed":
            problem = f"{problem} the second time status {again.returncode}: {command.last_words}".strip()
    record = command.output / "run.json"
    status = json.loads(record.read_text(encoding="utf-8")).get("status") if record.is_file() else "absent"
    if end != "failed" and status != "done":
        problem = f"{problem} run.json: {status}".strip()
    return end, orphans, problem


def _leftovers(command: Command, *, site: Site, undisturbed: Undisturbed) -> tuple[str, ...]:
    hidden = temporary_files(command.output) - temporary_files(site.expected)
    scratch = command.remains - undisturbed.remains
    return (*sorted(f"out/{name}" for name in hidden), *sorted(f"tmp/{name}" for name in scratch))
