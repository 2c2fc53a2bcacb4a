"""The mask stage's step: from the pixels of a batch of stamps to the masks of each method."""

import numpy as np

from tasks.core.types import AnyArray, Batch, BoolArray, Masked, Ragged
from tasks.mask.border import remove_border_objects
from tasks.mask.cleaning import count_regions
from tasks.mask.config import Mask, check_channels
from tasks.mask.geometry import bounding_box, outside_mean
from tasks.mask.planes import empty_masks
from tasks.mask.registry import MaskMethod, channel_filters, masks

STATUS_DTYPE = "<U14"
"""Holds the longest status, ``channel_filter``."""


def mask_batch(batch: Batch, *, config: Mask) -> list[Masked]:
    """Find the cell in every stamp of a batch, with every configured method.

    Each stamp is treated on its own, so the result does not depend on what else is in the batch. Per channel: the
    method's mask, emptied where a channel filter fails; then the border rule. A stamp is rejected for the first of
    these reasons that holds:

    - ``no_object``: all of its pixels are zero (no channel has an object then, whatever the method);
    - ``channel_filter``: the main channel fails a filter;
    - ``no_object``: the main channel's mask is empty;
    - ``border``: the border rule leaves the main channel no object.

    A rejected stamp keeps its `regions`, that is, what was counted in each channel after the border rule. The rest of
    it is blank: masks empty, box zero, backgrounds NaN.

    Parameters
    ----------
    batch
        Pixels of N stamps, C channels, any integer or float dtype. A channel with NaN or infinite pixels has an empty
        mask.
    config
        Methods, main channel, channels to combine, channel filters.

    Returns
    -------
    list of Masked
        One per method, in the configuration's order.

    Raises
    ------
    ConfigError
        The configuration names a channel that the batch does not have.

    Examples
    --------
    >>> image = np.zeros((2, 30, 30), dtype=np.uint16)
    >>> image[:, 8:20, 10:22] = 500
    >>> batch = Batch.of([image, 0 * image], channels=["BF", "PI"])
    >>> (li,) = mask_batch(batch, config=Mask(methods=["li"], main_channel="BF"))
    >>> li.status.tolist(), li.regions.tolist(), li.box.tolist()
    (['kept', 'no_object'], [[1, 1], [0, 0]], [[6, 8, 22, 24], [0, 0, 0, 0]])
    """
    check_channels(config, batch.channels)
    passed = _passed(batch, config=config)
    blank = np.array([not image.any() for image in batch.pixels.unstack()], dtype=np.bool_)
    return [_masked(batch, method=method, config=config, passed=passed, blank=blank) for method in config.methods]


def _passed(batch: Batch, *, config: Mask) -> BoolArray:
    """(N, C) bool: whether a channel of a stamp passes every filter that applies to it."""
    passed = np.ones((len(batch), len(batch.channels)), dtype=np.bool_)
    for channel_filter in config.channel_filter:
        tested = np.isin(batch.channels, channel_filter.channels or batch.channels)
        passed &= channel_filters.function(channel_filter)(batch, channel_filter) | ~tested
    return passed


def _masked(batch: Batch, *, method: MaskMethod, config: Mask, passed: BoolArray, blank: BoolArray) -> Masked:
    """Apply one method, the verdicts of the channel filters and the border rule; describe what is left.

    Parameters
    ----------
    passed, blank
        (N, C) and (N,) bool: channels that pass the filters; stamps without any pixel above zero.
    """
    size, count = len(batch), len(batch.channels)
    main = batch.channels.index(config.main_channel)
    united = np.isin(batch.channels, config.combine or batch.channels)
    own = empty_masks(batch, planes=count)
    combined = empty_masks(batch, planes=1)
    regions = np.zeros((size, count), dtype=np.int32)
    box = np.zeros((size, 4), dtype=np.int32)
    status = np.full(size, "kept", dtype=STATUS_DTYPE)
    background = np.full((size, count), np.nan)
    combined_background = np.full((size, count), np.nan)
    images, every_found = batch.pixels.unstack(), _found(batch, method=method).unstack()
    for index, (stamp, union) in enumerate(zip(own.unstack(), combined.unstack(), strict=True)):
        found = every_found[index] & (passed[index] & ~blank[index])[:, np.newaxis, np.newaxis]
        whole = np.stack([remove_border_objects(mask) for mask in found])
        regions[index] = [count_regions(mask) for mask in whole]
        status[index] = _status(found[main], whole[main], blank=bool(blank[index]), passed=bool(passed[index, main]))
        if status[index] != "kept":
            continue
        stamp[:] = whole
        union[0] = whole[united].any(axis=0)
        box[index] = bounding_box(whole)
        background[index] = _own_backgrounds(images[index], whole)
        combined_background[index] = [outside_mean(plane, union[0]) for plane in images[index]]
    return Masked(
        name=method.name,
        masks=own,
        combined=combined,
        regions=regions,
        box=box,
        status=status,
        background=background,
        combined_background=combined_background,
    )


def _found(batch: Batch, *, method: MaskMethod) -> Ragged:
    """Masks of a method, checked to fit the pixels: a method may come from another package."""
    found = masks.function(method)(batch, method)
    got, expected = ((one.planes, one.shapes.tolist()) for one in (found, batch.pixels))
    if got != expected or found.flat.dtype != np.bool_:
        raise TypeError(
            f"the mask method of {method.name!r} returned {len(found)} masks of {found.planes} planes, dtype "
            f"{found.flat.dtype}; expected {len(batch)} of {batch.pixels.planes} planes, bool, of the stamps' shapes"
        )
    return found


def _status(found: BoolArray, whole: BoolArray, *, blank: bool, passed: bool) -> str:
    """Say why a stamp is rejected, or ``kept``; its main channel's mask is `found`, `whole` after the border rule."""
    if blank:
        return "no_object"
    if not passed:
        return "channel_filter"
    if not found.any():
        return "no_object"
    return "kept" if whole.any() else "border"


def _own_backgrounds(image: AnyArray, own: BoolArray) -> list[float]:
    """Mean outside each channel's own mask; 0 where that fills the stamp, as the published system has it."""
    return [0.0 if mask.all() else outside_mean(plane, mask) for plane, mask in zip(image, own, strict=True)]
