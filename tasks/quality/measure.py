"""The metrics that rules look at, measured for a batch of cells."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tasks.core.regions import COMBINED
from tasks.core.types import AnyArray, Batch, FloatArray, Region
from tasks.quality.config import WHOLE, Rule
from tasks.quality.metrics import AGAINST_BACKGROUND, INTENSITY, SHAPE, Metric, View, percentile

METRICS: dict[str, Metric] = INTENSITY | AGAINST_BACKGROUND | SHAPE


def metric_of(rule: Rule) -> Metric:
    """Return the function that a rule's metric stands for."""
    return METRICS[rule.metric] if rule.percentile is None else percentile(rule.percentile)


def region_of(rule: Rule, *, default_region: str, stamps: bool) -> str:
    """Name the region that a rule looks at; of stamps a rule without channel looks at the combined mask."""
    if rule.over == "image":
        return WHOLE
    name = rule.region or default_region
    return name + COMBINED if stamps and not rule.channel else name


def metric_column(rule: Rule, *, default_region: str, stamps: bool) -> str:
    """Name the column that a rule looks at: ``image__quality_sum__BF``, ``nucleus__quality_area``."""
    region = region_of(rule, default_region=default_region, stamps=stamps)
    return "__".join(filter(None, (region, f"quality_{rule.measure}", rule.channel)))


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
    stamps = not regions[0].shared
    columns: dict[str, FloatArray] = {}
    for rule in rules:
        column = metric_column(rule, default_region=regions[0].name, stamps=stamps)
        if column in columns:
            continue
        metric = metric_of(rule)
        channel = batch.channels.index(rule.channel) if rule.channel else 0
        if rule.over == "image":
            views = [View(pixels=frame[channel], mask=np.ones(frame.shape[1:], dtype=np.bool_)) for frame in frames]
        else:
            views = _views(batch, named[region_of(rule, default_region=regions[0].name, stamps=stamps)], channel)
        columns[column] = np.array([metric(view) for view in views], dtype=np.float64)
    return pl.DataFrame(columns)


def _views(batch: Batch, region: Region, channel: int) -> list[View]:
    plane = 0 if region.shared else channel
    return [
        View(pixels=image[channel], mask=mask[plane], background=float(background[channel]))
        for image, mask, background in zip(
            batch.pixels.unstack(), region.masks.unstack(), region.background, strict=True
        )
    ]
