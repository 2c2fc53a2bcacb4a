"""Time the features of both profiles: the compiled kernels, the plain code and the published program, in turn.

    python benchmarks/features.py [--cells N] [--rounds R] [--dtype uint16] [--profile scip standard] [--original DIR]

All measure the same generated stamps, 60×60 pixels of 12 channels, on one core; what is counted is the processor's time
of the calls that measure, not the reading of stamps and the import of programs. In every round each takes its turn, so
that whatever else the machine does falls on all of them alike: of times the least of all rounds counts, of ratios the
median. The published program runs in the environment of `scip_environment.sh`; where that does not exist its columns
stay empty, as they do for profile ``standard``, which is ours.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.programs import DTYPES, ORIGINAL, Program, machine, parsed, stay_on_one_core, told_where_missing
from tasks.core.types import Batch, FloatArray, Ragged, Region
from tasks.features import warm_up
from tasks.features.family import Profile, RegionInfo, families_of

CHANNELS, SIDE = 12, 60
FAMILIES: dict[Profile, tuple[str, ...]] = {
    "scip": ("shape", "intensity", "texture", "raw"),
    "standard": ("shape", "intensity", "texture"),
}


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """Generated stamps and the regions in which they are measured."""

    batch: Batch
    own: Region
    combined: Region

    def take(self, number: int) -> "Stamps":
        """Return the first ones."""
        rows = list(range(number))
        return Stamps(batch=self.batch.take(rows), own=self.own.take(rows), combined=self.combined.take(rows))

    def regions(self, family: str) -> list[Region]:
        """Where a family is measured."""
        if family != "raw":
            return [self.own, self.combined]
        frame = np.ones(int(self.batch.pixels.shapes.prod(axis=1).sum()), dtype=np.bool_)
        masks = Ragged(flat=frame, shapes=self.batch.pixels.shapes, n_channels=1)
        return [Region(name="raw", shared=True, masks=masks, background=self.own.background)]


def draw(*, cells: int, dtype: npt.DTypeLike) -> Stamps:
    """Draw round cells with uneven outlines: masks of 700 to 1,000 pixels, 12-bit counts; floats are not whole."""
    rng = np.random.default_rng(20221024)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    images, masks, backgrounds, combined_backgrounds = [], [], [], []
    for _ in range(cells):
        grain = ndimage.gaussian_filter(rng.normal(size=(CHANNELS, SIDE, SIDE)), (0, 2, 2))
        grain /= grain.std()
        radius = rng.uniform(15.1, 17.6, size=(CHANNELS, 1, 1))
        stretch = rng.uniform(0.85, 1.15, size=(CHANNELS, 1, 1))
        distance = np.hypot(rows / stretch, columns * stretch) / radius + 0.04 * grain
        light = 60 + rng.uniform(100, 1500, size=(CHANNELS, 1, 1)) * (1 + 0.15 * grain) / (
            1 + np.exp(12 * distance - 12)
        )
        counts = np.clip(np.rint(light + rng.normal(scale=6, size=light.shape)), 0, 4095)
        image = counts.astype(dtype) if np.issubdtype(dtype, np.integer) else (counts * 0.3137 + 1.7).astype(dtype)
        mask = distance < 1
        images.append(image)
        masks.append(mask)
        backgrounds.append([float(plane[~own].mean()) for plane, own in zip(image, mask, strict=True)])
        combined_backgrounds.append([float(plane[~mask.any(axis=0)].mean()) for plane in image])
    union = [np.logical_or.reduce(mask, axis=0, keepdims=True) for mask in masks]
    return Stamps(
        batch=Batch.of(images, channels=[f"c{number}" for number in range(CHANNELS)]),
        own=Region(name="li", shared=False, masks=Ragged.of(masks), background=np.array(backgrounds)),
        combined=Region(
            name="li.combined", shared=True, masks=Ragged.of(union), background=np.array(combined_backgrounds)
        ),
    )


def original_of(environment: Path, stamps: Stamps, *, folder: Path) -> Program:
    """Start the published program's features."""
    file = folder / "stamps.npz"
    np.savez(
        file, shapes=stamps.batch.pixels.shapes, pixels=stamps.batch.pixels.flat, masks=stamps.own.masks.flat,
        combined=stamps.combined.masks.flat, background=stamps.own.background,
        combined_background=stamps.combined.background,
    )  # fmt: skip
    return Program(environment, "scip_timing.py", "features", file)


def seconds_of(measure: Callable[[Batch, Region], FloatArray], stamps: Stamps, regions: list[Region]) -> float:
    """Time of the processor that a family takes in some regions."""
    start = time.process_time()
    for region in regions:
        measure(stamps.batch, region)
    return time.process_time() - start


def features_of(profile: Profile, family: str, stamps: Stamps) -> float:
    """Features per channel of a family in all its regions."""
    described = families_of(profile)[family].columns
    infos = [RegionInfo(name=region.name, shared=region.shared) for region in stamps.regions(family)]
    return sum(len(described(region=info, channels=stamps.batch.channels)) for info in infos) / CHANNELS


Times = dict[tuple[Profile, str, str], list[float]]
"""Of a profile, a program and a family: time per cell and channel in microseconds, a round each."""


def time_all(profiles: Sequence[Profile], stamps: Stamps, *, rounds: int, few: int, original: Program) -> Times:
    """Time each program and family."""
    times: Times = defaultdict(list)
    some = stamps.take(few)
    for _ in range(rounds):
        for name in dict.fromkeys(name for profile in profiles for name in FAMILIES[profile]):
            own = [(profile, families_of(profile)[name]) for profile in profiles if name in FAMILIES[profile]]
            for profile, family in own:
                seconds = seconds_of(family.measure, stamps, stamps.regions(name))
                times[profile, "fast", name].append(1e6 * seconds / (len(stamps.batch) * CHANNELS))
            for profile, family in own:
                if family.plain is not None:
                    seconds = seconds_of(family.plain, some, some.regions(name))
                    times[profile, "plain", name].append(1e6 * seconds / (few * CHANNELS))
            if original.known and "scip" in profiles:
                times["scip", "original", name].append(1e6 * original.ask(name, cells=few)[0] / (few * CHANNELS))
    return times


def report(profile: Profile, times: Times, stamps: Stamps) -> None:
    """Print a row per family, and one for the three that are always measured."""
    families = FAMILIES[profile]
    print("| family | features | fast, µs | per feature | plain, µs | ratio | original, µs | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for title, names in [*((name, (name,)) for name in families), (", ".join(families[:3]), families[:3])]:
        number = sum(features_of(profile, name, stamps) for name in names)
        fast = stacked(times, profile, "fast", names)
        cells = [title, f"{number:.0f}", f"{least(fast):.1f}", f"{least(fast) / number:.3f}"]
        for who in ("plain", "original"):
            known = all(times[profile, who, name] for name in names)
            slow = stacked(times, profile, who, names)
            cells += [f"{least(slow):,.0f}", f"{typical(slow, fast):.0f}"] if known else ["", ""]
        print("|", " | ".join(cells), "|")


def compare(times: Times, stamps: Stamps) -> None:
    """Print how much longer a feature of ``standard`` takes than one of ``scip``."""
    shared = FAMILIES["standard"]
    ratios = []
    for names in [*((name,) for name in shared), shared]:
        numbers = {profile: sum(features_of(profile, name, stamps) for name in names) for profile in FAMILIES}
        ratio = typical(stacked(times, "standard", "fast", names), stacked(times, "scip", "fast", names))
        ratios.append(f"{', '.join(names)} {ratio * numbers['scip'] / numbers['standard']:.2f}")
    print(f"time per feature of standard by that of scip: {'; '.join(ratios)}")


def stacked(times: Times, profile: Profile, who: str, names: Sequence[str]) -> FloatArray:
    """Time of some families together, (families, rounds)."""
    return np.array([times[profile, who, name] for name in names])


def least(turns: FloatArray) -> float:
    """Sum of the least times of all rounds."""
    return float(turns.min(axis=1).sum())


def typical(turns: FloatArray, others: FloatArray) -> float:
    """Median over the rounds of the ratio of two sums of times."""
    return float(np.median(turns.sum(axis=0) / others.sum(axis=0)))


def main() -> None:
    """Time all and print the tables."""
    options = parsed(
        "Time the features of both profiles.",
        cells=(200, "stamps that the kernels measure"),
        few=(3, "stamps that the slower programs measure"),
        rounds=(9, "of which the least and the median count"),
        dtype=DTYPES,
        profile=(list(FAMILIES), "names of columns and families", *FAMILIES),
        original=ORIGINAL,
    )
    stay_on_one_core()
    for profile in options.profile:
        warm_up(profile, families=FAMILIES[profile])
    print(machine("numpy", "numba", "scikit-image"))
    for dtype in options.dtype:
        stamps = draw(cells=options.cells, dtype=np.dtype(dtype))
        own, combined = (
            float(region.masks.flat.sum()) / (len(stamps.batch) * n_masks)
            for region, n_masks in ((stamps.own, CHANNELS), (stamps.combined, 1))
        )
        print(f"\n{dtype}, {options.cells} stamps; mask {own:.0f} px, combined mask {combined:.0f} px\n")
        with (
            tempfile.TemporaryDirectory() as folder,
            original_of(options.original, stamps.take(options.few), folder=Path(folder)) as original,
        ):
            times = time_all(options.profile, stamps, rounds=options.rounds, few=options.few, original=original)
        for profile in options.profile:
            print(f"profile {profile}\n")
            report(profile, times, stamps)
            print()
        if len(options.profile) == len(FAMILIES):
            compare(times, stamps)
    told_where_missing(options.original)


if __name__ == "__main__":
    main()
