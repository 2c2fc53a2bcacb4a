"""Prints what a cluster file makes of jobs: ``python -m infra.job_script CLUSTER``."""

from typing import Annotated

import typer

from infra.clusters.find import find_cluster
from infra.clusters.model import Batch
from infra.clusters.pool import Pool
from tasks.core.errors import ConfigError, UserError, suggestion

USAGE = 2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="A name or YAML file of infra/clusters.")],
    *,
    pool: Annotated[str | None, typer.Option(metavar="NAME", help="Only the script of this pool.")] = None,
) -> None:
    """Print the job scripts of a cluster's pools, submit none; words in capitals are known once a run starts."""
    try:
        scripts = job_scripts(cluster, pool=pool)
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from error
    for name, script in scripts.items():
        if len(scripts) > 1:
            typer.echo(f"# pool {name}\n")
        typer.echo(script)


def job_scripts(cluster: str, *, pool: str | None) -> dict[str, str]:
    """Write the script of each pool, or of one.

    Raises
    ------
    ConfigError
        The cluster has no jobs, or no such pool.
    """
    batch = find_cluster(cluster)
    if not isinstance(batch, Batch):
        raise ConfigError(
            f"the cluster {cluster!r} is of kind {batch.kind}, which has no jobs; give one that has pools"
        )
    pools = {entry.name: entry for entry in batch.pools}
    if pool is not None and pool not in pools:
        raise ConfigError(f"--pool: got {pool!r}; {suggestion(pool, pools)}")
    return {name: _script(batch, entry) for name, entry in pools.items() if pool in {None, name}}


def _script(batch: Batch, pool: Pool) -> str:
    from distributed.security import Security  # noqa: PLC0415 - --help needs no Dask

    from infra.clusters.jobs import describe_job, job_script  # noqa: PLC0415

    shared = batch.folder.expanduser() / "RUN"
    pem = str(shared / "CERTIFICATE.pem")
    security = Security(tls_ca_file=pem, tls_worker_cert=pem, tls_worker_key=pem, require_encryption=True)
    spec = describe_job(batch, pool, run="RUN", security=security, shared=shared)
    return job_script(spec, scheduler="tls://SCHEDULER:PORT", name=f"{pool.name}-0")


if __name__ == "__main__":
    app(prog_name="python -m infra.job_script")
