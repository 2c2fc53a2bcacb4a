"""A flow run started from a terminal: its server, its log, its progress, and how it is stopped."""

import logging
import os
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
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

from flows.engine.preparation import RunSpec
from flows.engine.prepare import reserved
from flows.engine.progress import BarProgress, LineProgress, show_progress
from flows.engine.record import record_stop
from flows.engine.stop import stoppable
from flows.engine.summary import Summary
from flows.pipeline import PIPELINE
from infra.api_server import Server, api_server
from infra.fork_server import start_fork_server
from tasks.core.errors import RunError

ANSWER_SECONDS = 10.0
"""How long a Prefect API that should run may take to answer."""

QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""Keeps Prefect's log off the terminal, not out of the API of a server that stays."""


def run_flow(flow: str, spec: RunSpec, *, console: Console, verbose: bool) -> Summary:
    """Check a run, start a Prefect server where none is configured, and call the flow.

    Parameters
    ----------
    flow
        Module and name of the flow.
    console
        Where progress is shown.

    Raises
    ------
    Stopped
        By Ctrl-C, or by the batch system.
    """

    def tell(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    with stoppable(tell=tell, record=partial(record_stop, spec.output)), ExitStack() as stack:
        if PREFECT_API_URL.value() is not None:
            _check_api(PREFECT_API_URL.value())
        stack.enter_context(reserved(spec, stages=PIPELINE))
        server: Server | None = None
        if PREFECT_API_URL.value() is None:
            tell("starting a local Prefect server")
            server = stack.enter_context(api_server())
            own = {PREFECT_API_URL: server.api, PREFECT_API_SSL_CERT_FILE: str(server.certificate)}
            stack.enter_context(_settings(own | _log_level("INFO" if verbose else "CRITICAL")))
            stack.callback(_send_what_waits)
        else:
            stack.enter_context(_settings(_log_level("INFO"), {} if verbose else QUIET))
        dask_level = "info" if verbose else "error"
        stack.enter_context(_settings({}, {"DASK_LOGGING__DISTRIBUTED": dask_level}))
        tell("starting the workers")
        start_fork_server()
        function = pkgutil.resolve_name(flow)  # imported while server and workers are
        setup_logging()
        logging.getLogger("distributed").setLevel(dask_level.upper())
        show_progress(BarProgress(console) if console.is_terminal else LineProgress(tell))
        if server is not None:
            server.wait()
        summary: Summary = function(
            config=spec.config,
            inputs=list(spec.inputs),
            output=str(spec.output),
            cluster=spec.cluster,
            workers=spec.workers,
            limit=spec.limit,
        )
        return summary


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
