"""The flow run that a run is to Prefect: where it is kept, whether somebody cancels it, how a dead one is closed."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from flows.engine.stop import Stopped
from infra.processes import ProcessIdentity
from tasks.core.file_names import RUN
from tasks.core.storage import read_json

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

LOOK_SECONDS = 3.0
"""How often a run looks whether it was cancelled: nothing else tells one that a terminal started."""

ANSWER_SECONDS = 5.0
"""How long an API may take to tell of a flow run."""


class FlowRunPlace(ProcessIdentity):
    """Where a flow run is kept, and which process carries it out.

    Parameters
    ----------
    flow_run, api
        Its identity, and the address of the API that has it.
    """

    flow_run: str
    api: str | None

    @classmethod
    def of(cls, flow_run: "FlowRun") -> Self:
        """Describe a flow run of this process."""
        return cls.here(flow_run=str(flow_run.id), api=_api())

    @property
    def gone(self) -> bool:
        """Whether its process has surely ended; of other machines nobody knows."""
        return self.is_here and self.process != os.getpid() and not self.is_alive


def close_predecessor(output: Path) -> None:
    """Close what Prefect still takes for running: the flow run of the last run into this folder, if that is gone.

    A process that was killed could not tell. Call it when no other run may write into the folder.
    """
    from prefect.states import Cancelled, Crashed  # noqa: PLC0415 - a run's record is kept without Prefect, too

    try:
        content = read_json(output / RUN)
        place = FlowRunPlace.model_validate({name: content[name] for name in FlowRunPlace.model_fields})
    except (OSError, ValueError, KeyError, ValidationError):  # none, or one of an earlier version
        return
    if content.get("status") == "done" or not place.gone or place.api is None or place.api != _api():
        return
    with suppress(Exception), quick_client() as client:  # it is no condition of this run
        state = client.read_flow_run(place.flow_run).state
        if state is not None and not state.is_final():
            message = f"its process {place.process} on {place.host} ended without telling; found by the next run"
            end = Cancelled if content.get("status") == "cancelled" else Crashed
            client.set_flow_run_state(place.flow_run, end(message=message), force=True)
        _close_tasks(client, flow_run=place.flow_run)


def close_tasks(flow_run: "FlowRun") -> None:
    """Close what Prefect takes for running of a flow run whose workers are gone: they could not tell."""
    with suppress(Exception), quick_client() as client:
        _close_tasks(client, flow_run=str(flow_run.id))


def _close_tasks(client: Any, *, flow_run: str) -> None:  # noqa: ANN401 - as `quick_client` gives it
    from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter  # noqa: PLC0415 - as above
    from prefect.states import Crashed  # noqa: PLC0415

    open_tasks = client.read_task_runs(
        flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [flow_run]}}),
        task_run_filter=TaskRunFilter.model_validate({"state": {"type": {"any_": ["PENDING", "RUNNING"]}}}),
    )
    for task in open_tasks:
        client.set_task_run_state(task.id, Crashed(message="its worker was gone when the run ended"), force=True)


@contextmanager
def watching_for_cancel(flow_run: "FlowRun", *, interrupt: Callable[[Exception], None]) -> Iterator[None]:
    """Look at a flow run's state every few seconds while the block runs, and interrupt it once that was cancelled.

    Prefect's user interface and API only set a state; a runner would act on it, which a terminal's run has not.
    """
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            with suppress(Exception), quick_client() as client:  # an API that is away for a while: a later look will do
                while True:
                    state = client.read_flow_run(flow_run.id).state
                    if state is not None and (state.is_cancelling() or state.is_cancelled()) and not ended.is_set():
                        interrupt(Stopped("cancelled through Prefect"))
                        return
                    if ended.wait(LOOK_SECONDS):
                        return

    thread = threading.Thread(target=copy_context().run, args=(look,), name="cancel", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def cancelled_state(stopped: Stopped) -> "State[Any]":
    """Make the state that a flow returns for Prefect to take as its own."""
    from prefect.states import Cancelled  # noqa: PLC0415 - as above

    return Cancelled(message=str(stopped))


def _api() -> str | None:
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - as above

    url: str | None = PREFECT_API_URL.value()
    return url


@contextmanager
def quick_client() -> Iterator[Any]:
    """Give a client that does not wait long: nothing depends on its answers."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - as above
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings  # noqa: PLC0415 - as above

    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(sync_client=True, httpx_settings={"timeout": ANSWER_SECONDS}) as client,
    ):
        yield client
