"""Cells of a segmented field as a batch: each with its surroundings."""

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.core.kernels.background import outside_means
from tasks.core.kernels.windows import cut_masks, cut_windows, label_boxes
from tasks.core.types import AnyArray, Batch, BoolArray, Field, LabelArray, Region
from tasks.core.work import Frozen


class Crop(Frozen):
    """How cells are cut out of a field.

    Parameters
    ----------
    margin
        Pixels of surroundings on each side, as far as the field reaches.
    clip_to_primary
        Whether only the first object's box is kept and the others are clipped to it; else all objects fit.
    background
        Whether the background is the mean of the field's pixels outside all objects; else 0.
    """

    margin: int
    clip_to_primary: bool
    background: bool


WITH_MARGIN = Crop(margin=6, clip_to_primary=False, background=True)
"""Erosion by disk(6), the widest filter of the features, sees what really surrounds the object."""

TIGHT = Crop(margin=0, clip_to_primary=False, background=False)
"""All pixels of all objects, for statistics that look at nothing else."""

CLIPPED = Crop(margin=0, clip_to_primary=True, background=False)
"""As the published system cuts: of the other objects only what lies in the first one's box is seen."""


def crop_cells(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    numbers: Sequence[int],
    channels: Sequence[str],
    crop: Crop = WITH_MARGIN,
) -> tuple[Batch, tuple[Region, ...]]:
    """Cut cells out of a field.

    The regions keep the labels of the whole field. What is not wanted, because it was rejected or is cut by the frame,
    is a neighbour like any other, and no background.

    Parameters
    ----------
    image
        (C, H, W).
    labels
        Object name to (H, W) labels of all cells that were found; the same number is the same cell.
    numbers
        The cells wanted, at least one; each has a pixel in the first object.

    Returns
    -------
    The cells' pixels, and a shared region per object.
    """
    wanted = np.asarray(numbers, dtype=np.int32)
    boxes = [label_boxes(label_image, wanted) for label_image in labels.values()]
    box = boxes[0] if crop.clip_to_primary else _union(boxes)
    height, width = image.shape[1:]
    top, left = np.maximum(box[:, 0] - crop.margin, 0), np.maximum(box[:, 1] - crop.margin, 0)
    bottom, right = np.minimum(box[:, 2] + crop.margin, height), np.minimum(box[:, 3] + crop.margin, width)
    windows = np.stack([top, left, bottom, right], axis=1).astype(np.int64)
    batch = Batch(pixels=cut_windows(image, windows), channels=tuple(channels))
    level = np.zeros(len(channels))
    if crop.background:
        level = outside_means(image, _outside(list(labels.values())))
    background = np.tile(level, (len(wanted), 1))
    regions = tuple(
        Region(
            name=name,
            shared=True,
            masks=cut_masks(label_image, windows, wanted),
            background=background,
            field=Field(labels=label_image, numbers=wanted),
        )
        for name, label_image in labels.items()
    )
    return batch, regions


def _outside(objects: Sequence[LabelArray]) -> BoolArray:
    """Where none of some label images, at least one, has an object."""
    outside: BoolArray = objects[0] == 0
    for labels in objects[1:]:
        outside &= labels == 0
    return outside


def _union(boxes: Sequence[LabelArray]) -> LabelArray:
    union = boxes[0].copy()
    for box in boxes[1:]:
        present = box[:, 2] > 0
        union[present, :2] = np.minimum(union[present, :2], box[present, :2])
        union[present, 2:] = np.maximum(union[present, 2:], box[present, 2:])
    return union
