"""How a flow run ends, in the words that Prefect shows beside its state."""

from typing import TYPE_CHECKING, Any

from prefect.states import Completed, Failed

from flows.engine.summary import Summary

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def completed_state(summary: Summary) -> "State[Any]":
    """Make the state that a flow returns whose run went well: what was counted."""
    return Completed(message=counts_line(summary), data=summary)


def failed_state(error: Exception) -> "State[Any]":
    """Make the state that a flow returns for an error of which its text says all; who called the flow is raised it.

    What is raised within a flow Prefect logs with its traceback, which tells users of a wrong configuration nothing.
    """
    return Failed(message=f"{type(error).__name__}: {error}", data=error)


def counts_line(summary: Summary) -> str:
    """Say what a run counted, in a line."""
    quarantined = f" ({summary.quarantined:,} quarantined)" if summary.quarantined else ""
    filtered = f" ({sum(summary.rejected.values()):,} filtered)" if summary.rejected else ""
    return (
        f"{summary.images:,} images{quarantined}, {summary.cells:,} cells{filtered}, "
        f"{summary.rows:,} rows of {summary.columns:,} features"
    )
