"""Border rule, regions, box and backgrounds in plain code: what the kernels are tested against."""

import numpy as np

from tasks.core.types import AnyArray, Batch, BoolArray, MaskResult, Ragged
from tasks.mask.border import remove_border_objects
from tasks.mask.channelwise import empty_masks
from tasks.mask.cleaning import count_regions
from tasks.mask.config import Mask
from tasks.mask.geometry import bounding_box, outside_mean
from tasks.mask.offset import least_number

STATUSES = ("kept", "no_object", "channel_filter", "border")
"""In the order of the kernels' numbers."""

STATUS_DTYPE = "<U14"
"""Holds the longest status, ``channel_filter``."""


def empty_result(batch: Batch, *, name: str) -> MaskResult:
    """Return what is found in a batch in which nothing is found."""
    size, count = len(batch), len(batch.channels)
    return MaskResult(
        name=name,
        masks=empty_masks(batch, n_channels=count),
        combined=empty_masks(batch, n_channels=1),
        n_components=np.zeros((size, count), dtype=np.int32),
        box=np.zeros((size, 4), dtype=np.int32),
        status=np.full(size, "kept", dtype=STATUS_DTYPE),
        background=np.full((size, count), np.nan),
        combined_background=np.full((size, count), np.nan),
    )


def keep_uncut_plain(batch: Batch, *, foreground: Ragged, name: str, config: Mask, passed: BoolArray) -> MaskResult:
    """Apply the verdicts of the channel filters and the border rule; describe what is left.

    Parameters
    ----------
    foreground
        Masks of one method.
    name
        Of the mask.
    passed
        (N, C): channels that pass the filters.
    """
    main = batch.channels.index(config.main_channel)
    united = np.isin(batch.channels, config.combine or batch.channels)
    masked = empty_result(batch, name=name)
    least = least_number(batch.pixels.flat.dtype)
    images, foregrounds = batch.pixels.unstack(), foreground.unstack()
    for index, (stamp, union) in enumerate(zip(masked.masks.unstack(), masked.combined.unstack(), strict=True)):
        blank = bool((images[index] == 0).all() or (images[index] == least).all())
        own = foregrounds[index] & (passed[index] & (not blank))[:, np.newaxis, np.newaxis]
        uncut = np.stack([remove_border_objects(mask, share=config.border_share) for mask in own])
        masked.n_components[index] = [count_regions(mask) for mask in uncut]
        masked.status[index] = _status(own[main], uncut[main], blank=blank, passed=bool(passed[index, main]))
        if masked.status[index] != "kept":
            continue
        stamp[:] = uncut
        union[0] = uncut[united].any(axis=0)
        masked.box[index] = bounding_box(uncut)
        masked.background[index] = _own_backgrounds(images[index], uncut)
        masked.combined_background[index] = [outside_mean(plane, union[0]) for plane in images[index]]
    return masked


def _status(foreground: BoolArray, uncut: BoolArray, *, blank: bool, passed: bool) -> str:
    """Say why a stamp is rejected, or ``kept``; `uncut` is its main channel's `foreground` after the border rule."""
    if blank:
        return "no_object"
    if not passed:
        return "channel_filter"
    if not foreground.any():
        return "no_object"
    return "kept" if uncut.any() else "border"


def _own_backgrounds(image: AnyArray, own: BoolArray) -> list[float]:
    """Mean outside each channel's own mask; 0 where that fills the stamp, as the published system has it."""
    return [0.0 if mask.all() else outside_mean(plane, mask) for plane, mask in zip(image, own, strict=True)]
