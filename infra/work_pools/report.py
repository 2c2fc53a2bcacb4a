"""Lines in the log of a flow run, from outside of it."""

import logging
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID


def tell_flow_run(flow_run: str, message: str, *, error: bool = False) -> None:
    """Write a line into the log of a flow run, where the API takes it: it is no condition of the run.

    Parameters
    ----------
    flow_run
        Its identity.
    error
        Whether it says what went wrong.
    """
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - takes two seconds
    from prefect.client.schemas.actions import LogCreate  # noqa: PLC0415

    with suppress(Exception), get_client(sync_client=True) as client:
        line = LogCreate(
            name="infra.work_pools",
            level=logging.ERROR if error else logging.INFO,
            message=message,
            timestamp=datetime.now(UTC),
            flow_run_id=UUID(flow_run),
        )
        client.create_logs([line])
