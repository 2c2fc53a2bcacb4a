"""What is told and asked about a flow run from outside of it."""

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

    with suppress(Exception):
        line = LogCreate(
            name="infra.work_pools",
            level=logging.ERROR if error else logging.INFO,
            message=message,
            timestamp=datetime.now(UTC),
            flow_run_id=UUID(flow_run),
        )
        with get_client(sync_client=True) as client:
            client.create_logs([line])


def is_settled(flow_run: str) -> bool:
    """Whether a flow run has ended, or is being cancelled: no exit status has to tell of it then."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - as above

    with suppress(Exception):
        identity = UUID(flow_run)
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(identity).state
        return state is not None and (state.is_final() or state.is_cancelling())
    return False
