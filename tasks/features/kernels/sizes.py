"""Matrices of grey levels against sizes: only the sizes that occur have a row."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.emphases import EMPHASES
from tasks.features.definitions.levels import LEVELS


class Table(NamedTuple):
    """Counts of things of a level and a size.

    Things of different sizes take at least 1 + 2 + 3 + … pixels, so that √(2·pixels) rows are enough.

    Parameters
    ----------
    row_of
        (largest size + 1,) int32, 1 + the row of a size; 0 where it has none.
    sizes
        (R,) int64, the size of each row.
    counts
        (16·R,) int64, element 16·row + level − 1.
    used
        (1,) int64, number of rows in use.
    """

    row_of: npt.NDArray[np.int32]
    sizes: IntArray
    counts: IntArray
    used: IntArray


@compiled
def make_table(pixels: int) -> Table:
    """Make an empty table for regions of up to so many pixels."""
    # nine more for the dependences, of which there are up to nine sizes in however small a region
    rows = int(np.sqrt(2.0 * pixels)) + 11
    return Table(
        np.zeros(pixels + 11, np.int32),
        np.zeros(rows, np.int64),
        np.zeros(rows * LEVELS, np.int64),
        np.zeros(1, np.int64),
    )


@compiled
def add(table: Table, level: int, size: int, number: int) -> None:
    """Count `number` things of a level, from 1 to 16, and a size."""
    row = int(table.row_of[size]) - 1
    if row < 0:
        row = table.used[0]
        table.used[0] += 1
        table.sizes[row] = size
        table.row_of[size] = row + 1
    table.counts[row * LEVELS + level - 1] += number


@compiled
def empty(table: Table) -> None:
    """Take everything out of a table."""
    for row in range(table.used[0]):
        table.row_of[table.sizes[row]] = 0
    for at in range(table.used[0] * LEVELS):
        table.counts[at] = 0
    table.used[0] = 0


@compiled
def summarise_table(table: Table, pixels: int, out: FloatArray) -> None:
    """Derive what `tasks.features.plain.emphases.emphases` does.

    Parameters
    ----------
    table
        Holds at least one thing.
    pixels
        Of the region.
    out
        (17,) float64, the result.
    """
    rows = table.used[0]
    margins = np.zeros(LEVELS, np.int64)
    n = grey = size = squares = 0
    for row in range(rows):
        here, j = 0, table.sizes[row]
        for level in range(LEVELS):
            count = table.counts[row * LEVELS + level]
            here += count
            margins[level] += count
            grey += (level + 1) * count
        n += here
        size += j * here
        squares += here * here
    mean_level, mean_size = grey / n, size / n
    for at in range(EMPHASES):
        out[at] = 0.0
    for row in range(rows):
        j = np.float64(table.sizes[row])
        large, small = j * j, 1.0 / (j * j)
        share = low = high = entropy = energy = 0.0
        for level in range(LEVELS):
            count = table.counts[row * LEVELS + level]
            if count > 0:
                p, i = count / n, np.float64(level + 1)
                share += p
                low += p / (i * i)
                high += p * (i * i)
                entropy -= p * np.log2(p)
                energy += p * p
        out[0] += share * small
        out[1] += share * large
        out[2] += low
        out[3] += high
        out[4] += low * small
        out[5] += high * small
        out[6] += low * large
        out[7] += high * large
        out[14] += share * (j - mean_size) ** 2
        out[15] += entropy
        out[16] += energy
    levels = 0
    for level in range(LEVELS):
        levels += margins[level] * margins[level]
        out[13] += margins[level] / n * (level + 1 - mean_level) ** 2
    out[8], out[9] = levels / n, levels / (np.float64(n) * n)
    out[10], out[11] = squares / n, squares / (np.float64(n) * n)
    out[12] = n / pixels
