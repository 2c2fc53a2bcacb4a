"""Dim and blurred stamps planted among normal ones are found by the rules that a user would write."""

import numpy as np
import polars as pl
import pytest

from tasks.core.regions import regions
from tasks.core.types import Batch
from tasks.ingest.example import plan_cells
from tasks.ingest.example_cells import CHANNELS, draw_cell
from tasks.mask import Mask, mask_batch
from tasks.quality.config import Quality
from tasks.quality.decide import decide
from tasks.quality.measure import measure_metrics, with_regions

CHOSEN = ("BF", "DNA")


@pytest.fixture(scope="module")
def stamps() -> tuple[Batch, list[str]]:
    """Stamps of which 8 % have 0.3 of the light and 8 % are blurred with a sigma of at least 3 px; none is cut off."""
    planned = [
        planned_cell
        for planned_cell in plan_cells(count=450, seed=7)
        if planned_cell[1][1] in {"normal", "dim", "blurred"}
    ]
    channels = [CHANNELS.index(name) for name in CHOSEN]
    images = []
    for number, (cell_type, state) in planned:
        cell = draw_cell(cell_type=cell_type, state=state, rng=np.random.default_rng([7, number]))
        images.append(cell.pixels[channels])
    return Batch.of(images, channels=CHOSEN), [state for _, (_, state) in planned]


@pytest.mark.slow
def test_dim_and_blurred_stamps_are_removed_and_no_others(stamps: tuple[Batch, list[str]]) -> None:
    batch, states = stamps
    quality = Quality.model_validate(
        [
            {"name": "dim", "metric": "sum", "channel": "DNA", "over": "mask", "threshold": "mixture"},
            {
                "name": "blurred",
                "metric": "laplacian_variance",
                "channel": "BF",
                "over": "mask",
                "threshold": {"method": "mad", "n": -4},
            },
        ]
    )
    (masked,) = mask_batch(batch, config=Mask(methods=["li"], main_channel="BF"))
    measured = measure_metrics(batch, regions(masked), rules=quality.rules, frames=batch.pixels.unstack())
    table = measured.with_columns(
        meta__image=pl.Series([f"{number:04d}" for number in range(len(states))]),
        status=pl.Series(masked.status.tolist()),
    )
    decision = decide(table, rules=with_regions(quality.rules, main_region="li", stamps=True))
    passes = np.array(decision.statuses(table, masked.status.tolist())) == "kept"
    bad = np.array(states) != "normal"
    assert bad.sum() >= 60
    assert (~passes[bad]).mean() >= 0.99, "sensitivity"
    assert passes[~bad].mean() >= 0.99, "specificity"
