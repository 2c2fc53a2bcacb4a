"""What can be done next: tasks that wait for others, tasks that are ready, tasks under way. It runs nothing itself."""

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from itertools import chain

from flows.engine.labels import Span
from tasks.core.work import StageResult


class Handle:
    """A task's result, known once the task is done.

    Parameters
    ----------
    stage
        Name of the stage that it belongs to.
    rank
        Of ready tasks the one of the largest rank comes first: the later a stage, the larger, so that what is begun is
        brought to its end before more is begun.
    number
        Of tasks of one rank the one of the smallest number comes first.
    needs
        Results without which the task cannot begin.
    pool
        Of tasks of one pool only so many are under way at a time.
    span
        The images that the task works on, where it is known.
    """

    __slots__ = ("_result", "dropped", "needs", "number", "pool", "rank", "span", "stage")

    def __init__(
        self,
        *,
        stage: str,
        rank: int,
        number: int,
        needs: Collection["Handle"],
        pool: Hashable = None,
        span: Span | None = None,
    ) -> None:
        self.stage, self.rank, self.number, self.needs, self.pool = stage, rank, number, tuple(needs), pool
        self.span = span
        self.dropped = False
        self._result: StageResult | None = None

    @property
    def done(self) -> bool:
        """Whether the result is known."""
        return self._result is not None

    @property
    def result(self) -> StageResult:
        """The result.

        Raises
        ------
        RuntimeError
            The task is not done; wait for it first.
        """
        if self._result is None:
            raise RuntimeError(f"the result of task {self.number} of {self.stage} is not known yet")
        return self._result

    def __lt__(self, other: "Handle") -> bool:
        return (-self.rank, self.number) < (-other.rank, other.number)

    def resolve(self, result: StageResult) -> None:
        """Make the result known; what it was made from need not be remembered."""
        self._result, self.needs = result, ()


class Graph:
    """Tasks and what they wait for."""

    def __init__(self) -> None:
        self._ready: dict[Hashable, list[Handle]] = {}
        self._missing: dict[Handle, int] = {}
        self._blocked: Counter[Hashable] = Counter()  # of those, by pool: asked for whenever a task ends
        self._waiting: dict[Handle, list[Handle]] = {}
        self._under_way: set[Handle] = set()
        self._busy: Counter[Hashable] = Counter()

    @property
    def under_way(self) -> int:
        """Number of tasks that were taken and have not ended."""
        return len(self._under_way)

    @property
    def ready(self) -> dict[Hashable, int]:
        """Number of tasks of each pool that could begin."""
        return {pool: len(handles) for pool, handles in self._ready.items()}

    @property
    def waiting(self) -> Counter[Hashable]:
        """Number of tasks of each pool that wait for others."""
        return +self._blocked

    def add(self, handle: Handle) -> None:
        """Add a task; one that needs a dropped task is dropped, too."""
        missing = [needed for needed in handle.needs if not needed.done]
        if any(needed.dropped for needed in missing):
            handle.dropped = True
        elif missing:
            self._missing[handle] = len(missing)
            self._blocked[handle.pool] += 1
            for needed in missing:
                self._waiting.setdefault(needed, []).append(handle)
        else:
            self._make_ready(handle)

    def _make_ready(self, handle: Handle) -> None:
        heapq.heappush(self._ready.setdefault(handle.pool, []), handle)

    def take(self, limit: Callable[[Hashable], int]) -> Iterator[Handle]:
        """Yield ready tasks, so many that at most `limit` of a pool are under way."""
        for pool, ready in self._ready.items():
            free = limit(pool) - self._busy[pool] if ready else 0
            while ready and free > 0:
                handle = heapq.heappop(ready)
                if not handle.dropped:
                    self._begin(handle)
                    free -= 1
                    yield handle

    def finish(self, handle: Handle, result: StageResult) -> None:
        """Note that a task ended well; those that waited for it alone become ready."""
        self._end(handle)
        handle.resolve(result)
        for waiting in self._waiting.pop(handle, ()):
            if waiting.dropped:
                continue
            self._missing[waiting] -= 1
            if not self._missing[waiting]:
                self._unblock(waiting)
                self._make_ready(waiting)

    def drop(self, handle: Handle) -> None:
        """Give up a task, and all that need it."""
        self._end(handle)
        handle.dropped = True
        self._unblock(handle)
        for waiting in self._waiting.pop(handle, ()):
            self.drop(waiting)

    def drop_all_but(self, stage: str | None) -> None:
        """Give up what has not begun, except for the tasks of one stage, if any."""
        for handle in [*chain.from_iterable(self._ready.values()), *self._missing]:
            if handle.stage != stage:
                self.drop(handle)

    def _unblock(self, handle: Handle) -> None:
        if self._missing.pop(handle, None) is not None:
            self._blocked[handle.pool] -= 1

    def _begin(self, handle: Handle) -> None:
        self._under_way.add(handle)
        self._busy[handle.pool] += 1

    def _end(self, handle: Handle) -> None:
        if handle in self._under_way:
            self._under_way.remove(handle)
            self._busy[handle.pool] -= 1


def unresolved(values: Sequence[object]) -> set[Handle]:
    """Find the handles among values, in lists and tuples, too."""
    handles: set[Handle] = set()
    for value in values:
        if isinstance(value, Handle):
            handles.add(value)
        elif isinstance(value, (list, tuple)):
            handles |= unresolved(value)
    return handles


def resolved(value: object) -> object:
    """Put results in the place of handles."""
    if isinstance(value, Handle):
        return value.result
    if isinstance(value, (list, tuple)):
        return type(value)(resolved(item) for item in value)
    return value
