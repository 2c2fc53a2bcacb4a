"""The command line: ``python -m flows.preprocess``."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.engine.stop import Stopped
from tasks.core.errors import InputError, RunError, UserError

FAILED, USAGE, STOPPED = 1, 2, 130

HELP = """Images of cells in, one row of features per cell out.

\b
Exit status:
  0    done
  1    the run failed, or too many images were quarantined
  2    an error in usage, configuration or input
  130  stopped by you (143 by the batch system)
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="Files, folders or glob patterns of images. None: a small example data set is generated and processed.",
    ),
]


@app.command(help=HELP)
def preprocess(
    context: typer.Context,
    inputs: Inputs = None,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="YAML file that says what is done to the images; the run.json of a run repeats that."
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the results; a second run into it resumes.")
    ] = Path("output"),
    cluster: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE|ADDRESS",
            help="local (this machine), a name or YAML file of infra/clusters, or a scheduler's address.",
        ),
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; default one per core.", min=1, metavar="N")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Work on a random but repeatable sample of N images.", min=1, metavar="N")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Check configuration and inputs, show what would be done, run nothing.")
    ] = False,
    preview: Annotated[
        int | None,
        typer.Option(help="Find the cells in N images, write a picture with outlines, and stop.", min=1, metavar="N"),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Discard finished parts of an earlier run instead of resuming; asks first.")
    ] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove work/, from which a finished run would be resumed, and stop.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show every column in the plan, every log line, every traceback.")
    ] = False,
) -> None:
    """Check the arguments, then plan, preview or run."""
    with _told(verbose=verbose):
        if clean:
            _clean(output, yes=yes)
            return
        looks = _only_looks(plan=plan, preview=preview)
        if fresh and not looks:
            _can_confirm(yes=yes)
        from flows.terminal.command import Command  # noqa: PLC0415 - --help needs none of it

        command = Command.of(inputs or [], config=config, output=output, limit=limit, cluster=cluster, workers=workers)
        if plan:
            command.plan(verbose=verbose)
        elif preview is not None:
            command.preview(preview)
        else:
            if fresh and command.resumes:
                if not yes:
                    typer.confirm(f"Discard the finished parts of the earlier run in {output}?", abort=True, err=True)
                command.start_over()
            command.run(context.obj, verbose=verbose)


def _only_looks(*, plan: bool, preview: int | None) -> bool:
    if plan and preview is not None:
        raise InputError(
            "--plan and --preview exclude each other; give one of them: --plan looks for no cells, --preview does"
        )
    return plan or preview is not None


def _can_confirm(*, yes: bool, option: str = "--fresh") -> None:
    if not (yes or sys.stdin.isatty()):
        raise InputError(f"{option} discards the finished parts of an earlier run; confirm it with --yes")


def _clean(output: Path, *, yes: bool) -> None:
    from flows.engine.cleaning import clean  # noqa: PLC0415 - --help needs none of it

    _can_confirm(yes=yes, option="--clean")
    if not yes:
        typer.confirm(f"Remove the stages' own files in {output / 'work'}?", abort=True, err=True)
    _say(f"{clean(output.resolve()) / 1e6:,.1f} MB removed from {output / 'work'}")


@contextmanager
def _told(*, verbose: bool) -> Iterator[None]:
    """Tell errors in a few lines, and exit with their status."""
    try:
        yield
    except UserError as error:
        _tell(str(error))
        raise typer.Exit(USAGE) from error
    except RunError as error:
        _tell(str(error))
        raise typer.Exit(FAILED) from error
    except Stopped as error:
        _say("stopped; what is finished is kept, and the same command goes on from there")
        raise typer.Exit(error.status) from error
    except (KeyboardInterrupt, typer.Abort) as error:
        _say("stopped; nothing was run")
        raise typer.Exit(STOPPED) from error
    except Exception as error:
        if verbose:
            traceback.print_exc()
        _tell(f"{type(error).__name__}: {error}" + ("" if verbose else " (--verbose shows where)"))
        raise typer.Exit(FAILED) from error


def _say(message: str) -> None:
    with suppress(OSError):  # the terminal may be gone
        Console(stderr=True, soft_wrap=True, markup=False, highlight=False).print(message)


def _tell(message: str) -> None:
    with suppress(OSError):
        Console(stderr=True).print("[bold red]error:[/] ", end="")
    _say(message)


def main(flow: str = "flows.preprocess:preprocess") -> None:
    """Run the command line.

    Parameters
    ----------
    flow
        Module and name of the flow that it runs; imported for a run alone, since Prefect takes two seconds for that.
    """
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # Each worker process would run this module once more as it starts, under another name.
    sys.modules["__main__"].__spec__ = ModuleSpec("flows.__main__", None)  # a name that multiprocessing leaves alone
    app(prog_name="python -m flows.preprocess", obj=flow)
