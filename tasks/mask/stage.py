"""The mask stage's step: from the pixels of a batch of stamps to the masks of each method."""

import numpy as np

from tasks.core.kernels.bits import stream_of
from tasks.core.types import Batch, BoolArray, MaskResult, Ragged
from tasks.mask.border import most_border_pixels
from tasks.mask.config import Mask, check_channels
from tasks.mask.kernels.blocks import blocks, fits, sums_exactly
from tasks.mask.kernels.objects import keep_uncut
from tasks.mask.offset import least_number, without_offset
from tasks.mask.plain import STATUS_DTYPE, STATUSES, empty_result, keep_uncut_plain
from tasks.mask.registry import MaskMethod, channel_filters, masks


def mask_batch(batch: Batch, *, config: Mask) -> list[MaskResult]:
    """Find the cell in every stamp of a batch, with every configured method.

    Each stamp is treated on its own, so the result does not depend on what else is in the batch. Per channel: the
    method's mask, emptied where a channel filter fails; then the border rule. A stamp is rejected for the first of
    these reasons that holds:

    - ``no_object``: no pixel has light, that is, all are zero, or all the smallest number of their signed type (no
      channel has an object then, whatever the method);
    - ``channel_filter``: the main channel fails a filter;
    - ``no_object``: the main channel's mask is empty;
    - ``border``: the border rule leaves the main channel no object.

    A rejected stamp keeps its `n_components`, that is, what was counted in each channel after the border rule. The rest
    of it is blank: masks empty, box zero, backgrounds NaN.

    Parameters
    ----------
    batch
        Pixels of N stamps, C channels, any integer or float dtype. A channel with NaN or infinite pixels has an empty
        mask. Methods and filters see signed integers as unsigned ones (`without_offset`), backgrounds the pixels.
    config
        Methods, main channel, channels to combine, border rule, channel filters.

    Returns
    -------
    list of MaskResult
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
    >>> li.status.tolist(), li.n_components.tolist(), li.box.tolist()
    (['kept', 'no_object'], [[1, 1], [0, 0]], [[6, 8, 22, 24], [0, 0, 0, 0]])
    """
    check_channels(config, batch.channels)
    counts = without_offset(batch)
    passed = _passed(counts, config=config)
    keep = keep_uncut_cells if fits(batch) else keep_uncut_plain
    return [
        keep(batch, foreground=_foreground(counts, method=method), name=method.name, config=config, passed=passed)
        for method in config.methods
    ]


def _passed(batch: Batch, *, config: Mask) -> BoolArray:
    """(N, C) bool: whether a channel of a stamp passes every filter that applies to it."""
    passed = np.ones((len(batch), len(batch.channels)), dtype=np.bool_)
    for channel_filter in config.channel_filter:
        tested = np.isin(batch.channels, channel_filter.channels or batch.channels)
        passed &= channel_filters.function(channel_filter)(batch, channel_filter) | ~tested
    return passed


def keep_uncut_cells(batch: Batch, *, foreground: Ragged, name: str, config: Mask, passed: BoolArray) -> MaskResult:
    """Compiled form of `keep_uncut_plain`."""
    masked = empty_result(batch, name=name)
    main = batch.channels.index(config.main_channel)
    united = np.isin(batch.channels, config.combine or batch.channels)
    exact = sums_exactly(batch)
    statuses = np.zeros(len(batch), dtype=np.int32)
    limits = most_border_pixels(batch.pixels.shapes, share=config.border_share)
    offsets = np.concatenate([[0], np.cumsum(batch.pixels.shapes.prod(axis=1))])
    for block in blocks(batch):
        cells, flat_pixels = block.cells, block.flat_pixels
        keep_uncut(
            block.pixels,
            stream_of(foreground.flat[flat_pixels]),
            block.shapes,
            passed[cells],
            united,
            main,
            limits[cells],
            least_number(batch.pixels.flat.dtype),
            exact,
            masked.masks.flat[flat_pixels],
            masked.combined.flat[offsets[cells.start] : offsets[cells.stop]],
            masked.n_components[cells],
            masked.box[cells],
            statuses[cells],
            masked.background[cells],
            masked.combined_background[cells],
        )
    masked.status[:] = np.array(STATUSES, dtype=STATUS_DTYPE)[statuses]
    return masked


def _foreground(batch: Batch, *, method: MaskMethod) -> Ragged:
    """Masks of a method, checked to fit the pixels: a method may come from another package."""
    foreground = masks.function(method)(batch, method)
    got, expected = ((images.n_channels, images.shapes.tolist()) for images in (foreground, batch.pixels))
    if got != expected or foreground.flat.dtype != np.bool_:
        raise TypeError(
            f"the mask method of {method.name!r} returned {len(foreground)} masks of {foreground.n_channels} planes, "
            f"dtype {foreground.flat.dtype}; expected {len(batch)} of {batch.pixels.n_channels} planes, bool, of the "
            "stamps' shapes"
        )
    return foreground
