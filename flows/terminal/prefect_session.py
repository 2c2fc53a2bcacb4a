"""Prefect within this process: its settings, its log, and the threads that talk to its API."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging.configuration import setup_logging
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    PREFECT_INTERNAL_LOGGING_LEVEL,
    PREFECT_LOGGING_LEVEL,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)

from tasks.core.errors import ConfigError, RunError

ANSWER_SECONDS = 10.0
"""How long a Prefect API that should run may take to answer."""

SEND_SECONDS = 5.0
"""How long the last events and log lines may take to be sent."""

SETTINGS = {
    setting.name: setting
    for setting in (
        PREFECT_API_AUTH_STRING,
        PREFECT_API_SSL_CERT_FILE,
        PREFECT_API_URL,
        PREFECT_INTERNAL_LOGGING_LEVEL,
        PREFECT_LOGGING_LEVEL,
        PREFECT_LOGGING_TO_API_ENABLED,
    )
}


def check_configured_api() -> bool:
    """Whether an API is configured.

    Raises
    ------
    RunError
        It does not answer.
    ConfigError
        It demands another log-in.
    """
    url = PREFECT_API_URL.value()
    if url is None:
        return False
    client = get_client(sync_client=True, httpx_settings={"timeout": ANSWER_SECONDS})
    problem = client.api_healthcheck()
    if problem is not None:
        raise RunError(
            f"no Prefect API answers at {url}, which PREFECT_API_URL or the Prefect profile names: {problem}; start it "
            "with `prefect server start`, or unset it, and a local server is started for this run"
        )
    try:
        client.api_version()  # its health it tells to everybody
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise
        raise ConfigError(
            f"PREFECT_API_AUTH_STRING is {'not set' if PREFECT_API_AUTH_STRING.value() is None else 'wrong'}: the "
            f"Prefect API at {url} demands a log-in, name:password; `python -m infra.server client` prints that of the "
            "server that it runs"
        ) from error
    return True


@contextmanager
def prefect_session(variables: Mapping[str, str], *, verbose: bool) -> Iterator[None]:
    """Let Prefect take settings that are in the environment by now, and send at the end what its threads still hold.

    Parameters
    ----------
    variables
        Names and values of environment variables; Prefect may have been imported before they were set.
    verbose
        Whether Dask's log is shown, too.
    """
    with temporary_settings(updates={SETTINGS[name]: value for name, value in variables.items() if name in SETTINGS}):
        setup_logging()
        logging.getLogger("distributed").setLevel("INFO" if verbose else "CRITICAL")
        try:
            yield
        finally:
            for worker in (EventsWorker, APILogWorker):
                worker.drain_all(timeout=SEND_SECONDS)
