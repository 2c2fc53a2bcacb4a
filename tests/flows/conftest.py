"""One Prefect API and one Dask scheduler for all tests that run flows."""

import os
from collections.abc import Iterator

import dask
import pytest
from distributed import LocalCluster
from prefect.logging.configuration import setup_logging
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings

from infra.api_server import api_server
from infra.running import DASK_SETTINGS


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """Start a server; flows of this process and their workers use it."""
    with api_server() as server:
        url = server.wait()
        settings = {PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: server.secret, PREFECT_LOGGING_LEVEL: "CRITICAL"}
        with temporary_settings(updates=settings), pytest.MonkeyPatch.context() as patch:
            patch.setenv("PREFECT_API_SSL_CERT_FILE", str(server.certificate))
            for setting, value in settings.items():
                patch.setitem(os.environ, setting.name, value)
            setup_logging()
            yield url


@pytest.fixture(scope="session")
def scheduler(prefect_api: str) -> Iterator[str]:
    """Start a scheduler with two workers, and return its address.

    The workers are threads of this process, to which everything comes over a socket all the same. Processes, TLS and
    signals are looked at by tests/infra/test_local_cluster.py and tests/flows/test_cli_runs.py.
    """
    del prefect_api
    resources = {"resources": {"CPU": 1, "GPU": 1}}
    listening = {"host": "127.0.0.1", "protocol": "tcp", "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set(DASK_SETTINGS),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, **listening, **resources) as cluster,
    ):
        yield cluster.scheduler_address
