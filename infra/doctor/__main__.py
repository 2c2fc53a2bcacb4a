"""The command line: ``python -m infra.doctor``."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.clusters.find import find_cluster
from infra.clusters.model import Address, Batch, Cluster
from infra.doctor.check import Check, as_table
from infra.doctor.machine import HERE, check_computing
from infra.doctor.probe import Report, ask_api, look_around
from tasks.core.errors import ConfigError, UserError

FAILED, USAGE = 1, 2

API = "PREFECT_API_URL"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    *,
    cluster: Annotated[
        str, typer.Option(metavar="NAME|FILE|ADDRESS", help="As of a run; batch systems get a small job of each pool.")
    ] = "local",
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for those jobs.", min=1)] = 300.0,
    path: Annotated[
        list[Path] | None, typer.Option(metavar="PATH", help="Images or output folder that nodes have to see, too.")
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Check nothing; cancel jobs and remove certificates of runs that died.")
    ] = False,
    run: Annotated[
        str | None, typer.Option(metavar="ID", help="With --clean: only this run, even if it may still be alive.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --clean: do not ask.")] = False,
) -> None:
    """Check what a run needs, here and on the nodes of a cluster, and say what to do about what is wrong.

    Exit status: 0 all is well; 1 something failed; 2 an error in usage or in the cluster file.
    """
    console = Console(highlight=False)
    try:
        place = find_cluster(cluster)
        if clean:
            _clean(place, run=run, yes=yes)
            return
        with console.status("looking around"):
            checks = list(_checks(place, wait=wait, paths=path or []))
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from error
    console.print(as_table(checks))
    failed = sum(not check.ok for check in checks)
    console.print(f"{failed} of {len(checks)} checks failed" if failed else f"all {len(checks)} checks passed")
    raise typer.Exit(FAILED if failed else 0)


def _checks(cluster: Cluster, *, wait: float, paths: Sequence[Path]) -> Iterator[Check]:
    here = look_around()
    yield from (check(here) for check in HERE)
    yield from check_computing(here)
    if api := os.environ.get(API):
        yield _check_api(api)
    if isinstance(cluster, Batch):
        yield from _check_batch(cluster, here=here, wait=wait, api=api, paths=paths)
    elif isinstance(cluster, Address):
        from infra.doctor.workers import check_scheduler  # noqa: PLC0415 - needs Dask, which other kinds do without

        yield from check_scheduler(cluster, here=here, paths=paths)


def _check_api(api: str) -> Check:
    problem = ask_api(api)
    return Check(
        name="Prefect API",
        ok=not problem,
        seen=f"{api}: {problem or 'answers'}",
        remedy=f"start it (prefect server start), or correct {API}, or unset it: the run then starts its own",
    )


def _check_batch(batch: Batch, *, here: Report, wait: float, api: str | None, paths: Sequence[Path]) -> Iterator[Check]:
    from infra.doctor.batch_system import check_batch  # noqa: PLC0415 - needs Dask, which other kinds do without
    from infra.doctor.jobs import probe_pools  # noqa: PLC0415
    from infra.doctor.nodes import judge  # noqa: PLC0415

    before = check_batch(batch)
    yield from before
    if not all(check.ok for check in before):
        return  # the jobs would say the same, less clearly
    try:
        outcomes = probe_pools(batch, seconds=wait, api=api, paths=paths)
    except ConfigError as error:
        yield Check(name="ports for nodes", ok=False, seen=str(error), remedy="give other `ports` in the cluster file")
        return
    for outcome in outcomes:
        yield from judge(batch, outcome, here=here)


def _clean(cluster: Cluster, *, run: str | None, yes: bool) -> None:
    from infra.clusters.job_states import CannotTell  # noqa: PLC0415
    from infra.doctor.cleaning import Leftover, clean  # noqa: PLC0415

    if not isinstance(cluster, Batch):
        raise ConfigError(f"--clean: got a cluster of kind {cluster.kind}, which has no jobs; give one that has pools")

    def confirm(leftover: Leftover) -> bool:
        return yes or typer.confirm(f"Clean up {leftover}?")

    try:
        clean(cluster, run=run, confirm=confirm, tell=typer.echo)
    except CannotTell as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(FAILED) from error


if __name__ == "__main__":
    app(prog_name="python -m infra.doctor")
