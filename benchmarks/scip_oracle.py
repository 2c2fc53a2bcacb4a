"""Run the published program SCIP 0.1.12 on small stamps and keep what it finds as test fixtures.

Run with the Python of `scip_environment.sh`; the real stamps are read from the folder of test images::

    .envs/scip/bin/python benchmarks/scip_oracle.py [--data DIR] [--output DIR]

`scip_masks.npz` and `scip_features.npz` are written; `tests/oracle/fixtures/README.md` is their layout. Sets of stamps:
`zarr`, 10 real objects of 7 channels, `generated`, drawn here, and `handmade`, whose masks are drawn by hand.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import dask
import dask.bag
import dask.dataframe
import numpy as np
import numpy.typing as npt
import scip.features
import scip.masking
from scipy import ndimage

SEED = 20221012
CHANNELS = 12
FAMILIES = ("shape", "intensity", "texture")
ROOT = Path(__file__).resolve().parent.parent

Pixels = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Fixture = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Drawing:
    """What one generated stamp shows."""

    trait: str
    height: int
    width: int
    gain: float = 1.0
    blur: float = 0.0
    centres: tuple[tuple[float, float], ...] = ((0.5, 0.5),)
    """Of each piece, as fractions of height and width."""
    radius: float = 0.3
    """Of each piece, as a fraction of the smaller side."""
    flat: tuple[int, ...] = ()
    """Channels of one constant value."""


DRAWINGS = (
    Drawing("plain", 40, 40), Drawing("plain", 36, 48, radius=0.28), Drawing("plain", 52, 38, radius=0.3),
    Drawing("plain", 47, 45, radius=0.22), Drawing("dim", 38, 42, gain=0.08), Drawing("dim", 44, 36, gain=0.03),
    Drawing("dim", 41, 33, gain=0.15, radius=0.2), Drawing("blurred", 48, 44, blur=2.0),
    Drawing("blurred", 39, 51, blur=3.5, radius=0.25), Drawing("dim and blurred", 42, 42, blur=3.0, gain=0.1),
    Drawing("pieces", 54, 46, centres=((0.3, 0.3), (0.7, 0.65)), radius=0.17),
    Drawing("pieces", 46, 56, centres=((0.3, 0.25), (0.35, 0.7), (0.75, 0.45)), radius=0.14),
    Drawing("pieces", 50, 50, centres=((0.35, 0.35), (0.58, 0.6)), radius=0.2),
    Drawing("pieces, dim", 43, 53, centres=((0.5, 0.25), (0.5, 0.75)), radius=0.18, gain=0.2),
    Drawing("border", 40, 44, centres=((0.5, 0.15),)), Drawing("border", 45, 37, centres=((0.92, 0.5),), radius=0.25),
    Drawing("border, slightly", 46, 42, centres=((0.5, 0.22),), radius=0.18),
    Drawing("border and centre", 54, 56, centres=((0.0, 0.3), (0.68, 0.66)), radius=0.16),
    Drawing("border and centre", 50, 54, centres=((0.4, 0.38), (0.9, 0.93)), radius=0.17),
    Drawing("corner", 42, 46, centres=((0.1, 0.1),), radius=0.3), Drawing("flat main channel", 35, 39, flat=(0,)),
    Drawing("flat channels", 41, 43, flat=(1, 4, 9)),
    Drawing("flat, pieces", 44, 52, centres=((0.4, 0.3), (0.6, 0.75)), radius=0.16, flat=(2, 8)),
    Drawing("saturated", 38, 38, gain=8.0),
    Drawing("saturated", 43, 35, gain=4.0, radius=0.24, centres=((0.55, 0.45),)), Drawing("large", 34, 34, radius=0.47),
    Drawing("large", 32, 37, radius=0.36), Drawing("tiny cell", 33, 35, radius=0.12),
    Drawing("small stamp", 14, 11, radius=0.35),
)  # fmt: skip


def cell_height(drawing: Drawing, rng: np.random.Generator, *, scale: float = 1.0) -> Floats:
    """Height map of the drawn pieces: about 1 in a piece's middle, 0 on its rim, negative outside; (H, W)."""
    rows, columns = np.mgrid[: drawing.height, : drawing.width].astype(np.float64)
    radius = scale * drawing.radius * min(drawing.height, drawing.width)
    pieces = []
    for centre_row, centre_column in drawing.centres:
        y = rows - centre_row * drawing.height
        x = columns - centre_column * drawing.width
        angle = np.arctan2(y, x)
        lobes, phase, depth = int(rng.integers(2, 6)), rng.uniform(0, 2 * np.pi), rng.uniform(0.03, 0.14)
        reach = radius * (1 + depth * np.sin(lobes * angle + phase))
        pieces.append(1 - np.hypot(y, x * rng.uniform(0.8, 1.2)) / reach)
    return np.max(pieces, axis=0)


def draw_channel(channel: int, drawing: Drawing, rng: np.random.Generator) -> Floats:
    """Noiseless pixels of one channel: two bright fields, stains of several extents, granules, empty channels."""
    grain = ndimage.gaussian_filter(rng.normal(size=(drawing.height, drawing.width)), 1.2)
    grain /= grain.std()
    body = 1 / (1 + np.exp(-12 * cell_height(drawing, rng)))
    core = 1 / (1 + np.exp(-10 * cell_height(drawing, rng, scale=0.6)))
    if channel in (0, 8):
        rim = np.exp(-((cell_height(drawing, rng) / 0.2) ** 2))
        light = 500 + max(drawing.gain, 0.4) * (-260 * rim + body * (60 + 35 * grain))
    elif channel in (1, 4):
        light = 60 + drawing.gain * 450 * core * (1 + 0.15 * grain)
    elif channel in (2, 5, 9):
        light = 45 + drawing.gain * (120 + 40 * channel) * body * (1 + 0.25 * grain)
    elif channel in (3, 6):
        light = 30 + drawing.gain * 300 * body * np.maximum(grain - 0.8, 0)
    elif channel == 7:
        light = 80 + drawing.gain * 25 * body
    else:
        light = np.full(body.shape, 20.0 + channel)
    return ndimage.gaussian_filter(light, drawing.blur) if drawing.blur else light


def draw_stamp(drawing: Drawing, rng: np.random.Generator) -> Pixels:
    """One generated stamp, (12, H, W) uint16 of 12 significant bits."""
    stamp = np.empty((CHANNELS, drawing.height, drawing.width), dtype=np.uint16)
    for channel in range(CHANNELS):
        light = draw_channel(channel, drawing, rng)
        noise = rng.normal(scale=2 + 0.03 * np.sqrt(np.maximum(light, 0)), size=light.shape)
        stamp[channel] = np.clip(np.rint(light + noise), 0, 4095)
        if channel in drawing.flat:
            stamp[channel] = 37 + channel
    return stamp


@dataclass(frozen=True, kw_only=True)
class Case:
    """Pixels and masks of one stamp of three channels, made for one particular situation."""

    name: str
    pixels: Pixels
    """(3, H, W) uint16 or float64."""
    masks: Mask
    """(3, H, W)."""
    combine: tuple[int, ...] = (0, 1, 2)
    field: bool = False
    """Measured as an object of a segmented field is: both backgrounds 0."""


def handmade_masks() -> dict[str, Mask]:
    """Masks by the name of their case, (3, H, W) each."""
    h, w = 23, 29
    rows, columns = np.indices((h, w))

    def disc(row: int, column: int, radius: float) -> Mask:
        return np.asarray((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)

    def box(top: int, bottom: int, left: int, right: int) -> Mask:
        return (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)

    def points(*where: tuple[int, int]) -> Mask:
        return np.any([(rows == row) & (columns == column) for row, column in where], axis=0)

    nothing, everything = np.zeros((h, w), dtype=bool), np.ones((h, w), dtype=bool)
    round_one = disc(11, 14, 8)
    diagonal = points(*((i, i) for i in range(3, 15)))
    checks = (rows + columns) % 2 == 0
    ring = round_one & ~disc(11, 14, 5)
    gap = box(4, 15, 5, 18) & ~box(7, 12, 8, 15) & ~box(4, 7, 10, 11)  # open to the outside
    # closed for the diagonal, open for the four neighbours
    thin_gap = box(4, 11, 4, 11) & ~box(5, 10, 5, 10) & ~points((4, 4))
    line, dot = np.ones((1, 17), dtype=bool), np.eye(3, dtype=bool)
    masks = {
        "empty_own": [round_one, nothing, disc(9, 12, 4)],
        "empty_all": [nothing, nothing, nothing],
        "one_pixel": [points((11, 14)), points((0, 0)), nothing],
        "one_pixel_everywhere": [points((11, 14))] * 3,
        "lines": [box(6, 7, 3, 20), box(2, 19, 9, 10), diagonal],
        "two_pixels": [points((5, 5), (6, 6)), points((5, 6), (6, 5)), points((5, 5), (5, 6))],
        "far_pixels": [
            points((5, 5), (7, 7)), points((5, 5), (9, 1), (20, 20)), points((5, 9), (9, 13), (5, 13)),
        ],
        "blocks": [box(5, 7, 5, 7), box(5, 8, 5, 8), box(5, 10, 5, 10)],
        "holes": [round_one & ~points((11, 14)), round_one & ~points((9, 12), (10, 13)), ring],
        "gaps": [gap, thin_gap, gap | thin_gap],
        "components": [
            disc(5, 5, 3) | disc(15, 8, 4) | disc(11, 22, 5), disc(11, 10, 6) | points((2, 25)),
            diagonal | box(18, 21, 2, 25),
        ],
        "checks": [checks, checks & round_one, nothing],
        "full": [everything, everything, everything],
        "full_one": [round_one, everything, nothing],
        "full_together": [checks, ~checks, round_one],
        "full_but_one": [everything & ~points((0, 0)), everything & ~points((11, 14)), nothing],
        "border": [box(0, 12, 0, w), box(0, 5, 20, w), disc(12, 0, 9)],
        "edges": [disc(11, 14, 5.5), disc(11, 14, 6), disc(11, 14, 10)],
        "three_by_three": [np.ones((3, 3), dtype=bool), dot & dot[::-1], dot],
        "one_row": [(np.arange(17) > 2) & (np.arange(17) < 14) & line, line, (np.arange(17) == 0) & line],
    }  # fmt: skip
    return {name: np.stack(channels) for name, channels in masks.items()}


def handmade_cases() -> Iterator[Case]:
    """Every case, each as uint16 and as float64."""
    rng = np.random.default_rng(SEED + 1)
    masks = handmade_masks()
    plain = masks["components"] | masks["edges"]
    shape = plain.shape
    middle = np.hypot(*(np.indices(shape[1:]).T - (11, 14)).T) <= 4
    ramp = np.broadcast_to(np.arange(shape[1] * shape[2]).reshape(shape[1:]), shape)

    # The same pixels under each mask of one shape: the masks differ, and the file stays small.
    tables = {}
    for name, mask in masks.items():
        if mask.shape not in tables:
            smooth = ndimage.gaussian_filter(rng.normal(size=mask.shape), (0, 1.5, 1.5))
            tables[mask.shape] = (rng.integers(90, 900, size=mask.shape).astype(np.uint16), 40 * smooth + 7.25)
        for pixels in tables[mask.shape]:
            yield Case(name=name, masks=mask, pixels=pixels)

    inside = np.where(plain, 300, rng.integers(0, 500, size=shape))
    core = np.where(masks["edges"], 123, 77) + np.where(middle, rng.integers(0, 90, size=shape), 0)
    levels = rng.integers(0, 16, size=shape)
    single = np.full(shape, 250)
    single[:, 11, 14] = 251
    special = {
        "constant": np.full(shape, 611),
        "constant_in_mask": inside,
        "constant_edge": core,
        "two_values": np.where(rng.random(shape) < 0.4, 100, 900),
        "one_deviates": single,
        "ramp": ramp,
        "on_level_edges": 100 + 3 * levels,  # a range of 45: edges at whole numbers, values upon them
        "between_level_edges": 100 + rng.integers(0, 21, size=shape),  # a range of 20: every third edge is whole
        "extremes": rng.choice([0, 1, 65534, 65535], size=shape),
        "zeros": np.zeros(shape, dtype=np.int64),
    }
    for name, table in special.items():
        yield Case(name=name, masks=plain, pixels=table.astype(np.uint16))
        yield Case(name=name, masks=plain, pixels=table / 7 - 11.5)
    offset = 1000 + 1e-3 * rng.normal(size=shape)
    yield Case(name="small_on_large", masks=plain, pixels=offset)
    yield Case(name="negative", masks=plain, pixels=-rng.gamma(1.5, 200, size=shape))

    counts = rng.integers(0, 4096, size=shape).astype(np.uint16)
    for pixels in (counts, counts / 4095):
        yield Case(name="combine_first", masks=plain, pixels=pixels, combine=(0,))
        yield Case(name="field", masks=plain, pixels=pixels, field=True)


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to make masks, as the original is told to."""

    name: str
    module: str
    sigma: tuple[float, ...] = ()
    """Of the channels, repeated as often as needed."""
    size: int | None = None
    """Of spots."""
    floats: bool = True
    """Takes float64 pixels too."""
    filtered: bool = False
    combine: tuple[int, ...] | None = None

    def settings(self, channels: int) -> dict[str, Any]:
        """Return what the original takes as this method's settings."""
        if self.module == "watershed":
            return {"noisy_channels": []}
        if self.size is not None:
            return {"spotsize": self.size}
        return {"smooth": self.sigmas(channels).tolist()} if self.sigma else {}

    def sigmas(self, channels: int) -> Floats:
        """Return the width per channel, (C,); (0,) where the method takes none."""
        return np.resize(np.array(self.sigma, dtype=np.float64), channels if self.sigma else 0)


METHODS = (
    Method(name="li", module="li", sigma=(0.5,)), Method(name="li_wide", module="li", sigma=(1.5,)),
    Method(name="li_mixed", module="li", sigma=(0.0, 0.5, 1.0, 2.5, 0.75), combine=(0, 1)),
    Method(name="li_normaltest", module="li", sigma=(0.5,), filtered=True), Method(name="circle", module="circle"),
    Method(name="otsu", module="otsu", floats=False), Method(name="watershed", module="watershed", floats=False),
    Method(name="spot", module="spot", size=5), Method(name="spot_small", module="spot", size=1),
    Method(name="spot_wide", module="spot", size=9, combine=(1, 2)),
)  # fmt: skip

THRESHOLDS = {"std": (0.0, 2.0, 5.0, 20.0, 80.0), "value_range": (0.0, 12.0, 40.0, 100.0, 600.0)}
"""Of the other channel filters; some channels pass each and some fail."""


def channel_filters(channels: int, method: str = "normaltest", threshold: float | None = None) -> list[dict[str, Any]]:
    """Return the original's configuration of a filter on every channel."""
    settings = None if threshold is None else {"threshold": threshold}
    return [{"method": method, "channel_indices": list(range(channels)), "settings": settings}]


def judge(stamps: Sequence[Pixels], filters: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.bool_]:
    """Return the original's verdict on every channel of every stamp, (N, C)."""
    # No channel has the index -1, so that every channel is judged and none ends the others' turn.
    judged = scip.masking.compute_filters([{"pixels": stamp} for stamp in stamps], filters, -1)
    return np.array([event["mask_filter"] for event in judged], dtype=bool)


def find_masks(stamp: Pixels, method: Method) -> dict[str, Any]:
    """Run the original's masking steps one by one, so that a rejected stamp's masks can be seen too."""
    channels = len(stamp)
    filters = channel_filters(channels) if method.filtered else []
    # No channel has the index -1, so that every channel is judged and none ends the others' turn.
    (judged,) = scip.masking.compute_filters([{"pixels": stamp}], filters, -1)
    module = import_module(f"scip.masking.{method.module}")
    found = module.get_mask(judged, **method.settings(channels))
    with_main = [scip.masking.remove_regions_touching_border(found, main) for main in range(channels)]
    survivors = [event for event in with_main if "mask" in event]
    unknown = np.full(channels, np.nan)
    measured = {
        "mask": np.zeros(stamp.shape, dtype=bool), "combined_mask": np.zeros(stamp.shape[1:], dtype=bool),
        "bbox": [-1] * 4, "background": unknown, "combined_background": unknown,
    }  # fmt: skip
    if survivors:
        measured = scip.masking.get_bounding_box(survivors[0])
        measured = scip.masking.apply(measured, None if method.combine is None else list(method.combine))
    return {
        "masks_found": found["mask"], "regions_found": list(found["regions"]), "masks": measured["mask"],
        "regions": list(with_main[0]["regions"]), "kept": judged["mask_filter"][0] and "mask" in with_main[0],
        "any_kept": bool(survivors), "combined": measured["combined_mask"], "box": measured["bbox"],
        "background": np.array(measured["background"]),
        "combined_background": np.array(measured["combined_background"]),
    }  # fmt: skip


def bag_of(events: Sequence[Mapping[str, Any]]) -> dask.bag.Bag:
    """One partition of stamps, as the original's loaders make it."""
    return dask.bag.from_sequence([dict(event) for event in events], npartitions=1)


def feature_table(
    images: dask.bag.Bag, channels: int, families: Sequence[str], prefix: str | None
) -> dask.dataframe.DataFrame:
    """Return the original's feature columns of a bag of stamps, not computed yet."""
    return scip.features.compute_features(
        images=images,
        channel_names=[f"c{channel}" for channel in range(channels)],
        types=list(families),
        loader_meta={},
        prefix=prefix,
    )


def values_of(table: dask.dataframe.DataFrame) -> Floats:
    """Compute a table, (N, F)."""
    return np.asarray(table.compute().to_numpy(dtype=np.float64))


def measure_stamps(stamps: Sequence[Pixels]) -> tuple[list[str], Floats]:
    """Mask with li, then measure everything, through the original's own pipeline: names and values (N, F)."""
    channels, method = len(stamps[0]), METHODS[0]
    images = bag_of([{"pixels": stamp} for stamp in stamps])
    masked = scip.masking.mask(
        images=images,
        methods=[{"method": method.module, "name": method.name, "kwargs": method.settings(channels)}],
        filters=None,
        combined_indices=None,
        main_channel_index=0,
    )
    tables = [
        feature_table(masked[method.name], channels, FAMILIES, method.name),
        feature_table(images, channels, ("raw",), "raw"),
    ]
    names = [name for table in tables for name in table.columns]
    return names, np.concatenate([values_of(table) for table in tables], axis=1)


def as_event(case: Case) -> dict[str, Any]:
    """Give a hand-made case the original's combined mask and backgrounds."""
    event = scip.masking.apply({"pixels": case.pixels, "mask": case.masks}, list(case.combine))
    if case.field:
        event["background"] = event["combined_background"] = [0.0] * len(case.masks)
    return dict(event)


def joined(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Arrays of any shapes as one flat buffer."""
    return np.concatenate([array.ravel() for array in arrays])


def packed(masks: Sequence[Mask]) -> npt.NDArray[np.uint8]:
    """Masks of any shapes as one flat buffer of bits."""
    return np.packbits(joined(masks))


def mask_fixture(sets: Mapping[str, Sequence[Pixels]]) -> Fixture:
    """Masks of every set by every method."""
    fixture: Fixture = {"methods": np.array([method.name for method in METHODS])}
    for name, stamps in sets.items():
        channels = len(stamps[0])
        fixture[f"{name}.shapes"] = np.array([stamp.shape for stamp in stamps])
        fixture[f"{name}.normaltest"] = judge(stamps, channel_filters(channels))
        for kind, thresholds in THRESHOLDS.items():
            verdicts = [judge(stamps, channel_filters(channels, kind, threshold)) for threshold in thresholds]
            fixture[f"{name}.{kind}"] = np.array(verdicts)
        for method in METHODS:
            found = [find_masks(stamp, method) for stamp in stamps]
            if method.floats:
                require_same_masks(found, [find_masks(stamp.astype(np.float64), method) for stamp in stamps])
            combine = range(channels) if method.combine is None else method.combine
            columns = {
                "sigma": method.sigmas(channels), "filtered": np.array(method.filtered), "combine": np.array(combine),
            }  # fmt: skip
            for key in found[0]:
                values = [one[key] for one in found]
                columns[key] = packed(values) if key in {"masks_found", "masks", "combined"} else np.array(values)
            if method.size is not None:
                columns["size"] = np.array(method.size)
            fixture |= {f"{name}.{method.name}.{key}": column for key, column in columns.items()}
    fixture |= {f"{kind}.thresholds": np.array(thresholds) for kind, thresholds in THRESHOLDS.items()}
    return fixture


def require_same_masks(counts: Sequence[Mapping[str, Any]], floats: Sequence[Mapping[str, Any]]) -> None:
    """Stop where the pixels' type decides a mask: such a stamp tests rounding, not a definition."""
    for i, (count, real) in enumerate(zip(counts, floats, strict=True)):
        if not np.array_equal(count["masks_found"], real["masks_found"]):
            msg = f"stamp {i}: uint16 and float64 pixels give different masks; draw another"
            raise ValueError(msg)


def handmade_fixture() -> Fixture:
    """Features of the hand-made masks, family by family, because some stop the original with an error."""
    cases = list(handmade_cases())
    names: list[str] = []
    blocks: list[Floats] = []
    measured = np.ones((len(cases), len(FAMILIES)), dtype=bool)
    events = [as_event(case) for case in cases]
    for number, family in enumerate(FAMILIES):
        family_names = list(feature_table(bag_of(events), 3, (family,), None).columns)
        block = np.full((len(cases), len(family_names)), np.nan)
        for i, event in enumerate(events):
            try:
                block[i] = values_of(feature_table(bag_of([event]), 3, (family,), None))[0]
            except ValueError as error:
                print(f"  {cases[i].name}: the original's {family} stops: {error}")
                measured[i, number] = False
        names += family_names
        blocks.append(block)
    dtypes = [case.pixels.dtype.name for case in cases]
    columns = {
        "cases": np.array([f"{case.name}/{dtype}" for case, dtype in zip(cases, dtypes, strict=True)]),
        "dtypes": np.array(dtypes), "shapes": np.array([case.pixels.shape for case in cases]),
        "pixels": joined([case.pixels.astype(np.float64) for case in cases]),
        "masks": packed([case.masks for case in cases]),
        "combined": packed([event["combined_mask"] for event in events]),
        "background": np.array([event["background"] for event in events]),
        "combined_background": np.array([event["combined_background"] for event in events]), "names": np.array(names),
        "values": np.concatenate(blocks, axis=1), "families": np.array(FAMILIES), "measured": measured,
    }  # fmt: skip
    return {f"handmade.{key}": column for key, column in columns.items()}


def real_stamps(data: Path) -> list[Pixels]:
    """Load the ten decoded objects of the ragged zarr."""
    path = data / "ifc_pbmc_multiframe" / "test_zarr_decoded.npz"
    with np.load(path, allow_pickle=False) as archive:
        return [archive[f"obj_{i}"] for i in range(len(archive.files)) if f"obj_{i}" in archive.files]


def write(path: Path, fixture: Fixture) -> None:
    """Write one fixture and tell its size."""
    np.savez_compressed(path, **fixture)
    print(f"{path}: {len(fixture)} arrays, {path.stat().st_size / 1024:.0f} KiB")


def main() -> int:
    """Write both fixtures; the exit status."""
    parser = argparse.ArgumentParser(description="Write the oracle's fixtures from runs of SCIP 0.1.12.")
    default = os.environ.get("SCIP_TEST_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=default, help="folder of test images (SCIP_TEST_DATA)")
    parser.add_argument("--output", type=Path, default=ROOT / "tests" / "oracle" / "fixtures")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no folder of test images at {options.data}: give --data or set SCIP_TEST_DATA", file=sys.stderr)
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    dask.config.set(scheduler="synchronous")

    rng = np.random.default_rng(SEED)
    sets = {"zarr": real_stamps(options.data), "generated": [draw_stamp(drawing, rng) for drawing in DRAWINGS]}
    masks = mask_fixture(sets)
    masks["generated.pixels"] = joined(sets["generated"])
    masks["generated.traits"] = np.array([drawing.trait for drawing in DRAWINGS])
    write(options.output / "scip_masks.npz", masks)

    features = handmade_fixture()
    for name, stamps in sets.items():
        names, values = measure_stamps(stamps)
        features |= {f"{name}.names": np.array(names), f"{name}.values": values}
    write(options.output / "scip_features.npz", features)
    return 0


if __name__ == "__main__":
    sys.exit(main())
