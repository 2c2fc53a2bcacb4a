"""The command line: ``python -m infra.watch_folder FOLDER --deployment NAME --output DIR --marker FILE``."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from infra.watch_folder.memory import Memory, keep, only_watch_in, recall
from infra.watch_folder.watch import Complete, leave_out_present, look_once
from tasks.core.errors import ConfigError, UserError
from tasks.core.yaml_text import parse_yaml

USAGE = 2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="Each of its subfolders is an acquisition.")],
    *,
    deployment: Annotated[str, typer.Option(metavar="FLOW/NAME", help="Such as preprocess/workstation.")],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Gets a folder of results for each acquisition.")],
    marker: Annotated[
        str | None, typer.Option(metavar="FILE", help="Complete is what holds this file (or glob pattern).")
    ] = None,
    quiet_minutes: Annotated[
        float | None, typer.Option(metavar="N", min=0, help="Complete is what did not change for so long.")
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML: parameters of the flow; default the deployment's.")
    ] = None,
    only_new: Annotated[
        bool, typer.Option("--only-new", help="At the first start: leave out what is there already.")
    ] = False,
    every: Annotated[float, typer.Option(metavar="SECONDS", min=1, help="How often to look.")] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end, as from cron.")] = False,
) -> None:
    """Start a flow run for each acquisition once it is complete, on the server that PREFECT_API_URL names.

    What was started is remembered in the output folder. While the server or the folder is away, it waits.
    """
    try:
        complete = _complete(marker, quiet_minutes)
        folder, output = folder.expanduser().resolve(), output.expanduser().resolve()
        if not folder.is_dir():
            raise ConfigError(f"got {folder}, which is no folder")
        if output.is_relative_to(folder):
            raise ConfigError(f"--output: got {output} within {folder}; its results would be taken for acquisitions")
        given = _read(parameters)
        from infra.work_pools.connection import api_address  # noqa: PLC0415 - imports Prefect, which mistakes do without

        api_address()
        with only_watch_in(output):
            memory = recall(output, folder=str(folder), deployment=deployment)
            if memory is None:
                memory = Memory(folder=str(folder), deployment=deployment)
                memory = leave_out_present(memory, folder=folder) if only_new else memory
                keep(output, memory)
            start = partial(_start, deployment=deployment, output=output, parameters=given)
            _watch(memory, folder=folder, output=output, complete=complete, start=start, every=None if once else every)
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error


def _watch(
    memory: Memory,
    *,
    folder: Path,
    output: Path,
    complete: Complete,
    start: Callable[[Path], str],
    every: float | None,
) -> None:
    """Look again and again; once where `every` is None."""
    from infra.watch_folder.start import Away  # noqa: PLC0415 - as above

    def note(new: Memory) -> None:
        nonlocal memory
        memory = new
        keep(output, new)

    problem = ""
    while True:
        try:
            look_once(memory, folder=folder, complete=complete, now=time.time(), start=start, keep=note)
            now = ""
        except (Away, OSError) as error:
            now = str(error)
        if now != problem:  # said once, not each minute
            _say(f"waiting: {now}" if now else "goes on")
            problem = now
        if every is None:
            return
        time.sleep(every)


def _start(acquisition: Path, *, deployment: str, output: Path, parameters: dict[str, Any]) -> str:
    from infra.watch_folder.start import start_run  # noqa: PLC0415 - as above

    place = output / acquisition.name
    flow_run = start_run(deployment, acquisition=acquisition, output=place, parameters=parameters)
    _say(f"{acquisition.name} is complete: flow run {flow_run}, output {place}")
    return flow_run


def _complete(marker: str | None, quiet_minutes: float | None) -> Complete:
    if (marker is None) == (quiet_minutes is None):
        raise ConfigError("expected one of --marker FILE and --quiet-minutes N, which say when one is complete")
    if marker is not None and (not marker or Path(marker).is_absolute() or ".." in Path(marker).parts):
        raise ConfigError(f"--marker: got {marker!r}; expected a name within the acquisition's folder")
    return Complete(marker=marker, quiet=None if quiet_minutes is None else timedelta(minutes=quiet_minutes))


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"--parameters: {path} cannot be read as YAML: {error}") from error
    if not isinstance(content, dict) or {"inputs", "output"} & set(content):
        raise ConfigError(
            f"--parameters: {path}: expected parameters by name, without inputs and output, which are set"
        )
    return content


def _say(line: str) -> None:
    typer.echo(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {line}")


if __name__ == "__main__":
    app(prog_name="python -m infra.watch_folder")
