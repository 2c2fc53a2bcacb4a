"""What flow, server, scheduler and Prefect's part in the workers cost, against the same task functions called directly.

A run of the example's configuration works on so many twelve-channel stamps (200 generated ones, copied under many
names), by the command line, with one worker. Then the same tasks are called in this process, one after the other.
Figures are processor's time: of the flow's process, which holds the scheduler; of the API server; of the worker less
what the tasks take when they are called directly. The start, the same for any number of stamps, is that of a run of 32.

    python -m benchmarks.orchestration --cells 50000
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from benchmarks.programs import ROOT, machine, parsed
from flows.engine.example import EXAMPLE, example_config
from flows.engine.execution import Execution
from flows.engine.preparation import RunSpec
from flows.engine.prepare import prepare
from flows.engine.progress import LineProgress
from flows.engine.start import supervised
from flows.pipeline import PIPELINE
from infra.clusters.demand import Demand
from tasks.ingest.example import write_example

DRAWN = 200
"""Stamps that are generated; the others are copies of them."""

SECONDS = 0.2
"""Between two looks at the processes; what one does between the last look and its end is not seen."""

START = 32
"""Stamps of the run that tells what the start takes."""


def write_stamps(folder: Path, *, count: int) -> Path:
    """Write stamps as the example's pattern wants them, a thousand in a folder."""
    drawn = sorted(write_example(folder / "drawn", count=DRAWN).rglob("*.tif"))
    for number in range(count):
        path = folder / "stamps" / f"T{number // 1000:04d}" / f"cell_{number:06d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(drawn[number % DRAWN], path)
    return folder / "stamps"


def run_by_command(inputs: Path, *, output: Path) -> Counter[str]:
    """Run the pipeline, and return the seconds of the processor that each kind of process took."""
    command = [sys.executable, "-m", "flows.preprocess", inputs, "--config", EXAMPLE, "--output", output]
    seconds: dict[int, tuple[str, float]] = {}
    with subprocess.Popen([*map(str, command), "--workers", "1"], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        flow = psutil.Process(process.pid)
        while process.poll() is None:
            for each in [flow, *flow.children(recursive=True)]:
                try:
                    times = each.cpu_times()
                    kind = seconds.get(each.pid, ("", 0.0))[0] or _kind(each, flow=flow)
                    seconds[each.pid] = kind, times.user + times.system
                except psutil.Error:
                    continue
            time.sleep(SECONDS)
    if process.returncode:
        raise RuntimeError(f"the run ended with status {process.returncode}")
    total: Counter[str] = Counter()
    for kind, taken in seconds.values():
        total[kind] += taken  # type: ignore[assignment] # a Counter of seconds
    return total


def _kind(process: psutil.Process, *, flow: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    if process == flow:
        return "flow and scheduler"
    return "worker" if "forkserver" in line or "spawn_main" in line else "server"


class InTurn:
    """Calls tasks in this process, without Prefect or Dask, and counts the processor's seconds of each."""

    memory_bytes = 2**40

    def __init__(self) -> None:
        self._ended: deque[tuple[object, Any]] = deque()
        self.seconds: Counter[str] = Counter()
        self.number: Counter[str] = Counter()

    def slots(self, resources: Mapping[str, float]) -> int:
        """One at a time."""
        del resources
        return 1

    def ask(self, demand: Demand) -> None:
        """Have no more workers."""
        del demand

    def retire(self, worker: str) -> None:
        """Go on: there is one worker, this process."""
        del worker

    def submit(
        self,
        ticket: object,
        task: Any,  # noqa: ANN401
        *,
        folder: Path | None,
        arguments: Mapping[str, object],
        **_: object,
    ) -> None:
        """Do a task."""
        place = {} if folder is None else {"folder": str(folder), "run_id": "direct"}
        self._ended.append((ticket, self.call(task, {**arguments, **place})))

    def next_done(self, *, seconds: float | None) -> tuple[object, Any]:
        """Return what was done first of what was not asked for yet."""
        del seconds
        return self._ended.popleft()

    def call(self, task: Any, arguments: Mapping[str, object]) -> Any:  # noqa: ANN401
        """Do a task, and return what it returns."""
        start = time.process_time()
        result = task.fn(**arguments)
        self.seconds[task.name] += time.process_time() - start  # type: ignore[assignment]
        self.number[task.name] += 1
        return result


class Direct(Execution):
    """An execution whose tasks in the flow's own process are called like the others."""

    in_turn: InTurn

    def run_here(self, stage: str, task: Any, *, arguments: Mapping[str, object]) -> Any:  # noqa: ANN401
        """Do a task."""
        del stage
        return self.in_turn.call(task, arguments)


def run_directly(inputs: Path, *, output: Path) -> InTurn:
    """Do the tasks of a run one after the other."""
    spec = RunSpec(config=example_config(), inputs=(str(inputs),), output=output, workers=1)
    preparation = prepare(spec, stages=PIPELINE)
    resources: dict[str, Mapping[str, float]] = defaultdict(dict)
    in_turn = InTurn()
    (output / "work").mkdir(parents=True)
    direct = Direct(
        preparation,
        run_id="direct",
        resources=resources,
        dispatcher=supervised(in_turn, preparation=preparation, tell=print),
        progress=LineProgress(lambda _: None),
    )
    direct.in_turn = in_turn
    for stage in PIPELINE:
        for job in stage.kernels(spec.config).values():
            job()
    data = preparation.dataset
    for stage in PIPELINE:
        data = stage(direct, data)
    return in_turn


def main() -> None:
    """Print a table."""
    options = parsed(__doc__ or "", cells=(50_000, "twelve-channel stamps"))
    print(machine("prefect", "distributed"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = write_stamps(folder / "few", count=START)
        many = write_stamps(folder / "many", count=options.cells)
        run_by_command(few, output=folder / "warm")  # compiles
        start = run_by_command(few, output=folder / "start")
        full = run_by_command(many, output=folder / "run")
        direct_start = run_directly(few, output=folder / "direct-start")
        direct = run_directly(many, output=folder / "direct")
    work = direct.seconds.total()
    tasks = direct.number.total()
    print(
        f"\n{options.cells:,} stamps, {tasks} tasks, {work:.1f} s of them called directly ({work / tasks:.2f} s each)"
    )
    for task, seconds in direct.seconds.items():
        print(f"    {task}: {direct.number[task]} of {seconds / direct.number[task]:.3f} s")
    part = {kind: full[kind] for kind in ("flow and scheduler", "server")} | {"worker": full["worker"] - work}
    once = {kind: start[kind] for kind in part} | {"worker": start["worker"] - direct_start.seconds.total()}
    print(f"\n{'':20}{'s':>8}{'start, s':>10}{'ms a task':>11}{'% of tasks':>12}")
    rows = [*part, "together"]
    part["together"], once["together"] = sum(part.values()), sum(once.values())
    more = tasks - direct_start.number.total()
    for kind in rows:
        each = 1000 * (part[kind] - once[kind]) / more
        print(f"{kind:20}{part[kind]:8.1f}{once[kind]:10.1f}{each:11.1f}{100 * part[kind] / work:12.1f}")


if __name__ == "__main__":
    main()
