"""Memory by which each further task makes the flow's process (with the scheduler) and the API server grow.

A flow has so many tasks of ``sleep(0)`` done, through all of the engine, on one worker; the resident memory of both
processes is read before anything is closed.

    python -m benchmarks.growth --tasks 1000 4000
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from prefect import flow, task
from rich.console import Console

from benchmarks.programs import ROOT, machine, parsed
from flows.config import Config
from flows.engine.example import example_config
from flows.engine.preparation import RunSpec
from flows.engine.prepare import reserved
from flows.engine.start import started
from flows.pipeline import PIPELINE
from flows.terminal.run import run_flow
from tasks.core.work import StageResult, Stopwatch, result_folder

MEMORY = "memory.json"


@task(name="sleep", version="1")
def sleep(*, number: int, folder: str, run_id: str) -> StageResult:
    """Do nothing, and leave a result."""
    watch = Stopwatch()
    time.sleep(0)
    with result_folder(Path(folder)):
        pass
    return watch.result(folder, run_id=run_id, counts={"number": number})


@flow(name="growth", persist_result=False)
def growth(config: Config, inputs: list[str], output: str, cluster: str, workers: int, limit: int) -> None:
    """Have `limit` tasks done in place of the pipeline, and write down what memory the processes have then."""
    spec = RunSpec(
        config=config, inputs=tuple(inputs), output=Path(output), cluster=cluster, workers=workers, limit=limit
    )
    with reserved(spec, stages=PIPELINE) as preparation, started(preparation, stages=()) as (execution, _):
        mapped = [{"number": number} for number in range(limit)]
        execution.wait(execution.map("sleep", sleep, mapped=mapped, resources={"CPU": 1}))
        own = psutil.Process()
        server = [child for child in own.children() if "infra.api_server" in " ".join(child.cmdline())]
        memory = {"flow": own.memory_info().rss, "server": sum(process.memory_info().rss for process in server)}
        Path(output, MEMORY).write_text(json.dumps(memory), encoding="utf-8")


def measured(tasks: int) -> dict[str, int]:
    """Run the flow in a process of its own."""
    with tempfile.TemporaryDirectory() as output:
        call = f"from benchmarks.growth import run; run({tasks}, {output!r})"
        subprocess.run([sys.executable, "-c", call], cwd=ROOT, check=True)
        memory: dict[str, int] = json.loads(Path(output, MEMORY).read_text(encoding="utf-8"))
    return memory


def run(tasks: int, output: str) -> None:
    """Run the flow as the command line does, beside a server of its own."""
    spec = RunSpec(config=example_config(), inputs=(), output=Path(output).resolve(), workers=1, limit=tasks)
    run_flow("benchmarks.growth:growth", spec, console=Console(quiet=True), verbose=False)


def main() -> None:
    """Print a table."""
    options = parsed(__doc__ or "", tasks=([1000, 4000], "numbers of tasks"))
    print(machine("prefect", "distributed"))
    memory = {count: measured(count) for count in sorted(options.tasks)}
    print(f"{'tasks':>8}{'flow, MB':>12}{'server, MB':>12}")
    for count, of in memory.items():
        print(f"{count:8}{of['flow'] / 1e6:12.1f}{of['server'] / 1e6:12.1f}")
    fewest, most = min(memory), max(memory)
    if most > fewest:
        more = {name: (memory[most][name] - memory[fewest][name]) / (most - fewest) / 1e3 for name in memory[most]}
        each = ", ".join(f"{name} {kilobytes:.1f}" for name, kilobytes in more.items())
        print(f"kB per further task: {each}; {sum(more.values()):.1f} in all")


if __name__ == "__main__":
    main()
