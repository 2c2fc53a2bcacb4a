"""Quality metrics of cells: cheap numbers, measured before features."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from tasks.core.types import AnyArray, Batch, FloatArray, Region
from tasks.quality.config import Rule


def pixel_sum(pixels: AnyArray) -> float:
    """Sum of pixels of any shape, exact for integers, in the image's intensity unit; NaN of none."""
    if pixels.size == 0:
        return float("nan")
    return float(pixels.sum(dtype=np.int64 if pixels.dtype.kind in "iu" else np.float64))


def pixel_mean(pixels: AnyArray) -> float:
    """Mean of pixels of any shape, in the image's intensity unit; NaN of none."""
    return pixel_sum(pixels) / max(pixels.size, 1)


METRICS: dict[str, Callable[[AnyArray], float]] = {"sum": pixel_sum, "mean": pixel_mean}


def metric_column(rule: Rule, *, default_region: str) -> str:
    """Name the column that a rule looks at: ``image__quality_sum__BF``, ``nucleus__quality_mean__DAPI``."""
    region = "image" if rule.over == "image" else rule.region or default_region
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
