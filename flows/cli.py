"""The command line: ``python -m flows.preprocess``."""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.command import Command
from tasks.core.errors import InputError, RunError, UserError

DONE, FAILED, USAGE, STOPPED = 0, 1, 2, 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[INPUT]...",
        help="Files, folders or glob patterns of images. None: a small example data set is generated and processed.",
    ),
]


@app.command()
def preprocess(
    inputs: Inputs = None,
    *,
    config: Annotated[Path | None, typer.Option(help="YAML file that says what is done to the images.")] = None,
    output: Annotated[Path, typer.Option(help="Folder of the results; a run into the same folder resumes.")] = Path(
        "output"
    ),
    cluster: Annotated[
        str, typer.Option(help="local, a name or YAML file of infra/clusters, or a scheduler's address.")
    ] = "local",
    workers: Annotated[int | None, typer.Option(help="Worker processes; default one per core.", min=1)] = None,
    limit: Annotated[int | None, typer.Option(help="Work on a random sample of N images.", min=1, metavar="N")] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Check configuration and inputs, show what would be done, and stop.")
    ] = False,
    preview: Annotated[
        int | None,
        typer.Option(help="Mask or segment N images, write a picture with outlines, and stop.", min=1, metavar="N"),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over instead of resuming.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before starting over.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show every column, every log line, every traceback.")
    ] = False,
) -> None:
    """Images of cells in, one row of features per cell out.

    Exit status: 0 done; 1 the run failed, or more images were quarantined than run.max_quarantined allows; 2 a usage,
    configuration or input error; 130 stopped.
    """
    try:
        command = Command.of(inputs or [], config=config, output=output, limit=limit)
        if plan:
            command.plan(verbose=verbose)
        elif preview is not None:
            command.preview(preview)
        else:
            if fresh:
                command.start_over(confirmed=yes or _confirm(output))
            command.run(cluster=cluster, workers=workers, verbose=verbose)
    except UserError as error:
        _tell(str(error))
        raise typer.Exit(USAGE) from error
    except RunError as error:
        _tell(str(error))
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        _tell("stopped; what is finished is kept, the same command goes on from there")
        raise typer.Exit(STOPPED) from error
    except Exception as error:
        if verbose:
            traceback.print_exc()
        _tell(f"{type(error).__name__}: {error}" + ("" if verbose else " (--verbose shows where)"))
        raise typer.Exit(FAILED) from error


def _confirm(output: Path) -> bool:
    if not sys.stdin.isatty():
        raise InputError("--fresh discards the finished parts of an earlier run; confirm it with --yes")
    return typer.confirm(f"Discard the finished parts of an earlier run in {output}?")


def _tell(message: str) -> None:
    Console(stderr=True, soft_wrap=True).print("[bold red]error:[/] ", end="")
    Console(stderr=True, soft_wrap=True, markup=False, highlight=False).print(message)


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    app(prog_name="python -m flows.preprocess")
