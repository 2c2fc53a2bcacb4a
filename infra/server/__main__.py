"""The command line: ``python -m infra.server``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from infra.server import backup as backups
from infra.server import service
from infra.server.credentials import LOGIN, credentials, credentials_file
from infra.server.settings import DEFAULT, ServerSettings, read_settings
from tasks.core.errors import RunError, UserError

FAILED, USAGE = 1, 2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def main(
    context: typer.Context,
    settings: Annotated[Path, typer.Option(metavar="FILE", help="Settings; a copy of settings.env.")] = DEFAULT,
) -> None:
    """Run a shared Prefect server with a PostgreSQL of its own.

    Exit status: 0 done; 1 it failed, or the server does not run; 2 an error in usage or settings.
    """
    context.obj = settings


@app.command()
def up(context: typer.Context) -> None:
    """Start the server in the background; the first time, make passwords and database."""
    with _told():
        settings = _settings(context)
        service.up(settings, path=context.obj)
        typer.echo(f"{settings.url} answers; `client` prints what runs need, passwords: {credentials_file(settings)}")


@app.command()
def serve(context: typer.Context) -> None:
    """Run the server in the foreground, for systemd; it ends when PostgreSQL or Prefect does."""
    with _told():
        service.serve(_settings(context))


@app.command()
def down(context: typer.Context) -> None:
    """End the server."""
    with _told():
        typer.echo("the server is down" if service.down(_settings(context)) else "no server was running")


@app.command()
def status(context: typer.Context) -> None:
    """Say what runs, and whether it answers and lets the generated log-in in."""
    with _told():
        settings = _settings(context)
        alive = service.running(settings)
        for name in service.Processes.model_fields:
            typer.echo(f"{name}: {f'process {alive[name].process}' if name in alive else 'does not run'}")
        known = credentials_file(settings).exists()
        answers = known and service.answers(settings, login=credentials(settings)[LOGIN])
        typer.echo(f"{settings.url}: {'answers' if answers else 'does not answer'}")
        if not answers or len(alive) < len(service.Processes.model_fields):
            raise typer.Exit(FAILED)


@app.command()
def client(context: typer.Context) -> None:
    """Print the variables of a run that uses the server; they hold the password."""
    with _told():
        settings = _settings(context)
        typer.echo(f"PREFECT_API_URL={settings.api}\nPREFECT_API_AUTH_STRING={credentials(settings)[LOGIN]}")


@app.command()
def secrets(context: typer.Context) -> None:
    """Generate the passwords, unless they are there, and say where; for compose.yaml."""
    with _told():
        settings = _settings(context)
        credentials(settings)
        typer.echo(str(credentials_file(settings)))


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Default: named by the time, in backups/ of the data.")] = None,
) -> None:
    """Write a dump of the database, whether the server runs or not."""
    with _told():
        typer.echo(str(backups.back_up(_settings(context), path=file)))


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Of `backup`.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a back-up in the place of the database; the server has to be down. What was there is backed up first."""
    with _told():
        settings = _settings(context)
        if not yes:
            typer.confirm(f"Replace the database in {settings.server_data} by {file}?", abort=True, err=True)
        before = backups.restore(settings, path=file)
        typer.echo(f"restored; what was there before: {before or 'nothing'}")


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the database to the installed Prefect, after a back-up; the server has to be down."""
    with _told():
        typer.echo(f"upgraded; back-up: {backups.upgrade(_settings(context))}")


def _settings(context: typer.Context) -> ServerSettings:
    return read_settings(context.obj)


@contextmanager
def _told() -> Iterator[None]:
    """Tell errors in a few lines, and exit with their status."""
    try:
        yield
    except (UserError, RunError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE if isinstance(error, UserError) else FAILED) from error


if __name__ == "__main__":
    app(prog_name="python -m infra.server")
