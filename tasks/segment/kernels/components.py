"""Connected pieces of objects and of the background, found among their runs: pixels of one value side by side."""

from typing import NamedTuple

import numpy as np

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import AnyArray, BoolArray, IntArray, LabelArray


class Pieces(NamedTuple):
    """Runs in raster order, and the pieces that they form.

    Parameters
    ----------
    rows, starts, stops
        (runs,) int32: row, first column, and the column after the last.
    owners
        (runs,) int32: piece, from 0 on in raster order.
    sizes
        (pieces,) int64: pixels.
    """

    rows: LabelArray
    starts: LabelArray
    stops: LabelArray
    owners: LabelArray
    sizes: IntArray


@inner
def find_pieces(labels: AnyArray, background: int, reach: int) -> Pieces:  # noqa: C901, PLR0912 - one walk
    """Find the pieces of all objects, or those of the background.

    Parameters
    ----------
    labels
        (H, W), of whole numbers: pixels of one number that are connected are a piece.
    background
        1: pieces of what is 0; 0: of what is not.
    reach
        0: 4-connected; 1: 8-connected.
    """
    height, width = labels.shape
    count = np.int64(0)
    for row in range(height):
        line = labels[row]
        count += np.int64((line[0] == 0) == background)
        for column in range(1, width):
            count += np.int64((line[column] != line[column - 1]) & ((line[column] == 0) == background))
    rows, starts, stops = np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int32)
    owners = np.empty(count, np.int32)
    run = before = here = 0
    for row in range(height):
        line = labels[row]
        before, here = here, run
        above = before
        column = 0
        while column < width:
            value = line[column]
            start = column
            column += 1
            while column < width and line[column] == value:
                column += 1
            if (value == 0) != background:
                continue
            rows[run], starts[run], stops[run], owners[run] = row, start, column, run
            # runs above that end before this one begins touch none of this row's later ones either
            while above < here and stops[above] + reach <= start:
                above += 1
            near = above
            while near < here and starts[near] < column + reach:
                if labels[row - 1, starts[near]] == value:
                    _join(owners, run, near)
                near += 1
            run += 1
    pieces = 0
    for run in range(count):
        # a root comes before all others of its piece and has its number already
        if owners[run] == run:
            owners[run] = pieces
            pieces += 1
        else:
            owners[run] = owners[owners[run]]
    sizes = np.zeros(pieces, np.int64)
    for run in range(count):
        sizes[owners[run]] += stops[run] - starts[run]
    return Pieces(rows, starts, stops, owners, sizes)


@inner
def _root(owners: LabelArray, run: int) -> int:
    """First run of the tree of a run; the way there is shortened."""
    while owners[run] != run:
        owners[run] = owners[owners[run]]
        run = owners[run]
    return run


@inner
def _join(owners: LabelArray, run: int, other: int) -> None:
    """Hang the later root onto the earlier one."""
    first, second = _root(owners, run), _root(owners, other)
    if first < second:
        owners[second] = first
    elif second < first:
        owners[first] = second


@compiled
def label(mask: BoolArray, out: LabelArray) -> None:
    """Label the pieces of a mask from 1 on in raster order; `out` is all 0."""
    rows, starts, stops, owners, _ = find_pieces(mask, 0, 0)
    for run in range(len(rows)):
        out[rows[run], starts[run] : stops[run]] = owners[run] + 1


@compiled
def remove_small_holes(mask: BoolArray, area: int) -> None:
    """Fill the pieces of the background that have at most `area` pixels."""
    rows, starts, stops, owners, sizes = find_pieces(mask, 1, 0)
    for run in range(len(rows)):
        if sizes[owners[run]] <= area:
            mask[rows[run], starts[run] : stops[run]] = True


@compiled
def largest_pieces(labels: LabelArray, count: int) -> None:
    """Erase all but the largest piece of each object 1..count; of equal ones the first is left."""
    rows, starts, stops, owners, sizes = find_pieces(labels, 0, 0)
    best = np.full(count + 1, -1, np.int32)
    for run in range(len(rows)):
        label, piece = labels[rows[run], starts[run]], owners[run]
        if best[label] < 0 or sizes[piece] > sizes[best[label]]:
            best[label] = piece
    for run in range(len(rows)):
        if best[labels[rows[run], starts[run]]] != owners[run]:
            labels[rows[run], starts[run] : stops[run]] = 0


@compiled
def fill_holes(labels: LabelArray) -> None:
    """Give 8-connected background that one object encloses, and no frame, to that object."""
    height, width = labels.shape
    rows, starts, stops, owners, sizes = find_pieces(labels, 1, 1)
    # of each piece: 0 where no object has been seen, −1 where there are several or the frame
    enclosing = np.zeros(len(sizes), np.int32)
    for run in range(len(rows)):
        row, start, stop, piece = rows[run], starts[run], stops[run], owners[run]
        if enclosing[piece] < 0:
            continue
        if row == 0 or row == height - 1 or start == 0 or stop == width:
            enclosing[piece] = -1
            continue
        _see(enclosing, piece, labels[row, start - 1])
        _see(enclosing, piece, labels[row, stop])
        for column in range(start, stop):
            _see(enclosing, piece, labels[row - 1, column])
            _see(enclosing, piece, labels[row + 1, column])
    for run in range(len(rows)):
        if enclosing[owners[run]] > 0:
            labels[rows[run], starts[run] : stops[run]] = enclosing[owners[run]]


@inner
def _see(enclosing: LabelArray, piece: int, label: int) -> None:
    if label != 0 and label != enclosing[piece]:
        enclosing[piece] = label if enclosing[piece] == 0 else -1
