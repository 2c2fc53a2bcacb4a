"""Connected components of a mask, found among its runs."""

import numpy as np

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import inner
from tasks.core.types import IntArray


@inner
def label_runs(runs: Runs, number: int, labels: IntArray) -> int:
    """Give the runs of each 8-connected component one label, from 0 on in the order of the components' first runs.

    Parameters
    ----------
    runs
        `number` runs in the order of rows and columns, as `tasks.core.kernels.bits.find_runs` lists them.
    labels
        (≥ number,) int64, the result.

    Returns
    -------
    int
        Number of components.
    """
    # a forest: each run points to an earlier one of its component, or to itself
    row_start = above = 0
    for run in range(number):
        labels[run] = run
        row, left, right = runs[run, 0], runs[run, 1], runs[run, 2]
        if run > 0 and runs[run - 1, 0] != row:
            above = row_start if runs[run - 1, 0] == row - 1 else run
            row_start = run
        # runs above that end before this one begins touch none of this row's later ones either
        while above < row_start and runs[above, 2] < left:
            above += 1
        near = above
        while near < row_start and runs[near, 1] <= right:
            _join(labels, run, near)
            near += 1
    count = 0
    for run in range(number):
        # a run's root comes before it and has its final label already
        if labels[run] == run:
            labels[run] = count
            count += 1
        else:
            labels[run] = labels[labels[run]]
    return count


@inner
def _root(labels: IntArray, run: int) -> int:
    """First run of the tree of a run; the way there is shortened."""
    while labels[run] != run:
        labels[run] = labels[labels[run]]
        run = labels[run]
    return run


@inner
def _join(labels: IntArray, label: int, other: int) -> None:
    """Hang the later root onto the earlier one."""
    first, second = _root(labels, label), _root(labels, other)
    if first < second:
        labels[second] = first
    elif second < first:
        labels[first] = second


@inner
def group_runs(runs: Runs, number: int, labels: IntArray, count: int, grouped: Runs, starts: IntArray) -> None:
    """Put the runs of each component next to each other, in their order.

    Parameters
    ----------
    grouped
        The result: component k holds the runs from ``starts[k]`` to ``starts[k + 1]``.
    starts
        (≥ count + 2,) int64.
    """
    starts[: count + 2] = 0
    for run in range(number):
        starts[labels[run] + 2] += 1
    for label in range(count):
        starts[label + 2] += starts[label + 1]
    for run in range(number):
        place = starts[labels[run] + 1]
        starts[labels[run] + 1] += 1
        for part in range(3):
            grouped[place, part] = runs[run, part]


@inner
def hole_area(runs: Runs, number: int, labels: IntArray) -> int:
    """Count the pixels of holes, from the runs of what is not in the mask, its margin included.

    The first run is the upper margin; what is not 8-connected with it is a hole.
    """
    label_runs(runs, number, labels)
    area = 0
    for run in range(number):
        if labels[run] != 0:
            area += runs[run, 2] - runs[run, 1]
    return area


@inner
def bounds(runs: Runs, first: int, stop: int) -> tuple[int, int, int, int]:
    """Bounding box of the runs from `first` to `stop`: min row, min column, max row, max column, half open."""
    left, right = runs[first, 1], runs[first, 2]
    for run in range(first, stop):
        left, right = min(left, runs[run, 1]), max(right, runs[run, 2])
    return runs[first, 0], left, runs[stop - 1, 0] + 1, right


@inner
def area_of(runs: Runs, first: int, stop: int) -> int:
    """Count the pixels of the runs from `first` to `stop`."""
    area = np.int64(0)
    for run in range(first, stop):
        area += runs[run, 2] - runs[run, 1]
    return int(area)
