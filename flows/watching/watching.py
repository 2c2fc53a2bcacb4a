"""A run that is watched: what it tells goes to the flow run's log and artifacts, too."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.context import FlowRunContext

from flows.engine.progress import Ending, LineProgress, Progress, StageProgress, current_progress
from flows.engine.watcher import UNWATCHED, Watcher
from flows.watching.artifacts import kept_up_to_date, markdown, publish, publish_figures
from flows.watching.board import Board
from flows.watching.conclusion import conclusion
from flows.watching.figures import draw_figures
from flows.watching.names import run_tags, tag_flow_run
from flows.watching.states import counts_line

if TYPE_CHECKING:
    from flows.config import Config
    from flows.engine.preparation import Preparation, RunSpec
    from flows.engine.stage import Stage
    from flows.engine.summary import Summary

_watched: ContextVar[bool] = ContextVar("watched", default=True)


def nobody_watches() -> None:
    """Say of the flows started from here that nobody can look at them in Prefect: their server ends with them."""
    _watched.set(False)


def is_watched() -> bool:
    """Whether somebody can look."""
    return _watched.get()


@contextmanager
def watching(
    preparation: "Preparation", *, run_id: str, stages: "Sequence[Stage[object]]"
) -> Iterator[tuple[Progress, Watcher]]:
    """Within a flow run, give what its execution is to tell of its progress and of its partitions.

    What the terminal shows, if there is one, it shows as ever.
    """
    context, shown = FlowRunContext.get(), current_progress()
    log = get_run_logger()
    if not is_watched() or context is None or context.flow_run is None:
        yield shown or LineProgress(log.info), UNWATCHED
        return
    listing = preparation.listing
    board = Board(
        listing.images.partitions,
        last=_last_stage(stages, config=preparation.spec.config),
        run_id=run_id,
        log=log,
        prefix=_prefix(context),
    )
    board.quarantined(listing.faults, where="list of images")
    with kept_up_to_date(context.flow_run, board.artifacts), shown or nullcontext():
        yield _Watched(board, shown=shown), board


def introduce(spec: "RunSpec") -> None:
    """Tag the flow run in which this is called."""
    context = FlowRunContext.get()
    if is_watched() and context is not None and context.flow_run is not None:
        tag_flow_run(context.flow_run, run_tags(spec.config, cluster=spec.cluster))


def conclude(summary: "Summary") -> None:
    """Put what a run came to into the log and the artifacts of the flow run in which this is called."""
    context = FlowRunContext.get()
    if not is_watched() or context is None or context.flow_run is None:
        return
    log = get_run_logger()
    for warning in summary.warnings:
        log.warning(warning)
    key, text = f"{_prefix(context)}-summary", conclusion(summary)
    publish(context.flow_run, [markdown(key, text=text, description=counts_line(summary))])
    try:
        publish_figures(context.flow_run, draw_figures(Path(summary.output)), prefix=_prefix(context))
    except (OSError, ValueError) as error:  # the report has them, too
        log.warning("the figures of the report cannot be shown here: %s", error)


def _prefix(context: FlowRunContext) -> str:
    """Return how keys of a flow's artifacts begin."""
    return context.flow.name if context.flow else "run"


class _Watched(Ending):
    """Progress that is shown here and in Prefect."""

    def __init__(self, board: Board, *, shown: Progress | None) -> None:
        self._board = board
        self._shown = shown

    def stage(self, name: str, *, total: int) -> StageProgress:
        """Begin a stage of `total` tasks."""
        self._board.planned(name, total=total)
        shown = None if self._shown is None else self._shown.stage(name, total=total)
        return _WatchedStage(self._board, name=name, shown=shown)

    def note(self, line: str) -> None:
        """Tell of something that holds a stage up."""
        self._board.note(line)
        if self._shown is not None:
            self._shown.note(line)


class _WatchedStage:
    """Counts one stage's finished tasks, here and in Prefect."""

    def __init__(self, board: Board, *, name: str, shown: StageProgress | None) -> None:
        self._board = board
        self._name = name
        self._shown = shown

    def begin(self) -> None:
        """Start the clock, unless it runs."""
        self._board.begun(self._name)
        if self._shown is not None:
            self._shown.begin()

    def advance(self) -> None:
        """Count one more."""
        if self._shown is not None:
            self._shown.advance()
        self._board.advanced(self._name)


def _last_stage(stages: "Sequence[Stage[object]]", *, config: "Config") -> str:
    """Name the last tasks of which every partition has one."""
    rows = (stage.row(config) for stage in stages)
    return [name for row in rows if row is not None for name in row.per_partition][-1]
