"""Tell what filtering before features saves: the features of the cells it rejects, less the metrics it decides by.

    python benchmarks/filtering.py [--cells N] [--rounds R] [--channels C] [--families default all]

Generated stamps of 12 channels are masked by li. A chain of rules such as gates of imaging flow cytometry (in focus,
whole, of a cell's size, single, not saturated, stained) measures six metrics of every cell; its last threshold is a
quantile, so that it rejects 0, 25, 50 or 75 % of the stamps. Then the features of the kept stamps are measured, once of
the families that are measured by default, once of all that stamps can have. All of it runs in one process, on one core;
what counts is the processor's time, least of all rounds. Reading the pixels, which every stage does once, is left out.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl

from benchmarks.programs import parsed, stay_on_one_core
from tasks.core.regions import regions
from tasks.core.types import Batch, Region
from tasks.features import Features, measure, warm_up
from tasks.features.family import families_of
from tasks.ingest.example_cells import CELL_TYPES, CHANNELS, draw_cell
from tasks.mask import Mask, mask_batch
from tasks.quality.config import Quality
from tasks.quality.decide import decide
from tasks.quality.measure import measure_metrics, with_regions

DEFAULT = ("shape", "intensity", "texture")
OF_FIELDS = {"neighbors"}
"""Families that stamps do not have."""

SHARES = (0.0, 0.25, 0.5, 0.75)
BATCH = 100
"""Stamps that are measured at a time, as in a partition."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """A batch of stamps, and where to measure."""

    batch: Batch
    regions: tuple[Region, ...]

    def take(self, rows: Sequence[int]) -> "Stamps":
        """Return some of them, at least one."""
        return Stamps(batch=self.batch.take(rows), regions=tuple(region.take(rows) for region in self.regions))


def draw(cells: int, *, channels: Sequence[str]) -> list[Batch]:
    """Draw whole cells of all types, a batch after the other."""
    indices = [CHANNELS.index(name) for name in channels]
    images = [
        draw_cell(
            cell_type=CELL_TYPES[number % len(CELL_TYPES)], state="normal", rng=np.random.default_rng([1, number])
        ).pixels[indices]
        for number in range(cells)
    ]
    return [Batch.of(images[start : start + BATCH], channels=channels) for start in range(0, cells, BATCH)]


def rules(share: float) -> Quality:
    """Write the chain that rejects a share of the stamps."""
    loose = {"method": "absolute", "value": 1e9}
    least = {"method": "absolute", "value": -1}
    last = {"method": "quantile", "q": share} if share else least
    return Quality.model_validate(
        [
            {"name": "in_focus", "metric": "laplacian_variance", "channel": "BF", "over": "mask", "threshold": least},
            {"name": "whole", "metric": "border_contact", "keep": "below", "threshold": loose},
            {"name": "cell", "metric": "area", "keep": "between", "threshold": least, "upper": loose},
            {"name": "single", "metric": "aspect_ratio", "threshold": least},
            {"name": "not_saturated", "metric": "saturated", "channel": "DNA", "keep": "below", "threshold": loose},
            {"name": "stained", "metric": "sum", "channel": "DNA", "over": "mask", "threshold": last},
        ]
    )


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Time of the processor that a call takes, and what it returns."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def mask_all(batches: Sequence[Batch]) -> list[Stamps]:
    """Mask the stamps."""
    config = Mask(methods=["li"], main_channel="BF")
    return [
        Stamps(batch=batch, regions=regions(masked)) for batch in batches for masked in mask_batch(batch, config=config)
    ]


def metrics_of(stamps: Sequence[Stamps], *, quality: Quality) -> pl.DataFrame:
    """Measure what the rules look at; every stamp counts as kept so far."""
    tables = [
        measure_metrics(chunk.batch, chunk.regions, rules=quality.rules, frames=chunk.batch.pixels.unstack())
        for chunk in stamps
    ]
    table = pl.concat(tables)
    names = pl.Series([str(number) for number in range(len(table))])
    return table.with_columns(meta__image=names, status=pl.lit("kept"))


def kept_rows(table: pl.DataFrame, *, quality: Quality) -> list[int]:
    """Decide."""
    decision = decide(table, rules=with_regions(quality.rules, main_region="li", stamps=True))
    statuses = decision.statuses(table, table["status"].to_list())
    return [row for row, status in enumerate(statuses) if status == "kept"]


def features_of(stamps: Sequence[Stamps], rows: Sequence[int], *, config: Features) -> None:
    """Measure the features of some stamps, batch by batch, as the feature stage does."""
    first = 0
    for chunk in stamps:
        own = [row - first for row in rows if first <= row < first + len(chunk.batch)]
        first += len(chunk.batch)
        if own:
            some = chunk.take(own)
            measure(some.batch, some.regions, config=config)


def main() -> None:
    """Time all and print the table."""
    options = parsed(
        "Time features with and without filtering before them.",
        cells=(200, "stamps"),
        rounds=(3, "of which the least counts"),
        channels=(len(CHANNELS), "the first ones of the example's"),
        families=(["default", "all"], "those that are measured", "default", "all"),
    )
    stay_on_one_core()
    channels = CHANNELS[: options.channels]
    every = tuple(name for name in families_of("standard") if name not in OF_FIELDS)
    families = {"default": DEFAULT, "all": every}
    batches = draw(options.cells, channels=channels)
    mask_all([batches[0].take([0])])
    print(f"{options.cells} stamps of {len(channels)} channels, profile standard; µs per stamp of all stamps\n")
    print("| families | removed | mask | metrics | decision | features of all | of the kept | saved | net saving |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for title in options.families:
        config = Features.model_validate({"profile": "standard", "families": list(families[title])})
        warm_up("standard", families=config.families)
        for share in SHARES:
            quality = rules(share)
            turns = []
            for _ in range(options.rounds):
                masking, stamps = timed(lambda: mask_all(batches))
                asking, table = timed(lambda: metrics_of(stamps, quality=quality))  # noqa: B023 - called at once
                deciding, rows = timed(lambda: kept_rows(table, quality=quality))  # noqa: B023
                full, _ = timed(lambda: features_of(stamps, range(options.cells), config=config))  # noqa: B023
                part, _ = timed(lambda: features_of(stamps, rows, config=config))  # noqa: B023
                turns.append((masking, asking, deciding, full, part))
            masking, asking, deciding, full, part = 1e6 * np.min(turns, axis=0) / options.cells
            net = 1 - (asking + deciding + part) / full
            print(
                f"| {title} | {1 - len(rows) / options.cells:.0%} | {masking:,.0f} | {asking:,.0f} | {deciding:,.0f} "
                f"| {full:,.0f} | {part:,.0f} | {1 - part / full:.0%} | {net:.0%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
