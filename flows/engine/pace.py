"""How long a task may take for its images: it follows from the data, and from how long others took."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from flows.config import TimeLimit
from tasks.core.work import Frozen, Partition

SAMPLES = 3
"""Partitions that have to be done before what they took counts."""

LEAST_SHARE = 0.25
"""Of what is granted for an image, what remains however quick the others were: blank ones tell little."""

TIMES_SLOWEST = 10.0
"""How much longer than the slowest so far one may take for an image; other work on the machine slows it down, too."""


class TimeBound(Frozen):
    """What tasks of a stage are granted.

    Parameters
    ----------
    start
        Seconds whatever the images.
    together, alone
        Seconds for an image among others, and for one by itself.
    """

    start: float
    together: float
    alone: float

    def seconds(self, weights: Sequence[float]) -> float:
        """Grant a task on images of these weights its time."""
        return self.start + sum(weights) * (self.alone if len(weights) == 1 else self.together)


class Pace:
    """Knows how long the tasks of each stage took for an image, and grants the others a multiple of that.

    Parameters
    ----------
    sizes
        Bytes on disk of the run's images, in table order. An image of several times the usual size counts as several.
    bytes_per_image
        Of the pixels of a usual image.
    limit
        What is granted before anything is known, and to an image alone.
    """

    def __init__(self, sizes: Sequence[int], *, bytes_per_image: int, limit: TimeLimit) -> None:
        on_disk = np.asarray(sizes, dtype=np.float64)
        weights = np.maximum(on_disk / max(np.median(on_disk), 1.0), 1.0) if len(on_disk) else on_disk
        self._weights: list[float] = weights.tolist()
        self._start = limit.start
        self._granted = limit.image + limit.megabyte * bytes_per_image / 1e6
        self._slowest: dict[str, float] = {}
        self._samples: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._weight: defaultdict[str, float] = defaultdict(float)

    def add(self, task: str, partition: Partition, *, seconds: float) -> None:
        """Take in how long a task took."""
        weight = sum(self.weights(partition))
        self._samples[task] += 1
        self._seconds[task] += seconds
        self._weight[task] += weight
        self._slowest[task] = max(self._slowest.get(task, 0.0), seconds / weight)

    def weights(self, partition: Partition) -> list[float]:
        """For how many images of the usual size each of a partition's counts."""
        return self._weights[partition.start : partition.stop]

    def bound(self, task: str) -> TimeBound:
        """Tell what a task is granted by now."""
        known = TIMES_SLOWEST * self._slowest.get(task, 0.0)
        enough = self._samples[task] >= SAMPLES
        together = max(known, self._granted * (LEAST_SHARE if enough else 1.0))
        return TimeBound(start=self._start, together=together, alone=max(together, self._granted))

    def expected(self, task: str, partition: Partition) -> float | None:
        """Seconds that a task will take if it is as fast as others were on average; None before some are done."""
        if self._samples[task] < SAMPLES:
            return None
        return sum(self.weights(partition)) * self._seconds[task] / self._weight[task]

    def limit(self, task: str, partition: Partition) -> float:
        """Seconds that a task may take."""
        return self.bound(task).seconds(self.weights(partition))
