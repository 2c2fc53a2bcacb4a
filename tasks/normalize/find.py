"""The decision over all pixels: from their histogram to the scaling of every group and channel."""

from collections.abc import Iterable, Sequence

import polars as pl

from tasks.core.exact.statistics import NAN
from tasks.normalize.config import Normalize, scalings
from tasks.normalize.pixels import Pixels
from tasks.normalize.scaling import ChannelScaling, GroupScaling, Scaling


def find_scaling(
    histogram: pl.DataFrame,
    *,
    config: Normalize,
    channels: Sequence[str],
    groups: Iterable[tuple[str, ...]] = (),
    region: str = "",
) -> Scaling:
    """Find the scaling of each channel in each group.

    Where the method finds a scale of 0, as of a channel whose pixels are all equal, the scale is 1: such pixels become
    0, or, where most pixels are equal and the scale is a robust one, distances from the center in their own unit. So do
    the scalers of scikit-learn. Where there is no pixel, center and scale are NaN.

    Parameters
    ----------
    histogram
        Of all pixels: what `merge_histograms` made of all parts.
    channels
        Channels of the images, in their order.
    groups
        Groups that the data set has, values in the order of `config.group_by`; those that the histogram has are added.
    region
        The mask or object whose pixels were looked at; left out: `config.region`.
    """
    function, group_by = scalings.function(config), config.group_by
    columns = [f"meta__{name}" for name in group_by]
    parts = histogram.partition_by([*columns, "channel"], as_dict=True) if len(histogram) else {}
    known = {place[:-1] for place in parts} | set(groups)
    if not group_by:
        known.add(())
    group_scalings = []
    for group in sorted(known):
        scales = []
        for channel in channels:
            pixels = Pixels.of(parts.get((*group, channel), histogram.clear()))
            center, scale = function(pixels, config) if pixels.count else (NAN, NAN)
            scales.append(ChannelScaling(channel=channel, center=center, scale=scale or 1.0, count=pixels.count))
        group_scalings.append(GroupScaling(group=dict(zip(group_by, group, strict=True)), channels=tuple(scales)))
    return Scaling(
        method=config.method,  # type: ignore[attr-defined]
        transform=config.transform,
        region=region or config.region,
        group_by=group_by,
        channels=tuple(channels),
        groups=tuple(group_scalings),
    )
