"""Quality metrics of cells: cheap numbers, measured before features."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from tasks.core.types import AnyArray, Batch, FloatArray, Region
from tasks.quality.config import WHOLE, Rule


def pixel_sum(pixels: AnyArray) -> float:
    """Sum of pixels of any shape, in the image's intensity unit; NaN of none. Of integers it is rounded once."""
    if pixels.size == 0:
        return float("nan")
    return float(_total(pixels))


def pixel_mean(pixels: AnyArray) -> float:
    """Mean of pixels of any shape, in the image's intensity unit; NaN of none. Of integers it is rounded once."""
    return _total(pixels) / pixels.size if pixels.size else float("nan")


def _total(pixels: AnyArray) -> int | float:
    """Sum of pixels; of integers an int, which is exact however large it is."""
    if pixels.dtype.kind not in "iu":
        return float(pixels.sum(dtype=np.float64))
    if pixels.dtype.itemsize < 8:
        return int(pixels.sum(dtype=np.int64))
    # 64-bit pixels may leave int64 when they are summed, their upper and lower halves cannot
    upper, lower = (pixels >> 32).sum(dtype=np.int64), (pixels & 0xFFFF_FFFF).sum(dtype=np.int64)
    return (int(upper) << 32) + int(lower)


METRICS: dict[str, Callable[[AnyArray], float]] = {"sum": pixel_sum, "mean": pixel_mean}


def metric_column(rule: Rule, *, default_region: str) -> str:
    """Name the column that a rule looks at: ``image__quality_sum__BF``, ``nucleus__quality_mean__DAPI``."""
    region = WHOLE if rule.over == "image" else rule.region or default_region
    return f"{region}__quality_{rule.metric}__{rule.channel}"


def measure_metrics(
    batch: Batch, regions: Sequence[Region], *, rules: Sequence[Rule], frames: Sequence[AnyArray]
) -> pl.DataFrame:
    """Measure what the rules look at.

    Parameters
    ----------
    batch
        N cells.
    regions
        The masks or objects of these cells, the first being the default.
    rules
        The rules whose metrics are wanted.
    frames
        The (C, H, W) image of each cell, for metrics over the image.

    Returns
    -------
    DataFrame
        N rows, a float64 column per distinct metric.
    """
    named = {region.name: region for region in regions}
    columns: dict[str, FloatArray] = {}
    images = batch.pixels.unstack()
    for rule in rules:
        channel = batch.channels.index(rule.channel)
        function = METRICS[rule.metric]
        if rule.over == "image":
            values = [function(frame[channel]) for frame in frames]
        else:
            region = named[rule.region or regions[0].name]
            plane = 0 if region.shared else channel
            values = [
                function(image[channel][mask[plane]])
                for image, mask in zip(images, region.masks.unstack(), strict=True)
            ]
        columns[metric_column(rule, default_region=regions[0].name)] = np.array(values, dtype=np.float64)
    return pl.DataFrame(columns)
