"""A region's bounding box with a margin of one pixel, in a flat array."""

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import compiled
from tasks.core.kernels.components import bounds
from tasks.core.types import AnyArray


@compiled
def fill_margin(box: AnyArray, runs: Runs, number: int, height: int, width: int, beyond: float) -> tuple[int, int]:
    """Set the pixels of the margin that lie beyond the frame.

    Parameters
    ----------
    box
        (≥ rows·stride,) the box of the region that the runs make up, with its margin.
    height, width
        Of the frame.
    beyond
        What to set.

    Returns
    -------
    tuple[int, int]
        Rows, and columns (the stride) of the box with its margin.
    """
    top, left, bottom, right = bounds(runs, 0, number)
    stride, rows = right - left + 2, bottom - top + 2
    if top == 0:
        box[:stride] = beyond
    if bottom == height:
        box[(rows - 1) * stride : rows * stride] = beyond
    if left == 0:
        box[: rows * stride : stride] = beyond
    if right == width:
        box[stride - 1 : rows * stride : stride] = beyond
    return rows, stride
