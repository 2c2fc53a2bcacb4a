"""A client of the Prefect server that PREFECT_API_URL names; here none is started."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from tasks.core.errors import ConfigError, RunError


def api_address() -> str:
    """Return the address of the API that the environment or a profile of Prefect names.

    Raises
    ------
    ConfigError
        None is named; Prefect would start a server of its own.
    """
    url: str | None = PREFECT_API_URL.value()
    if url is None:
        raise ConfigError(
            "PREFECT_API_URL is not set; start a server (prefect server start), and name its address, such as "
            "http://127.0.0.1:4200/api"
        )
    return url


@contextmanager
def connected() -> Iterator[SyncPrefectClient]:
    """Give a client.

    Raises
    ------
    ConfigError
        No server is named.
    RunError
        It does not answer, or refuses.
    """
    url = api_address()
    try:
        with get_client(sync_client=True) as client:
            yield client
    except httpx.TransportError as error:
        raise RunError(f"no Prefect API answers at {url}: {error}; start it, or correct PREFECT_API_URL") from error
    except PrefectHTTPStatusError as error:
        raise RunError(f"the Prefect API at {url} refuses: {error}") from error
