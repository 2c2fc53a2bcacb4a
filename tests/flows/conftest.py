"""One Prefect API for all tests that run flows."""

import os
from collections.abc import Iterator

import pytest
from prefect.logging.configuration import setup_logging
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings

from infra.api_server import api_server


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """Start a server; flows of this process and their workers use it."""
    with api_server() as server:
        url = server.wait()
        settings = {PREFECT_API_URL: url, PREFECT_LOGGING_LEVEL: "CRITICAL"}
        with temporary_settings(updates=settings), pytest.MonkeyPatch.context() as patch:
            for setting, value in settings.items():
                patch.setitem(os.environ, setting.name, value)
            setup_logging()
            yield url
