"""The command line: ``python -m infra.work_pools``."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from infra.clusters.find import find_cluster
from infra.clusters.model import Batch
from infra.work_pools.template import hpc_template, workstation_template
from infra.work_pools.unit import unit, worker_command
from tasks.core.errors import ConfigError, RunError, UserError, suggestion

FAILED, USAGE = 1, 2

LIMITS = {"workstation": 1, "hpc": 4}
"""Flow runs at a time: one takes a whole workstation; of a batch system each asks for its own nodes."""

ABOUT = {
    "workstation": "flow runs are processes of the worker's machine.",
    "hpc": "flow runs are jobs of a batch system, which the worker submits.",
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    kind: Annotated[Literal["workstation", "hpc"], typer.Argument(help="Where flow runs are carried out.")],
    *,
    up: Annotated[
        bool, typer.Option("--up", help="Make the pool and the automations, or bring them up to date.")
    ] = False,
    down: Annotated[bool, typer.Option("--down", help="Remove what --up has made.")] = False,
    print_unit: Annotated[bool, typer.Option("--unit", help="Print a systemd user unit for the worker.")] = False,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the pool; default its kind.")] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Flow runs at a time; default 1, hpc: 4.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(metavar="DIR", help="Where relative paths of inputs and outputs begin.")
    ] = Path(),
    cluster: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="For hpc: cluster file that says what the jobs are like.")
    ] = None,
    pool: Annotated[
        str | None, typer.Option(metavar="NAME", help="For hpc: its pool for flow runs; default the first.")
    ] = None,
    silence: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS",
            min=90,
            help="A run without heartbeat for so long has crashed; default as it is set, at first 540.",
        ),
    ] = None,
    notify: Annotated[
        str | None,
        typer.Option(metavar="TYPE/NAME", help="Block that tells of runs that failed, such as custom-webhook/lab."),
    ] = None,
) -> None:
    """Set up a work pool on the Prefect server of PREFECT_API_URL, or remove it; no worker is started or stopped.

    Both can be repeated. What somebody else has made is left alone.
    """
    name = name or kind
    try:
        if up + down + print_unit != 1:
            raise ConfigError("expected one of --up, --down and --unit")
        folder = folder.expanduser().resolve()
        if print_unit:
            typer.echo(unit(name, folder=folder), nl=False)
        elif down:
            _down(name, tell=typer.echo)
        else:
            if not folder.is_dir():
                raise ConfigError(f"--folder: got {folder}, which is no folder; make it, or give another one")
            _up(
                name,
                about=ABOUT[kind],
                template=_hpc(folder, cluster=cluster, pool=pool)
                if kind == "hpc"
                else workstation_template(folder=folder),
                limit=limit or LIMITS[kind],
                silence=None if silence is None else timedelta(seconds=silence),
                notify=notify,
                tell=typer.echo,
            )
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from error
    except RunError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(FAILED) from error


def _hpc(folder: Path, *, cluster: str | None, pool: str | None) -> dict[str, object]:
    """Check the cluster file, and describe the pool by it."""
    if cluster is None:
        raise ConfigError("--cluster: hpc needs a cluster file, a copy of one of infra/clusters; see docs/clusters.md")
    batch = find_cluster(cluster)
    if not isinstance(batch, Batch):
        raise ConfigError(f"--cluster: got {cluster!r} of kind {batch.kind}; expected one of a batch system")
    names = [entry.name for entry in batch.pools]
    if pool is not None and pool not in names:
        raise ConfigError(f"--pool: got {pool!r}; {suggestion(pool, names)}")
    path = Path(cluster)
    place = str(path.resolve()) if path.is_file() else cluster  # the worker may run in another folder
    return hpc_template(folder=folder, cluster=place, pool=pool or names[0])


def _up(
    name: str,
    *,
    about: str,
    template: dict[str, object],
    limit: int,
    silence: timedelta | None,
    notify: str | None,
    tell: Callable[[str], None],
) -> None:
    # Prefect takes two seconds to import: --help and mistakes need none of it.
    from infra.work_pools.automations import (  # noqa: PLC0415
        find_block,
        notify_automation,
        set_automation,
        set_silence,
    )
    from infra.work_pools.connection import connected  # noqa: PLC0415
    from infra.work_pools.pools import set_pool  # noqa: PLC0415

    with connected() as client:
        block = None if notify is None else find_block(client, notify)
        new = set_pool(client, name, about=about, template=template, limit=limit)
        tell(f"work pool {name} is {'made' if new else 'up to date'}; flow runs at a time: {limit}")
        set_silence(client, silence)
        tell("a run whose heartbeats stop is marked as crashed")
        if block is not None:
            set_automation(client, notify_automation(block=block))
            tell(f"{notify} tells of runs that failed or crashed")
    tell(f"its worker, which you start: {worker_command(name)}")


def _down(name: str, *, tell: Callable[[str], None]) -> None:
    from infra.work_pools.automations import remove_automations  # noqa: PLC0415 - as above
    from infra.work_pools.connection import connected  # noqa: PLC0415
    from infra.work_pools.pools import any_pool, remove_pool  # noqa: PLC0415

    with connected() as client:
        removed = remove_pool(client, name)
        tell(f"work pool {name} is removed" if removed else f"there is no work pool {name}")
        if not any_pool(client):
            remove_automations(client)
            tell("the automations are removed")


if __name__ == "__main__":
    app(prog_name="python -m infra.work_pools")
