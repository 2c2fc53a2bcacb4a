"""Grey levels of a block of cells: 16 equal ones between the smallest and the largest pixel of each region."""

import numpy as np

from tasks.core.kernels.bits import Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import compiled
from tasks.core.kernels.components import bounds
from tasks.core.kernels.sorting import limits
from tasks.core.types import AnyArray, FloatArray, IntArray
from tasks.features.blocks import Block, Counts, LevelArray, LevelImages
from tasks.features.definitions.levels import LEVELS, SLACK
from tasks.features.kernels.pixels import gather


def level_images(block: Block) -> LevelImages:
    """Draw the level images of a block."""
    cells, channels = len(block.shapes), block.channels
    levels = np.zeros(max(len(block.counts), len(block.reals)), dtype=np.uint8)
    boxes = np.zeros((cells, channels, 4), dtype=np.int64)
    areas = np.zeros((cells, channels), dtype=np.int64)
    draw_levels(block.counts, block.reals, block.masks, block.shapes, block.n_masks, levels, boxes, areas)
    return LevelImages(levels=levels, shapes=block.shapes, boxes=boxes, areas=areas)


@compiled
def draw_levels(
    counts: Counts,
    reals: FloatArray,
    masks: Stream,
    shapes: IntArray,
    n_masks: int,
    levels: LevelArray,
    boxes: IntArray,
    areas: IntArray,
) -> None:
    """Draw the level image of each channel of each cell.

    Parameters
    ----------
    counts, …, n_masks
        Those of `tasks.features.blocks.Block`.
    levels, boxes, areas
        The result, zeros before: see `LevelImages`.
    """
    cells, channels = areas.shape
    tallest, widest = extent(shapes)
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    values, image = np.empty(tallest * widest, np.float64), np.empty(tallest * widest, np.uint8)
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        number = 0
        for channel in range(channels):
            if channel < n_masks:
                read(masks, mask_start, height, width, bits)
                number = find_runs(bits, height, width, runs)
                mask_start += height * width
            count, fine = gather(counts, reals, pixel_start, width, runs, number, values)
            if fine and count > 0:
                areas[cell, channel] = count
                top, left, bottom, right = bounds(runs, 0, number)
                box = boxes[cell, channel]
                box[0], box[1], box[2], box[3] = top, left, bottom, right
                low, high = limits(values, count)
                level_values(values, count, low, high, image)
                at = 0
                for run in range(number):
                    first = pixel_start + runs[run, 0] * width + runs[run, 1]
                    length = runs[run, 2] - runs[run, 1]
                    source, target = image[at : at + length], levels[first : first + length]
                    for step in range(length):
                        target[step] = source[step]
                    at += length
            pixel_start += height * width


@compiled
def level_values(values: AnyArray, count: int, low: float, high: float, levels: LevelArray) -> None:
    """Give values from `low` to `high` levels from 1 to 16, to the last bit as `grey_levels` of the plain code does."""
    source, target, span = values[:count], levels[:count], high - low
    if low == high:
        for at in range(count):
            target[at] = 1
        return
    for at in range(count):
        # positive, so that cutting off is rounding down
        level = np.int32(LEVELS * ((source[at] - low) / span) + SLACK)
        target[at] = np.uint8(min(level, np.int32(LEVELS - 1)) + np.int32(1))


@compiled
def crop(levels: LevelArray, start: int, width: int, box: IntArray, margin: int, framed: LevelArray) -> tuple[int, int]:
    """Copy what lies in a box of an image into the middle of a frame of zeros.

    Parameters
    ----------
    levels
        Flat buffer, in which the image, `width` pixels wide, lies from `start` on.
    box
        (4,) min row, min column, max row, max column.
    margin
        How wide the frame is on each side.
    framed
        The result, flat, `width` + 2·`margin` wide for the width of the box.

    Returns
    -------
    tuple[int, int]
        Height and width of the box.
    """
    height, columns = box[2] - box[0], box[3] - box[1]
    stride = columns + 2 * margin
    # loops over slices: assignments of slices take long to compile
    for at in range(stride * (height + 2 * margin)):
        framed[at] = 0
    for row in range(height):
        first = start + (box[0] + row) * width + box[1]
        to = (row + margin) * stride + margin
        source, target = levels[first : first + columns], framed[to : to + columns]
        for at in range(columns):
            target[at] = source[at]
    return height, columns
