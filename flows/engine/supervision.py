"""What becomes of tasks whose workers died: sent again, looked into, or given up. It runs nothing itself."""

import heapq
from collections.abc import Hashable
from dataclasses import dataclass, field

BACK_OFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before a task is sent again; the last one from then on."""

DEATHS = 2
"""So often a task's workers have to die before its images are looked into."""

MOST_DEATHS = 12
"""So often in all; then the run fails."""

FACTOR = 2
"""A task is sent again in batches smaller, and with time larger, by this: what workers die of most."""

MOST_LENIENCY = 16


@dataclass(frozen=True, slots=True)
class SendAgain:
    """Send the task again, after a pause, in batches so much smaller and with so much more time."""

    after: float
    leniency: int


@dataclass(frozen=True, slots=True)
class Investigate:
    """Find the images that end its workers, in processes of their own."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Fail the run; the reason is for the user."""

    reason: str


Verdict = SendAgain | Investigate | GiveUp


@dataclass(slots=True)
class _Case:
    """What is known of one task whose workers died."""

    deaths: int = 0
    since_investigation: int = 0
    leniency: int = 1


@dataclass(slots=True)
class Supervisor:
    """Decides, task by task, from what happened to it so far.

    Workers die of their task, of a neighbour's, of their machine, of the batch system. So a death tells little: the
    task is sent again; only where it happens again and again are its images looked into, in processes whose end is
    seen (`flows.engine.investigation`), and only what happens there is held against an image.
    """

    _cases: dict[Hashable, _Case] = field(default_factory=dict)
    _pauses: list[tuple[float, int, Hashable, int]] = field(default_factory=list)
    _number: int = 0

    def died(self, task: Hashable, *, divisible: bool, deaths: int = 1) -> Verdict:
        """Decide after a worker died that had the task, or after the task was lost.

        Parameters
        ----------
        divisible
            Whether it works on images that can be set aside one by one.
        deaths
            How many workers died.
        """
        case = self._cases.setdefault(task, _Case())
        case.deaths += deaths
        case.since_investigation += deaths
        if case.deaths >= MOST_DEATHS:
            return GiveUp(
                f"{case.deaths} workers died while they had one and the same task, and no image alone is the reason; "
                "have they enough memory? What is finished is kept; run the same command again to try the rest"
            )
        if divisible and case.since_investigation >= DEATHS:
            case.since_investigation = 0
            return Investigate()
        return self._again(case)

    def investigated(self, task: Hashable, *, culprits: int) -> SendAgain:
        """Decide after its images were looked into: without the culprits it is as if nothing had happened."""
        if culprits:
            del self._cases[task]
            return SendAgain(after=0.0, leniency=1)
        return self._again(self._cases[task])

    def ended(self, task: Hashable) -> None:
        """Forget a task that is done."""
        self._cases.pop(task, None)

    def postpone(self, task: Hashable, verdict: SendAgain, *, now: float) -> None:
        """Note that a task is to be sent again after a pause; `now` is the time of the caller's clock."""
        self._number += 1
        heapq.heappush(self._pauses, (now + verdict.after, self._number, task, verdict.leniency))

    def due(self, now: float) -> list[tuple[Hashable, int]]:
        """Take the tasks whose pause is over, and with how much leniency."""
        tasks = []
        while self._pauses and self._pauses[0][0] <= now:
            _, _, task, leniency = heapq.heappop(self._pauses)
            tasks.append((task, leniency))
        return tasks

    def pause(self, now: float) -> float | None:
        """Tell how long it is to the next of these; None where there is none."""
        return max(self._pauses[0][0] - now, 0.0) if self._pauses else None

    def _again(self, case: _Case) -> SendAgain:
        case.leniency = min(case.leniency * FACTOR, MOST_LENIENCY)
        pause = BACK_OFF_SECONDS[min(case.deaths, len(BACK_OFF_SECONDS)) - 1]
        return SendAgain(after=pause, leniency=case.leniency)
