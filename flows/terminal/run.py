"""A flow run started from a terminal: what is started first, so that the rest is imported meanwhile."""

import os
import pkgutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.console import Console

from flows.engine.preparation import Preparation, RunSpec
from flows.engine.prepare import reserved
from flows.engine.progress import BarProgress, LineProgress, show_progress
from flows.engine.record import record_end
from flows.engine.stop import stoppable
from flows.pipeline import PIPELINE
from infra.api_server import Server, api_server
from infra.clusters.find import find_cluster
from infra.clusters.model import Address, Batch, Cluster, Local
from infra.environment import environment
from infra.fork_server import start_fork_server
from tasks.core.errors import ConfigError

if TYPE_CHECKING:
    from flows.engine.summary import Summary


def run_flow(
    flow: str,
    spec: RunSpec,
    *,
    console: Console,
    verbose: bool,
    check: Callable[[Preparation], None] = lambda _: None,
) -> "Summary":
    """Check a run, start a Prefect server where none is configured, and call the flow.

    The server, and the process from which workers are forked, import what they need while this process imports Prefect
    and Dask.

    Parameters
    ----------
    flow
        Module and name of the flow.
    console
        Where progress is shown.
    check
        Called with what is known of the run before anything is started; may refuse it.

    Raises
    ------
    Stopped
        By Ctrl-C, the batch system, or a cancel through Prefect.
    """

    def tell(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    with stoppable(tell=tell, record=partial(record_end, spec.output)) as stop, ExitStack() as stack:
        configured = _configured_api()
        _check_reached_by_nodes(find_cluster(spec.cluster), configured=configured)
        preparation = stack.enter_context(reserved(spec, stages=PIPELINE))
        check(preparation)
        server: Server | None = None
        batch = preparation.cluster if isinstance(preparation.cluster, Batch) else None
        if configured:
            variables = _log_level("INFO") if verbose else QUIET
        else:
            tell("starting a local Prefect server")
            server = stack.enter_context(api_server(batch=batch, give_up=stop.interrupt))
            own = {
                "PREFECT_API_URL": server.api,
                "PREFECT_API_AUTH_STRING": server.secret,
                "PREFECT_API_SSL_CERT_FILE": str(server.certificate),
                "PREFECT_LOGGING_TO_API_ENABLED": "false",  # nobody can ask this server for its log
            }
            variables = own | _log_level("INFO" if verbose else "CRITICAL")
        variables["DASK_LOGGING__DISTRIBUTED"] = "info" if verbose else "error"
        stack.enter_context(environment(variables))
        if isinstance(preparation.cluster, Local):
            tell("starting the workers")
            start_fork_server()
        from flows.terminal.prefect_session import prefect_session  # noqa: PLC0415 - server and workers start meanwhile
        from flows.watching.watching import nobody_watches  # noqa: PLC0415 - as above

        if server is not None:
            nobody_watches()
        function = pkgutil.resolve_name(flow)
        stack.enter_context(prefect_session(variables, verbose=verbose))
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


LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1", "0.0.0.0"))  # noqa: S104 - refused

QUIET = {
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
}
"""Keeps Prefect's log off the terminal, not out of the API of a server that stays."""

PREFECT_FILES = {"prefect.toml": "", ".env": "prefect", "pyproject.toml": "tool.prefect"}
"""Files of the working folder that may hold settings of Prefect, and what stands in them then."""


def _configured_api() -> bool:
    """Whether the environment, a file or a profile of Prefect names an API; that one has to answer.

    Prefect, which takes two seconds to import, is asked only where it is imported already, or there is a file that it
    would read.
    """
    home = Path(os.environ.get("PREFECT_HOME", Path.home() / ".prefect"))
    profiles = os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml")
    files = {Path(name): sign for name, sign in (PREFECT_FILES | {str(profiles): "prefect"}).items()}
    known = "PREFECT_API_URL" in os.environ or "prefect.settings" in sys.modules
    if not known and not any(
        path.is_file() and sign in path.read_text(errors="replace").casefold() for path, sign in files.items()
    ):
        return False
    from flows.terminal.prefect_session import check_configured_api  # noqa: PLC0415 - as above

    return check_configured_api()


def _check_reached_by_nodes(cluster: Cluster, *, configured: bool) -> None:
    """Refuse an API of this machine alone for workers on others."""
    if isinstance(cluster, Batch) and configured:
        from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - imported already

        url = str(PREFECT_API_URL.value())
        if urlsplit(url).hostname in LOOPBACK:
            raise ConfigError(
                f"PREFECT_API_URL: got {url}, which the nodes of the cluster do not reach; name this machine as they "
                "call it, or unset it, and a server is started for this run where they reach it"
            )
    if isinstance(cluster, Address) and not configured and cluster.host_and_port[0] not in LOOPBACK:
        raise ConfigError(
            f"PREFECT_API_URL is not set; the workers of {cluster.address} need a Prefect server that they reach: "
            "start one (prefect server start --host …), and name its address, such as http://host:4200/api"
        )


def _log_level(level: str) -> dict[str, str]:
    return {"PREFECT_LOGGING_LEVEL": level, "PREFECT_INTERNAL_LOGGING_LEVEL": level}
