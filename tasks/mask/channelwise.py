"""Plain loops over the single channels of a batch."""

from collections.abc import Callable

import numpy as np

from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, IntArray, Ragged
from tasks.mask.kernels.blocks import Block, blocks, fits
from tasks.mask.kernels.spread import LOW, MEASURED, measure_spread


def mask_each(batch: Batch, mask: Callable[[AnyArray, str], BoolArray]) -> Ragged:
    """Mask every channel of every stamp on its own.

    Parameters
    ----------
    batch
        Pixels of N stamps, C channels.
    mask
        (pixels (H, W), name of the channel) → bool (H, W). Not called for a channel that holds NaN or infinite pixels,
        whose mask is empty.

    Returns
    -------
    Ragged
        Bool, of the batch's shapes, C channels.
    """
    masks = empty_masks(batch, n_channels=batch.pixels.n_channels)
    for stamp, image in zip(masks.unstack(), batch.pixels.unstack(), strict=True):
        for index, channel in enumerate(batch.channels):
            if is_finite(image[index]):
                stamp[index] = mask(image[index], channel)
    return masks


def mask_blocks(
    batch: Batch,
    mask: Callable[[Block, BoolArray, BoolArray], None],
    *,
    plain: Callable[[AnyArray, str], BoolArray],
) -> Ragged:
    """Mask every channel of every stamp by compiled code, and by the plain code where that is not sure of the result.

    Parameters
    ----------
    batch
        Pixels of N stamps, C channels.
    mask
        (block of n stamps, flat masks that are false as yet, (n, C) bool) → nothing; the masks are written, and to the
        last argument whether each is certain to be that of the plain code.
    plain
        As in `mask_each`.

    Returns
    -------
    Ragged
        Bool, of the batch's shapes, C channels.
    """
    if not fits(batch):
        return mask_each(batch, plain)
    masks = empty_masks(batch, n_channels=batch.pixels.n_channels)
    certain = np.ones((len(batch), batch.pixels.n_channels), dtype=np.bool_)
    for block in blocks(batch):
        mask(block, masks.flat[block.flat_pixels], certain[block.cells])
    if not certain.all():
        images, stamps = batch.pixels.unstack(), masks.unstack()
        for cell, channel in np.argwhere(~certain):
            stamps[cell][channel] = plain(images[cell][channel], batch.channels[channel])
    return masks


def test_each(batch: Batch, passes: Callable[[AnyArray], bool]) -> BoolArray:
    """Test every channel of every stamp on its own: (N, C) bool; a channel with NaN or infinite pixels fails."""
    verdicts = [[is_finite(plane) and passes(plane) for plane in image] for image in batch.pixels.unstack()]
    return np.array(verdicts, dtype=np.bool_).reshape(len(batch), len(batch.channels))


def test_spread(
    batch: Batch,
    passes: Callable[[FloatArray, IntArray], tuple[BoolArray, BoolArray]],
    *,
    plain: Callable[[AnyArray], bool],
) -> BoolArray:
    """Test every channel of every stamp by what `measure_spread` measures, and by the plain code where that is unsure.

    Parameters
    ----------
    batch
        Pixels of N stamps, C channels.
    passes
        (measured (n, C, 6), numbers of pixels (n, 1)) → verdicts and whether each is certain to be that of the plain
        code, (n, C) bool. What it says of channels with NaN or infinite pixels, or none, does not matter: they fail.
    plain
        As in `test_each`.
    """
    if not fits(batch):
        return test_each(batch, plain)
    verdicts = np.zeros((len(batch), len(batch.channels)), dtype=np.bool_)
    images = batch.pixels.unstack()
    for block in blocks(batch):
        measured = np.empty((len(block.shapes), len(batch.channels), MEASURED))
        measure_spread(block.pixels, block.shapes, len(batch.channels), measured)
        with np.errstate(all="ignore"):
            verdict, sure = passes(measured, block.shapes.prod(axis=1)[:, np.newaxis])
        finite = ~np.isnan(measured[..., LOW])
        verdicts[block.cells] = verdict & finite
        for cell, channel in np.argwhere(finite & ~sure):
            verdicts[block.cells][cell, channel] = plain(images[block.cells.start + cell][channel])
    return verdicts


def empty_masks(batch: Batch, *, n_channels: int) -> Ragged:
    """Masks of a batch's shapes, all pixels false."""
    shapes = batch.pixels.shapes
    return Ragged(
        flat=np.zeros(int(shapes.prod(axis=1).sum()) * n_channels, dtype=np.bool_), shapes=shapes, n_channels=n_channels
    )


def is_finite(image: AnyArray) -> bool:
    """Whether no pixel is NaN or infinite."""
    return image.dtype.kind in "biu" or bool(np.isfinite(image).all())


def unit_range(image: AnyArray) -> FloatArray:
    """Shift the lowest pixel to 0 and scale by a power of two to [0, 1), as float64.

    For pixels of 53 bits or fewer both steps are exact, so what is computed from the result does not change, not even
    in the last bit, when a constant is added to all pixels or when all are scaled by a power of two. Squares and higher
    powers of the result do not overflow.

    Parameters
    ----------
    image
        Pixels of any shape but an empty one, of any integer or float dtype, finite.

    Examples
    --------
    >>> unit_range(np.array([[100, 104], [112, 100]], dtype=np.uint8)).tolist()
    [[0.0, 0.25], [0.75, 0.0]]
    """
    # Halves: the range of float64 pixels can exceed the largest float64.
    shifted = image.astype(np.float64) * 0.5
    shifted -= shifted.min()
    _, exponent = np.frexp(shifted.max())
    return np.asarray(np.ldexp(shifted, -int(exponent)), dtype=np.float64)


def unit_scale(image: AnyArray) -> tuple[FloatArray, int]:
    """Scale by a power of two, so that all pixels lie between −1 and 1.

    For pixels of 53 bits or fewer this is exact: unlike `unit_range` it changes no digit of what is computed from the
    result, only the exponent, and neither do squares of the result overflow.

    Parameters
    ----------
    image
        Pixels of any shape but an empty one, of any integer or float dtype, finite.

    Returns
    -------
    scaled : FloatArray
        The pixels times 2**-exponent, float64, magnitudes below 1.
    exponent : int
        0 where all pixels are zero.

    Examples
    --------
    >>> scaled, exponent = unit_scale(np.array([[-3, 4]]))
    >>> scaled.tolist(), exponent
    ([[-0.375, 0.5]], 3)
    """
    pixels = image.astype(np.float64)
    exponent = int(np.frexp(np.abs(pixels).max())[1])
    return np.asarray(np.ldexp(pixels, -exponent), dtype=np.float64), exponent
