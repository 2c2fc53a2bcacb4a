"""What the command line does, once its arguments are read."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.logging.configuration import setup_logging
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    PREFECT_INTERNAL_LOGGING_LEVEL,
    PREFECT_LOGGING_LEVEL,
    temporary_settings,
)
from rich.console import Console

from flows.config import Config, load_config
from flows.example import example_config, example_inputs
from flows.lock import only_run_in
from flows.plan import print_plan
from flows.preprocess import preprocess
from flows.progress import BarProgress, LineProgress, show_progress
from flows.reuse import check_reused
from flows.stop import stoppable
from infra.api_server import Server, api_server
from infra.cluster import check_cluster, find_cluster
from infra.fork_server import start_fork_server
from tasks.core.errors import InputError, RunError
from tasks.core.layout import Layout
from tasks.core.storage import write_json
from tasks.core.work import discard_results
from tasks.ingest.listing import Ingested, list_images

NO_CONFIG = """INPUT needs a --config that says how the cells are found. Two to start from:
  mask: {methods: [li], main_channel: BF}                                       # stamps of one cell each
  segment: {objects: {nucleus: {method: watershed, channel: DAPI, diameter: 20}}}   # fields of many cells
More stand in deployments/configs/; --plan checks one, --preview shows what it finds"""

UNBROKEN = 1000
"""Characters of a line that goes into a file or a pipe: no path is cut there."""

ANSWER_SECONDS = 10.0
"""How long a Prefect API that should run may take to answer."""

QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""Keeps Prefect's log off the terminal, not out of the API of a server that stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Arguments that are checked: the configuration is valid, the inputs are there, the output can be written."""

    inputs: list[str]
    config: Config
    output: Path
    limit: int | None
    cluster: str
    workers: int | None
    listed: Ingested
    layout: Layout

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
        """Check the arguments; nothing is computed yet.

        Raises
        ------
        UserError
            The configuration, an input, the output or the cluster is wrong.
        """
        if inputs and config is None:
            raise InputError(NO_CONFIG)
        _check_output(output)
        find_cluster(cluster)
        parsed = example_config() if config is None else load_config(config)
        where = inputs or example_inputs(output, seed=parsed.run.seed)
        listed, index, _ = list_images(
            where,
            config=parsed.load,
            partition_size=parsed.run.partition_size,
            limit=limit,
            seed=parsed.run.seed,
            work=output.resolve() / "work",
        )
        layout = parsed.layout(channels=listed.channels, groups=listed.groups, numbered=listed.numbered)
        check_reused(parsed, listed=listed, images=index.lazy(), layout=layout)
        return cls(
            inputs=where,
            config=parsed,
            output=output,
            limit=limit,
            cluster=cluster,
            workers=workers,
            listed=listed,
            layout=layout,
        )

    def plan(self, *, verbose: bool) -> None:
        """Show what would be done."""
        print_plan(make_console(), config=self.config, listed=self.listed, layout=self.layout, verbose=verbose)

    def preview(self, count: int) -> None:
        """Find the cells in a few images and draw them."""
        from flows.preview import write_preview  # noqa: PLC0415 - matplotlib takes a second, for this alone

        write_preview(
            self.output / "preview.png",
            console=make_console(),
            inputs=self.inputs,
            count=count,
            config=self.config,
            layout=self.layout,
            channels=self.listed.channels,
        )

    @property
    def resumes(self) -> bool:
        """Whether the output folder holds an earlier run."""
        return (self.output / "run.json").exists()

    def start_over(self) -> None:
        """Discard finished results of earlier runs, and nothing else."""
        with only_run_in(self.output):
            discard_results(self.output / "work")

    def run(self, *, verbose: bool) -> None:
        """Run the pipeline, with a Prefect server of its own where none is configured.

        Raises
        ------
        Stopped
            By Ctrl-C, or by the batch system.
        """
        console = make_console(stderr=True)

        def tell(line: str) -> None:
            console.print(line, highlight=False, markup=False)

        with stoppable(tell=tell, record=self._record_stop), ExitStack() as stack:
            check_cluster(
                find_cluster(self.cluster),
                workers=self.workers,
                needed=self.config.needed_resources,
                devices={},
            )
            server: Server | None = None
            if PREFECT_API_URL.value() is None:
                tell("starting a local Prefect server")
                server = stack.enter_context(api_server())
                own = {PREFECT_API_URL: server.api, PREFECT_API_SSL_CERT_FILE: str(server.certificate)}
                stack.enter_context(_settings(own | _log_level("INFO" if verbose else "CRITICAL")))
                stack.callback(_send_what_waits)
            else:
                _check_api(PREFECT_API_URL.value())
                stack.enter_context(_settings(_log_level("INFO"), {} if verbose else QUIET))
            setup_logging()
            dask_level = "info" if verbose else "error"
            stack.enter_context(_settings({}, {"DASK_LOGGING__DISTRIBUTED": dask_level}))
            logging.getLogger("distributed").setLevel(dask_level.upper())
            tell("starting the workers")
            start_fork_server()
            if server is not None:
                server.wait()
            show_progress(BarProgress(console) if console.is_terminal else LineProgress(tell))
            summary = preprocess(
                config=self.config,
                inputs=self.inputs,
                output=str(self.output),
                cluster=self.cluster,
                workers=self.workers,
                limit=self.limit,
            )
            shown = summary.model_copy(update={"output": str(self.output)})
            make_console().print(shown.render())

    def _record_stop(self) -> None:
        """Let run.json say that this process's run was stopped, whatever the signal made the run fail with."""
        path = self.output / "run.json"
        if path.is_file():
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["process"] == os.getpid() and content["status"] in {"running", "failed"}:
                ended = datetime.now(UTC).isoformat(timespec="seconds")
                write_json(path, content | {"status": "stopped", "ended": ended, "error": None})


def make_console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal; lines that go elsewhere are not broken."""
    console = Console(stderr=stderr)
    if not console.is_terminal:
        console.width = UNBROKEN
    return console


def _check_output(output: Path) -> None:
    path = output.absolute()
    existing = next(one for one in (path, *path.parents) if one.exists())
    if not existing.is_dir():
        raise InputError(f"--output: {existing} is a file; give a folder, which need not exist")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"--output: you may not write into {existing}; give a folder of your own")


def _check_api(url: str) -> None:
    problem = get_client(sync_client=True, httpx_settings={"timeout": ANSWER_SECONDS}).api_healthcheck()
    if problem is not None:
        raise RunError(
            f"no Prefect API answers at {url}, which PREFECT_API_URL or the Prefect profile names: {problem}; start it "
            "with `prefect server start`, or unset it, and a local server is started for this run"
        )


@contextmanager
def _settings(settings: Mapping[Any, str], environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Change settings for this process, and for the workers, which read the environment."""
    variables = {setting.name: value for setting, value in settings.items()} | dict(environment or {})
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        with temporary_settings(updates=settings):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _log_level(level: str) -> dict[Any, str]:
    return {PREFECT_LOGGING_LEVEL: level, PREFECT_INTERNAL_LOGGING_LEVEL: level}


def _send_what_waits() -> None:
    """Let Prefect's background threads send their last events and log lines while the server still listens."""
    for worker in (EventsWorker, APILogWorker):
        worker.drain_all(timeout=5)
