"""How long a task may take for its images: it follows from the data, and from how long others took."""

from collections.abc import Sequence

import numpy as np

from tasks.core.work import Partition

GRACE_SECONDS = 15.0
"""What any task may take besides, whatever its images: to import, to load compiled code, to write."""

TIMES_SLOWEST = 20.0
"""How much longer than the slowest image so far one may take; other work on the machine slows a task down, too."""


class Pace:
    """Knows how long the tasks of each stage took for an image, and grants the others a multiple of that.

    Parameters
    ----------
    sizes
        Bytes on disk of the run's images, in table order. An image of several times the usual size counts as several.
    seconds
        What an image of the usual size is granted before anything is known.
    """

    def __init__(self, sizes: Sequence[int], *, seconds: float) -> None:
        bytes_ = np.asarray(sizes, dtype=np.float64)
        usual = max(float(np.median(bytes_)), 1.0) if len(bytes_) else 1.0
        self._weights = np.maximum(bytes_ / usual, 1.0)
        self._total = np.concatenate([[0.0], np.cumsum(self._weights)])
        self._granted = seconds
        self._slowest: dict[str, float] = {}

    def add(self, task: str, partition: Partition, *, seconds: float) -> None:
        """Take in how long a task took."""
        own = seconds / self._weight(partition)
        self._slowest[task] = max(self._slowest.get(task, 0.0), own)

    def limit(self, task: str, partition: Partition) -> float:
        """Seconds that a task may take."""
        return GRACE_SECONDS + self._per_image(task) * self._weight(partition)

    def limits(self, task: str, partition: Partition) -> list[float]:
        """Seconds for each of its images, without what any task may take besides."""
        return list(self._per_image(task) * self._weights[partition.start : partition.stop])

    def _per_image(self, task: str) -> float:
        return max(self._granted, TIMES_SLOWEST * self._slowest.get(task, 0.0))

    def _weight(self, partition: Partition) -> float:
        return float(self._total[partition.stop] - self._total[partition.start])
