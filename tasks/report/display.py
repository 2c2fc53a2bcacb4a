"""How pictures are to be read: which channels and outlines they have, and what black and white stand for."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from tasks.core.types import AnyArray, FloatArray
from tasks.core.work import Frozen
from tasks.report.material import ChannelRange, Display

MOST_CHANNELS = 6
"""Channels side by side."""

COMPOSITE = ("#3366ff", "#33cc33", "#ff3333")
"""Colours of the channels of a field: the first ones that cells are looked for in, DNA as a rule."""

SINGLE = "#ffffff"

OUTLINES = ("#ffd400", "#00e5ff", "#7cff4f", "#ff8c1a")
"""Of masks or objects, in their order."""

REJECTED, REJECTED_COLOUR = "left out", "#ff5ad0"

LOW, HIGH = 0.002, 0.998
"""Quantiles of a channel's pixels that are shown black and white."""

PIXELS = 1 << 16
"""Of a channel of an image, that are looked at for these; evenly spread over it."""

TILE = 64
"""Pixels that the side of a typical cell's picture is reduced to, where it is larger."""


class View(Frozen):
    """What pictures show, as the configuration has it.

    Parameters
    ----------
    channels
        Names, the most important ones first.
    outlined
        Masks or objects that are outlined, the main one first.
    """

    channels: tuple[str, ...]
    outlined: tuple[str, ...]


def reduction_of(side: int) -> int:
    """Pixels of an image for one in the pictures, so that `side` of them become `TILE` at most."""
    return max(1, math.ceil(side / TILE))


def decide_display(
    images: Iterable[AnyArray], *, view: View, channels: Sequence[str], stamps: bool, reduction: int
) -> Display:
    """Choose black and white of each channel over some images (C, H, W), and tell how pictures are to be read.

    Parameters
    ----------
    channels
        C names; the strips have the first ones of `view` in this order.
    """
    samples = [_thinned(image) for image in images]
    shown = sorted(view.channels[:MOST_CHANNELS], key=channels.index)
    ranges = {name: _range(name, [sample[channels.index(name)] for sample in samples]) for name in shown}
    colours = [name for name in view.channels if name in ranges][: 0 if stamps else len(COMPOSITE)]
    palette = COMPOSITE if len(colours) > 1 else (SINGLE,)
    what = "stamps" if stamps else "fields"
    return Display(
        channels=tuple(ranges.values()),
        composite=tuple(
            ranges[name].model_copy(update={"colour": colour}) for name, colour in zip(colours, palette, strict=False)
        ),
        hidden=tuple(name for name in channels if name not in ranges),
        rule=(
            f"black and white are the {LOW:.1%} and {HIGH:.1%} quantiles of a channel's pixels in {len(samples):,} "
            f"sampled {what}, the same in all pictures"
        ),
        outlines=dict(zip(view.outlined, OUTLINES, strict=False)) | ({} if stamps else {REJECTED: REJECTED_COLOUR}),
        reduction=reduction,
    )


def _thinned(image: AnyArray) -> FloatArray:
    """Return some pixels of each channel, (C, N)."""
    flat = image.reshape(len(image), -1)
    return flat[:, :: max(1, flat.shape[1] // PIXELS)].astype(np.float64)


def _range(name: str, samples: Sequence[FloatArray]) -> ChannelRange:
    values = np.concatenate(samples) if samples else np.zeros(0)
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [LOW, HIGH]) if values.size else (0.0, 1.0)
    return ChannelRange(name=name, low=float(low), high=float(high))
