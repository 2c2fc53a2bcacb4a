"""Makes work pools of a Prefect server and removes them, but none that somebody else has made."""

from collections.abc import Mapping
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectNotFound

from tasks.core.errors import ConfigError

OURS = "Made by python -m infra.work_pools"
"""What the description of a pool begins with that is this project's."""


def set_pool(
    client: SyncPrefectClient, name: str, *, about: str, template: Mapping[str, Any], limit: int | None
) -> bool:
    """Make a work pool of type process, or bring it up to date; whether it is new.

    Parameters
    ----------
    about
        One sentence for those who see it in the user interface.
    template
        What it says of its flow runs.
    limit
        Flow runs at a time; None: no limit.

    Raises
    ------
    ConfigError
        There is a pool of that name that is not this project's.
    """
    description = f"{OURS}: {about}"
    there = _find(client, name)
    if there is None:
        pool = WorkPoolCreate(
            name=name,
            type="process",
            description=description,
            base_job_template=dict(template),
            concurrency_limit=limit,
        )
        client.create_work_pool(pool)
        return True
    _check_ours(there)
    update = WorkPoolUpdate(description=description, base_job_template=dict(template), concurrency_limit=limit)
    client.update_work_pool(name, update)
    return False


def remove_pool(client: SyncPrefectClient, name: str) -> bool:
    """Remove a work pool; whether there was one.

    Raises
    ------
    ConfigError
        It is not this project's.
    """
    there = _find(client, name)
    if there is None:
        return False
    _check_ours(there)
    client.delete_work_pool(name)
    return True


def any_pool(client: SyncPrefectClient) -> bool:
    """Whether the server has a pool of this project."""
    return any(_is_ours(pool) for pool in client.read_work_pools())


def _find(client: SyncPrefectClient, name: str) -> WorkPool | None:
    try:
        return client.read_work_pool(name)
    except ObjectNotFound:
        return None


def _is_ours(pool: WorkPool) -> bool:
    return (pool.description or "").startswith(OURS)


def _check_ours(pool: WorkPool) -> None:
    if not _is_ours(pool):
        raise ConfigError(
            f"work pool {pool.name!r} was not made by this command; remove it yourself, or give --name another name"
        )
