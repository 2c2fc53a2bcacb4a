"""What the command line does, once its arguments are read."""

import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from flows.config import Config, load_config
from flows.example import example_config, example_inputs
from flows.lock import only_run_in
from flows.plan import print_plan
from flows.preview import write_preview
from tasks.core.errors import InputError
from tasks.core.layout import Layout
from tasks.core.work import discard_results
from tasks.ingest.listing import Ingested, list_images

NO_CONFIG = """INPUT needs a --config that says how the cells are found. Two to start from:
  mask: {methods: [li], main_channel: BF}                                       # stamps of one cell each
  segment: {objects: {nucleus: {method: watershed, channel: DAPI, diameter: 20}}}   # fields of many cells
More stand in deployments/configs/; --plan checks one, --preview shows what it finds"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Arguments that are checked: the configuration is valid and the inputs are there."""

    inputs: list[str]
    config: Config
    output: Path
    limit: int | None
    listed: Ingested
    layout: Layout

    @classmethod
    def of(cls, inputs: list[str], *, config: Path | None, output: Path, limit: int | None) -> "Command":
        """Check the arguments; nothing is computed yet.

        Raises
        ------
        UserError
            The configuration or an input is wrong.
        """
        if inputs and config is None:
            raise InputError(NO_CONFIG)
        if output.exists() and not output.is_dir():
            raise InputError(f"--output: {output} is a file; give a folder, which need not exist")
        parsed = example_config() if config is None else load_config(config)
        where = inputs or example_inputs(output, seed=parsed.run.seed)
        listed, _, _ = list_images(
            where,
            config=parsed.load,
            partition_size=parsed.run.partition_size,
            limit=limit,
            seed=parsed.run.seed,
            work=output.resolve() / "work",
        )
        layout = parsed.layout(channels=listed.channels, groups=listed.groups, numbered=listed.numbered)
        return cls(inputs=where, config=parsed, output=output, limit=limit, listed=listed, layout=layout)

    def plan(self, *, verbose: bool) -> None:
        """Show what would be done."""
        print_plan(Console(), config=self.config, listed=self.listed, layout=self.layout, verbose=verbose)

    def preview(self, count: int) -> None:
        """Find the cells in a few images and draw them."""
        write_preview(
            self.output / "preview.png",
            console=Console(),
            inputs=self.inputs,
            count=count,
            config=self.config,
            layout=self.layout,
            channels=self.listed.channels,
        )

    def start_over(self, *, confirmed: bool) -> None:
        """Discard finished results of earlier runs, and nothing else."""
        if not confirmed:
            raise InputError("nothing was discarded and nothing was run; leave --fresh out to resume")
        with only_run_in(self.output):
            discard_results(self.output / "work")

    def run(self, *, cluster: str, workers: int | None, verbose: bool) -> None:
        """Run the pipeline, with a Prefect server of its own where none is configured."""
        console = Console(stderr=True)
        os.environ["PREFECT_LOGGING_LEVEL"] = "INFO" if verbose else "CRITICAL"
        os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
        with ExitStack() as stack:
            if _needs_server():
                from infra.api_server import api_server  # noqa: PLC0415

                console.print("starting a local Prefect server", highlight=False)
                server = stack.enter_context(api_server())
                from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: PLC0415

                import flows.preprocess  # noqa: F401, PLC0415 - imports while the server starts

                # Worker processes read the environment, this process its settings.
                os.environ["PREFECT_API_URL"] = url = server.wait()
                stack.callback(os.environ.pop, "PREFECT_API_URL")
                stack.callback(_send_what_waits)
                stack.enter_context(temporary_settings(updates={PREFECT_API_URL: url}))
            from flows.preprocess import preprocess  # noqa: PLC0415
            from flows.progress import BarProgress, LineProgress, show_progress  # noqa: PLC0415

            logging.getLogger("distributed").setLevel(logging.ERROR)
            lines = LineProgress(lambda line: console.print(line, highlight=False))
            show_progress(BarProgress(console) if console.is_terminal else lines)
            summary = preprocess(
                config=self.config,
                inputs=self.inputs,
                output=str(self.output),
                cluster=cluster,
                workers=workers,
                limit=self.limit,
            )
            Console().print(summary.render())


def _send_what_waits() -> None:
    """Let Prefect's background threads send their last events and log lines while the server still listens."""
    from prefect.events.worker import EventsWorker  # noqa: PLC0415
    from prefect.logging.handlers import APILogWorker  # noqa: PLC0415

    for worker in (EventsWorker, APILogWorker):
        worker.drain_all(timeout=10)


def _needs_server() -> bool:
    """Whether neither the environment nor the Prefect profile names an API."""
    if os.environ.get("PREFECT_API_URL"):
        return False
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    return PREFECT_API_URL.value() is None
