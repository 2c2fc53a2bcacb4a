"""Gates by which data sets of imaging flow cytometry are prepared, written as rules, against planted stamps.

Such data are gated in IDEAS, the cytometer's software, before anything is learnt from them, in a usual order: cells in
focus (gradient RMS of the bright field above a value), single cells (area in a range, aspect ratio, minor over major
axis, above a value), whole ones, not saturated ones (the ImageStream's camera ends at 4095), then stained ones. Gates
are drawn by hand and published as pictures, so what is followed here is their sequence and what they look at, not their
numbers. Two things differ: focus is the variance of the Laplacian in place of the gradient's root mean square, and
areas are in pixels.

`WHITE_BLOOD_CELLS`
    focus, size, single, whole, not saturated, positive for a marker, which is found per sample because staining
    differs between them: as white blood cells are prepared for classification by their label-free images, types being
    told apart by antibodies such as CD45 or CD7 (Lippeveld et al. 2020, Classification of human white blood cells using
    machine learning for stain-free imaging flow cytometry, doi:10.1002/cyto.a.23920; Nassar et al. 2019, Label-free
    identification of white blood cells using machine learning, doi:10.1002/cyto.a.23794).
`CELL_CYCLE`
    focus, single by area and aspect ratio, then a range of DNA content from below G1 to above G2: as Jurkat cells
    stained with propidium iodide are prepared (Blasi et al. 2016, Label-free cell cycle analysis for high-throughput
    imaging flow cytometry, doi:10.1038/ncomms10256). Two G1 cells together hold the DNA of one in G2, so only their
    shape gives doublets away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
import yaml
from scipy import ndimage
from skimage.filters import threshold_otsu

from tasks.core.decision import QualityDecision
from tasks.core.regions import regions
from tasks.core.types import AnyArray, Batch, FloatArray
from tasks.mask import Mask, mask_batch
from tasks.quality.config import Quality, Rule
from tasks.quality.decide import decide
from tasks.quality.measure import measure_metrics, with_regions

CHANNELS = ("BF", "DNA", "CD7")
SIDE, FULL = 96, 4095

WHITE_BLOOD_CELLS = """
- {name: in_focus, metric: laplacian_variance, channel: BF, over: mask, threshold: {method: absolute, value: 2000}}
- {name: size, metric: area, channel: BF, keep: between, threshold: {method: absolute, value: 400},
   upper: {method: absolute, value: 2000}}
- {name: single, metric: aspect_ratio, channel: BF, threshold: {method: absolute, value: 0.75}}
- {name: whole, metric: border_contact, channel: BF, keep: below, threshold: {method: absolute, value: 0.005}}
- {name: not_saturated, metric: saturated, channel: DNA, keep: below, threshold: {method: absolute, value: 0.005}}
- {name: positive, metric: sum, channel: CD7, over: image, group_by: sample, threshold: mixture}
"""

CELL_CYCLE = """
- {name: in_focus, metric: laplacian_variance, channel: BF, over: mask, threshold: {method: mad, n: -5}}
- {name: size, metric: area, channel: BF, keep: between, threshold: {method: mad, n: -6}, upper: {method: mad, n: 20}}
- {name: single, metric: aspect_ratio, channel: BF, threshold: mixture}
- {name: whole, metric: border_contact, channel: BF, keep: below, threshold: {method: absolute, value: 0.005}}
- {name: dna, metric: sum, channel: DNA, over: image, keep: between, threshold: {method: absolute, value: 260_000},
   upper: {method: absolute, value: 900_000}}
"""

OTSU = "[{name: positive, metric: sum, channel: CD7, over: image, group_by: sample, threshold: otsu}]"
"""Another gate for stained cells."""

REMOVED_BY = {
    WHITE_BLOOD_CELLS: {
        "blurred": "in_focus",
        "debris": "size",
        "doublet": "single",
        "cut_off": "whole",
        "saturated": "not_saturated",
        "negative": "positive",
    },
    CELL_CYCLE: {
        "blurred": "in_focus",
        "debris": "size",
        "doublet": "single",
        "cut_off": "whole",
        "saturated": "dna",
    },
}
"""Which rule of a chain is to remove which kind of stamp; all others are to be kept."""

NUMBERS = {"cell": 300} | dict.fromkeys(REMOVED_BY[WHITE_BLOOD_CELLS], 40)
BRIGHTNESS = {"A": 1.0, "B": 4.0}
"""How much of the marker's stain the cells of a sample take up."""


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Stamps, what each shows, and the sample that it is of."""

    batch: Batch
    kinds: list[str]
    samples: list[str]


def draw(kind: str, *, sample: str, rng: np.random.Generator) -> AnyArray:
    """Draw a stamp (3, 96, 96) of 12-bit counts: bright field, DNA, marker."""
    radius = 3.4 if kind == "debris" else rng.normal(11.5, 0.5)
    row, column = SIDE / 2 + rng.normal(0, 1, 2)
    if kind == "cut_off":
        row = radius * rng.uniform(1.0, 1.1)
    centers = [(row, column)]
    if kind == "doublet":
        turn = rng.uniform(0, 2 * np.pi)
        apart = radius * rng.uniform(0.9, 1.0)
        centers = [(row + way * apart * np.sin(turn), column + way * apart * np.cos(turn)) for way in (-1, 1)]
    light = np.zeros((3, SIDE, SIDE))
    for place in centers:
        light += draw_cell(place, radius=radius, stained=kind not in {"negative", "debris"}, rng=rng)
    light[2] *= BRIGHTNESS[sample]
    if kind == "blurred":
        light = ndimage.gaussian_filter(light, (0, 3, 3))
    if kind == "saturated":
        light[1] *= 12
    background = np.array([900, 40, 40])[:, np.newaxis, np.newaxis]
    counts = background + light + rng.normal(0, 4, light.shape)
    return np.clip(np.rint(counts), 0, FULL).astype(np.uint16)


def draw_cell(place: tuple[float, float], *, radius: float, stained: bool, rng: np.random.Generator) -> FloatArray:
    """Light that a cell adds: a dark rim and grain in bright field, a nucleus in phase G1 or G2, a stained body."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    stretch = rng.uniform(0.95, 1.05)
    distance = np.hypot((rows - place[0]) * stretch, (columns - place[1]) / stretch)
    body = 1 / (1 + np.exp((distance - radius) / 0.7))
    nucleus = 1 / (1 + np.exp((distance - 0.6 * radius) / 0.8))
    grain = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 1)
    bright = -350 * np.exp(-((distance - radius) ** 2) / 4) + 90 * body * grain / grain.std()
    dna = rng.choice([1, 2]) * (radius / 11.5) ** 2 * 160_000 * rng.normal(1, 0.04)
    marker = body * (rng.normal(450, 40) if stained else rng.normal(25, 4))
    return np.stack([bright, dna * nucleus / nucleus.sum(), marker])


@pytest.fixture(scope="module")
def planted() -> Planted:
    """540 stamps of two samples."""
    rng = np.random.default_rng(29)
    kinds = [kind for kind, number in NUMBERS.items() for _ in range(number)]
    samples = [str(sample) for sample in rng.choice(list(BRIGHTNESS), len(kinds))]
    images = [draw(kind, sample=sample, rng=rng) for kind, sample in zip(kinds, samples, strict=True)]
    return Planted(batch=Batch.of(images, channels=CHANNELS), kinds=kinds, samples=samples)


@dataclass(frozen=True, kw_only=True)
class Gated:
    """What a chain decided."""

    table: pl.DataFrame
    decision: QualityDecision
    statuses: list[str]


def gate(planted: Planted, *, rules: Sequence[Rule]) -> Gated:
    """Mask, measure and decide."""
    (masked,) = mask_batch(planted.batch, config=Mask(methods=["li"], main_channel="BF"))
    table = measure_metrics(
        planted.batch, regions(masked), rules=rules, frames=planted.batch.pixels.unstack()
    ).with_columns(
        meta__image=pl.Series([str(number) for number in range(len(planted.kinds))]),
        meta__sample=pl.Series(planted.samples),
        status=pl.Series(masked.status.tolist()),
        kind=pl.Series(planted.kinds),
    )
    decision = decide(table, rules=with_regions(rules, main_region="li", stamps=True))
    return Gated(table=table, decision=decision, statuses=decision.statuses(table, table["status"].to_list()))


def rules_of(chain: str) -> tuple[Rule, ...]:
    return Quality.model_validate(yaml.safe_load(chain)).rules


@pytest.mark.parametrize("chain", list(REMOVED_BY), ids=["white_blood_cells", "cell_cycle"])
def test_a_chain_removes_every_kind_and_tells_by_which_rule(planted: Planted, chain: str) -> None:
    gated = gate(planted, rules=rules_of(chain))
    kinds, statuses = np.array(planted.kinds), np.array(gated.statuses)
    for kind, rule in REMOVED_BY[chain].items():
        assert (statuses[kinds == kind] == f"quality:{rule}").mean() >= 0.99, f"sensitivity for {kind}"
    wanted = ~np.isin(kinds, list(REMOVED_BY[chain]))
    assert (statuses[wanted] == "kept").mean() >= 0.99, "specificity"
    for fitted in gated.decision.rules:
        lost = sum(group.before - group.after for group in fitted.groups)
        assert lost == np.count_nonzero(statuses == f"quality:{fitted.rule}")


def test_no_gate_but_that_of_shape_tells_doublets_from_cells_in_g2(planted: Planted) -> None:
    chain = tuple(rule for rule in rules_of(CELL_CYCLE) if rule.name != "single")
    statuses = np.array(gate(planted, rules=chain).statuses)
    assert (statuses[np.array(planted.kinds) == "doublet"] == "kept").mean() > 0.5


def test_a_sample_of_other_staining_needs_a_threshold_of_its_own(planted: Planted) -> None:
    chain = rules_of(WHITE_BLOOD_CELLS)
    groups = {group.group["sample"]: group for group in gate(planted, rules=chain).decision.rules[-1].groups}
    assert groups["A"].threshold is not None
    assert groups["B"].threshold is not None
    sums = gate(planted, rules=chain).table["image__quality_sum__CD7"].to_numpy()
    unstained = sums[(np.array(planted.kinds) == "negative") & (np.array(planted.samples) == "B")]
    assert (unstained < groups["B"].threshold).all()
    assert (unstained > groups["A"].threshold).mean() > 0.9
    pooled = (*chain[:-1], chain[-1].model_copy(update={"group_by": ()}))
    (pooled_group,) = gate(planted, rules=pooled).decision.rules[-1].groups
    stained = sums[(np.array(planted.kinds) == "cell") & (np.array(planted.samples) == "A")]
    assert pooled_group.threshold is not None
    assert (stained < pooled_group.threshold).mean() > 0.5, "a common threshold takes the dim sample for unstained"


def test_the_first_rule_that_a_stamp_fails_is_named_and_later_thresholds_do_not_see_it(planted: Planted) -> None:
    chain = (*rules_of(WHITE_BLOOD_CELLS)[:-1], rules_of(OTSU)[0])
    forward, backward = (gate(planted, rules=rules) for rules in (chain, chain[::-1]))
    debris = np.array(planted.kinds) == "debris"
    assert set(np.array(forward.statuses)[debris]) == {"quality:size"}
    assert set(np.array(backward.statuses)[debris]) == {"quality:positive"}
    for gated, place, earlier in ((forward, -1, {"kept", "quality:positive"}), (backward, 0, None)):
        rule = gated.decision.rules[place]
        seen = gated.table["status"] == "kept"
        if earlier is not None:
            seen &= pl.Series(gated.statuses).is_in(list(earlier))
        for group in rule.groups:
            values = gated.table.filter(seen & (pl.col("meta__sample") == group.group["sample"]))[
                rule.column
            ].to_numpy()
            assert group.threshold == pytest.approx(threshold_otsu(values), rel=1e-12)
            assert group.before == len(values)
    thresholds = [
        [group.threshold for group in gated.decision.rules[place].groups]
        for gated, place in ((forward, -1), (backward, 0))
    ]
    assert thresholds[0] != thresholds[1]
