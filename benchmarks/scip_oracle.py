"""Run the published program SCIP 0.1.12 on small stamps and keep what it finds as test fixtures.

Run with the Python of `scip_environment.sh`; the real stamps are read from the folder of test images::

    .envs/scip/bin/python -m benchmarks.scip_oracle [--data DIR] [--output DIR]

`scip_masks.npz` and `scip_features.npz` are written; `tests/oracle/fixtures/README.md` is their layout. Sets of stamps:
`zarr`, 10 real objects of 7 channels, and from `scip_stamps.py` `generated` and `handmade`.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
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

from benchmarks.scip_stamps import DRAWINGS, SEED, Case, Floats, Mask, Pixels, draw_stamp, handmade_cases

FAMILIES = ("shape", "intensity", "texture")
ROOT = Path(__file__).resolve().parent.parent

Fixture = dict[str, npt.NDArray[Any]]


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
    result = module.get_mask(judged, **method.settings(channels))
    with_main = [scip.masking.remove_regions_touching_border(result, main) for main in range(channels)]
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
        "masks_found": result["mask"], "regions_found": list(result["regions"]), "masks": measured["mask"],
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


def flattened(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Arrays of any shapes as one flat buffer."""
    return np.concatenate([array.ravel() for array in arrays])


def packed(masks: Sequence[Mask]) -> npt.NDArray[np.uint8]:
    """Masks of any shapes as one flat buffer of bits."""
    return np.packbits(flattened(masks))


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
            results = [find_masks(stamp, method) for stamp in stamps]
            if method.floats:
                require_same_masks(results, [find_masks(stamp.astype(np.float64), method) for stamp in stamps])
            combine = range(channels) if method.combine is None else method.combine
            columns = {
                "sigma": method.sigmas(channels), "filtered": np.array(method.filtered), "combine": np.array(combine),
            }  # fmt: skip
            for key in results[0]:
                values = [stamp_masks[key] for stamp_masks in results]
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
        "pixels": flattened([case.pixels.astype(np.float64) for case in cases]),
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
    masks["generated.pixels"] = flattened(sets["generated"])
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
