"""What the command line does, once its arguments are read."""

import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.events.worker import EventsWorker
from prefect.logging.configuration import setup_logging
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings
from rich.console import Console

from flows.config import Config, load_config
from flows.example import example_config, example_inputs
from flows.lock import only_run_in
from flows.plan import print_plan
from flows.preprocess import preprocess
from flows.preview import write_preview
from flows.progress import BarProgress, LineProgress, show_progress
from infra.api_server import api_server
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
        with ExitStack() as stack:
            level = "INFO" if verbose else "CRITICAL"
            _set(stack, {PREFECT_LOGGING_LEVEL: level})
            os.environ["DASK_LOGGING__DISTRIBUTED"] = "info" if verbose else "error"
            if PREFECT_API_URL.value() is None:
                console.print("starting a local Prefect server", highlight=False)
                server = stack.enter_context(api_server())
                _set(stack, {PREFECT_API_URL: server.wait()})
                stack.callback(_send_what_waits)
            setup_logging()
            logging.getLogger("distributed").setLevel(level)
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


def _set(stack: ExitStack, settings: dict[Any, str]) -> None:
    """Change settings for this process, and for the workers, which read the environment."""
    stack.enter_context(temporary_settings(updates=settings))
    for setting, value in settings.items():
        os.environ[setting.name] = value


def _send_what_waits() -> None:
    """Let Prefect's background threads send their last events and log lines while the server still listens."""
    for worker in (EventsWorker, APILogWorker):
        worker.drain_all(timeout=10)
