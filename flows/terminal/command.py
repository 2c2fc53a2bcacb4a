"""What the command line does, once its arguments are read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from flows.config import load_config
from flows.engine.example import example_config
from flows.engine.preparation import Preparation, RunSpec
from flows.engine.prepare import prepare
from flows.pipeline import PIPELINE
from flows.terminal.repeat import RecordedRun, read_recorded
from tasks.core.errors import InputError
from tasks.core.file_names import RUN
from tasks.core.work import discard_results

if TYPE_CHECKING:
    from flows.engine.summary import Summary

NO_CONFIG = """INPUT needs a --config that says how the cells are found. Two to start from:
  mask: {methods: [li], main_channel: BF}                                       # stamps of one cell each
  segment: {objects: {nucleus: {method: model, channel: DAPI}}}   # fields of many cells
More are in deployments/configs/; --plan checks one, --preview shows what it finds"""

UNBROKEN = 1000
"""Characters of a line that goes into a file or a pipe: no path is cut there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Arguments whose configuration is valid.

    Parameters
    ----------
    output
        The output folder as the user wrote it.
    recorded
        The run that is repeated on its own inputs, if one is.
    """

    spec: RunSpec
    output: Path
    recorded: RecordedRun | None = None

    @classmethod
    def of(
        cls,
        inputs: list[str],
        *,
        config: Path | None,
        output: Path,
        limit: int | None,
        cluster: str = "local",
        workers: int | None = None,
    ) -> "Command":
        """Read the configuration, or the record of a run: its inputs and sample are taken over unless some are given.

        Raises
        ------
        UserError
            It is wrong or missing.
        """
        if inputs and config is None:
            raise InputError(NO_CONFIG)
        recorded = None if config is None else read_recorded(config)
        if recorded is not None:
            parsed = recorded.config
            _note(recorded.notes())
        else:
            parsed = example_config() if config is None else load_config(config)
        repeated = None if inputs else recorded
        if repeated is not None and limit not in {None, repeated.limit}:
            raise InputError(
                f"--limit: got {limit}, and {repeated.path} was made with {repeated.limit or 'all images'}; leave "
                "it out to repeat that run, or give INPUT to take over its configuration alone"
            )
        spec = RunSpec(
            config=parsed,
            inputs=tuple(inputs) if repeated is None else repeated.inputs,
            output=output.resolve(),
            cluster=cluster,
            workers=workers,
            limit=limit if repeated is None else repeated.limit,
        )
        return cls(spec=spec, output=output, recorded=repeated)

    def prepare(self) -> Preparation:
        """Check inputs, output and cluster."""
        preparation = prepare(self.spec, stages=PIPELINE)
        self.check(preparation)
        return preparation

    def check(self, preparation: Preparation) -> None:
        """Compare the inputs with those of the run that is repeated.

        Raises
        ------
        InputError
            They are others.
        """
        if self.recorded is not None:
            _note(self.recorded.check_inputs(preparation))

    def plan(self, *, verbose: bool) -> None:
        """Show what would be done."""
        from flows.terminal.plan import print_plan  # noqa: PLC0415

        print_plan(make_console(), self.prepare(), stages=PIPELINE, verbose=verbose)

    def preview(self, count: int) -> None:
        """Find the cells in a few images and draw them."""
        from flows.terminal.preview import write_preview  # noqa: PLC0415 - matplotlib takes a second, for this alone

        write_preview(self.output / "preview.png", self.prepare(), console=make_console(), count=count)

    @property
    def resumes(self) -> bool:
        """Whether the output folder holds an earlier run."""
        return (self.output / RUN).exists()

    def start_over(self) -> None:
        """Discard finished results of earlier runs, and nothing else."""
        from flows.engine.lock import only_run_in  # noqa: PLC0415

        with only_run_in(self.output):
            discard_results(self.output / "work")

    def run(self, flow: str, *, verbose: bool) -> None:
        """Run the pipeline, with a Prefect server of its own where none is configured.

        Raises
        ------
        Stopped
            By Ctrl-C, or by the batch system.
        """
        from flows.terminal.run import run_flow  # noqa: PLC0415 - for a run alone

        summary: Summary = run_flow(
            flow, self.spec, check=self.check, console=make_console(stderr=True), verbose=verbose
        )
        from flows.terminal.summary import render_summary  # noqa: PLC0415 - imports Prefect, which takes two seconds

        make_console().print(render_summary(summary, output=str(self.output)))


def _note(lines: list[str]) -> None:
    for line in lines:
        make_console(stderr=True).print(f"note: {line}", markup=False, highlight=False, soft_wrap=True)


def make_console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal; lines that go elsewhere are not broken."""
    console = Console(stderr=stderr)
    if not console.is_terminal:
        console.width = UNBROKEN
    return console
