"""The metrics that rules look at, measured for a batch of cells."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import polars as pl

from tasks.core.regions import COMBINED
from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, Region
from tasks.quality.config import WHOLE, Measurement
from tasks.quality.registry import Metric, metrics
from tasks.quality.view import FieldView, View

MeasurementT = TypeVar("MeasurementT", bound=Measurement)


def metric_of(rule: Measurement) -> Metric:
    """Return the function that a rule's metric stands for."""
    function = metrics[rule.metric].function
    return function if rule.percentile is None else partial(function, percentile=rule.percentile)


def with_regions(rules: Iterable[MeasurementT], *, main_region: str, stamps: bool) -> tuple[MeasurementT, ...]:
    """Complete rules, as they are configured, by the region that each looks at.

    It is the main one where a rule names none; of stamps a rule without channel looks at the combined mask; over the
    image it is `WHOLE`.
    """

    def region(rule: MeasurementT) -> str:
        if rule.over == "image":
            return WHOLE
        name = rule.region or main_region
        return name + COMBINED if stamps and not rule.channel else name

    return tuple(rule.model_copy(update={"region": region(rule)}) for rule in rules)


def metric_column(rule: Measurement) -> str:
    """Name the column that a rule `with_regions` looks at: ``image__quality_sum__BF``, ``nucleus__quality_area``."""
    return "__".join(filter(None, (rule.region, f"quality_{rule.measure}", rule.channel)))


def measure_metrics(
    batch: Batch, regions: Sequence[Region], *, rules: Sequence[Measurement], frames: Sequence[AnyArray]
) -> pl.DataFrame:
    """Measure what the rules look at.

    Parameters
    ----------
    batch
        N cells.
    regions
        The masks or objects of these cells, the main one first.
    rules
        The rules whose metrics are wanted, as they are configured.
    frames
        The (C, H, W) image of each cell, for metrics over the image.

    Returns
    -------
    DataFrame
        N rows, a float64 column per distinct metric.
    """
    views = _Views(batch, regions, frames)
    columns: dict[str, FloatArray] = {}
    for rule in with_regions(rules, main_region=regions[0].name, stamps=not regions[0].shared):
        column = metric_column(rule)
        if column not in columns:
            columns[column] = views.measure(metric_of(rule), region=rule.region, channel=rule.channel)
    return pl.DataFrame(columns)


class _Views:
    """What the metrics of a batch look at, made once for all rules that look at the same."""

    def __init__(self, batch: Batch, regions: Sequence[Region], frames: Sequence[AnyArray]) -> None:
        self._regions = {region.name: region for region in regions}
        self._channels = batch.channels
        self._pixels = batch.pixels.unstack()
        self._masks: dict[str, list[BoolArray]] = {}
        self._frames = frames
        self._made: dict[tuple[str, int], list[View]] = {}

    def measure(self, metric: Metric, *, region: str, channel: str) -> FloatArray:
        """(N,) float64; metrics that need no channel look at the shape of the region alone."""
        number = self._channels.index(channel) if channel else 0
        if (region, number) not in self._made:
            make = self._of_frames if region == WHOLE else self._of_region
            self._made[region, number] = make(region, number)
        views = self._made[region, number]
        # the objects of a field share its frame: it is measured once
        known = {id(view): metric(view) for view in {id(view): view for view in views}.values()}
        return np.array([known[id(view)] for view in views], dtype=np.float64)

    def _of_frames(self, _: str, channel: int) -> list[View]:
        views = {id(frame): View(pixels=frame[channel], mask=None) for frame in self._frames}
        return [views[id(frame)] for frame in self._frames]

    def _of_region(self, name: str, channel: int) -> list[View]:
        region = self._regions[name]
        if name not in self._masks:
            self._masks[name] = region.masks.unstack()
        plane = 0 if region.shared else channel
        field, numbers = None, [0] * len(self._pixels)
        if region.field is not None and self._frames:
            # all cells of a region lie in one field
            field = FieldView(pixels=self._frames[0][channel], labels=region.field.labels)
            numbers = region.field.numbers.tolist()
        return [
            View(pixels=image[channel], mask=mask[plane], background=float(level[channel]), field=field, number=number)
            for image, mask, level, number in zip(
                self._pixels, self._masks[name], region.background, numbers, strict=True
            )
        ]
