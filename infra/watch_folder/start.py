"""Starts flow runs of a deployment, each once whatever happens."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from tasks.core.errors import ConfigError


class Away(Exception):  # noqa: N818 - it comes back
    """The API does not answer at the moment."""


def start_run(deployment: str, *, acquisition: Path, output: Path, parameters: Mapping[str, Any]) -> str:
    """Start the flow run of an acquisition, or find the one that was started before, and return its identity.

    The server tells by a key made of deployment, acquisition and output that it is the same, even where its answer was
    lost, or the memory of the watch.

    Parameters
    ----------
    deployment
        As ``flow/deployment``.
    parameters
        Of the flow, besides `inputs` and `output`.

    Raises
    ------
    Away
        A later try will do.
    ConfigError
        There is no such deployment, or the parameters do not fit it.
    """
    key = hashlib.sha256("\0".join([deployment, str(acquisition), str(output)]).encode()).hexdigest()
    try:
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(
                client.read_deployment_by_name(deployment).id,
                parameters={**parameters, "inputs": [str(acquisition)], "output": str(output)},
                tags=["watch-folder"],
                idempotency_key=key,
            )
    except httpx.TransportError as error:
        raise Away(str(error) or type(error).__name__) from error
    except ObjectNotFound as error:
        raise ConfigError(
            f"--deployment: the server has no {deployment!r}; expected flow/deployment, such as "
            "preprocess/workstation: prefect deployment ls"
        ) from error
    except PrefectHTTPStatusError as error:
        status = error.response.status_code
        if status in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
            raise ConfigError(f"--parameters: {deployment} refuses them: {_reason(error.response)}") from error
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise ConfigError(f"PREFECT_API_AUTH_STRING: the server refuses it (HTTP {status})") from error
        raise Away(f"HTTP {status}") from error
    return str(run.id)


def _reason(response: httpx.Response) -> str:
    try:
        content = response.json()
        return str(content.get("detail") or content["exception_detail"][0]["msg"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return response.text[:200]
