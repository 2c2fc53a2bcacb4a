"""Compact watershed as the published system floods: a pixel may cost less than the one that it is reached from."""

import math

import numpy as np

from tasks.core.types import FloatArray, LabelArray

Entry = tuple[tuple[float, int], int, int]
"""(cost, age), pixel to flood, marker's pixel that it is reached from; pixels as flat indices."""


def compact_watershed(image: FloatArray, markers: LabelArray) -> LabelArray:
    """Flood an image from markers, the nearer and darker pixels first.

    A queue holds first every marker pixel, in reading order, at its own value and with age 0. The entry of the lowest
    cost, among equal ones the lowest age, leaves the queue and is flooded with its marker's label; then each of its
    neighbours above, left, right and below that has no label yet enters the queue at the cost

        value of the neighbour + distance to the marker's pixel that the flood came from

    (Euclidean, px), each with an age one higher than the entry before. An entry whose pixel has been flooded in the
    meantime is skipped.

    Since scikit-image 0.24 the function of that name lets no pixel cost less than the one that it was reached from,
    which gives other basins in about every fifth stamp.

    Parameters
    ----------
    image
        (H, W), finite.
    markers
        (H, W), 0 where there is none.

    Returns
    -------
    LabelArray
        (H, W) int32; every pixel has a marker's label, or 0 where there is no marker at all.

    Notes
    -----
    Entries of equal cost and age exist among markers only. `Queue` tells which of them is first.

    References
    ----------
    Neubert and Protzel, Compact watershed and preemptive SLIC, ICPR 2014.

    Examples
    --------
    >>> compact_watershed(np.array([[0.0, 5, 5, 0.5]]), np.array([[1, 0, 0, 2]], dtype=np.int32))
    array([[1, 1, 2, 2]], dtype=int32)
    """
    height, width = image.shape
    values, labels = image.ravel().tolist(), markers.ravel().tolist()
    queue = Queue()
    for pixel in np.flatnonzero(markers).tolist():
        queue.push(((values[pixel], 0), pixel, pixel))
    age = 0
    while queue.entries:
        _, pixel, source = queue.pop()
        if labels[pixel] and pixel != source:
            continue
        labels[pixel] = labels[source]
        row, column = divmod(pixel, width)
        source_row, source_column = divmod(source, width)
        for next_row, next_column in ((row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column)):
            neighbour = next_row * width + next_column
            if 0 <= next_row < height and 0 <= next_column < width and not labels[neighbour]:
                age += 1
                distance = math.sqrt((next_row - source_row) ** 2 + (next_column - source_column) ** 2)
                queue.push(((values[neighbour] + distance, age), neighbour, source))
    return np.array(labels, dtype=np.int32).reshape(image.shape)


class Queue:
    """A binary heap, of the textbook: the first entry is the root, that of index i has the children 2i + 1 and 2i + 2.

    The order of entries that compare as equal follows from the moves: a new entry rises from the end as long as it is
    less than its parent; where the root is taken out the last entry takes its place, and sinks as long as a child is
    less, towards the lesser child, the first where both are equal. (`heapq` lets it sink to the end and rise again.)
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def push(self, entry: Entry) -> None:
        """Add an entry."""
        entries = self.entries
        index = len(entries)
        entries.append(entry)
        while index and entry[0] < entries[(index - 1) // 2][0]:
            entries[index] = entries[(index - 1) // 2]
            index = (index - 1) // 2
        entries[index] = entry

    def pop(self) -> Entry:
        """Take the first entry out."""
        entries = self.entries
        first, entry = entries[0], entries.pop()
        count = len(entries)
        if not count:
            return first
        index = 0
        while (child := 2 * index + 1) < count:
            if child + 1 < count and entries[child + 1][0] < entries[child][0]:
                child += 1
            if not entries[child][0] < entry[0]:
                break
            entries[index] = entries[child]
            index = child
        entries[index] = entry
        return first
