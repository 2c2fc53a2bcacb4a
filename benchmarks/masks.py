"""Time the masks of stamps: the compiled kernels, the plain code and the published program, in turn.

    python benchmarks/masks.py [--cells N] [--rounds R] [--original DIR]

All mask the same generated stamps, 60×60 pixels of 12 channels, on one core; what is counted is the processor's time.
In every round each takes its turn: times are the least of all rounds, ratios the medians of the rounds' own. `whole` is
what follows a mask: border rule, box, combined mask and backgrounds. The published program runs in the environment of
`scip_environment.sh`; where that does not exist its columns stay empty. Its own masks of otsu and watershed exist for
integer pixels only.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.features import CHANNELS, ROOT, Program, draw
from tasks.core.types import Batch
from tasks.mask import Circle, Li, Mask, NormalTest, Otsu, Spot, Std, ValueRange, Watershed, warm
from tasks.mask.filters.normaltest import normaltest, normaltest_plain
from tasks.mask.filters.std import std, std_plain
from tasks.mask.filters.value_range import value_range, value_range_plain
from tasks.mask.methods.circle import circle
from tasks.mask.methods.li import li, li_plain
from tasks.mask.methods.otsu import otsu, otsu_plain
from tasks.mask.methods.spot import spot, spot_plain
from tasks.mask.methods.watershed import watershed, watershed_plain
from tasks.mask.plain import keep_whole_plain
from tasks.mask.stage import keep_whole_cells

Step = Callable[[Batch], object]
NAMES = ("li", "otsu", "watershed", "spot", "circle", "whole", "normaltest", "std", "value_range")


def steps(stamps: Batch) -> dict[str, tuple[Step, Step | None]]:
    """Return compiled and plain code of each step."""
    found = {len(batch): li(batch, Li()) for batch in (stamps, stamps.take(range(FEW)))}
    config = Mask.model_validate({"methods": ["li"], "main_channel": "c0"})
    deviation, span = Std(threshold=20), ValueRange(threshold=100)

    def whole(keep: Callable[..., object]) -> Step:
        return lambda batch: keep(
            batch,
            found=found[len(batch)],
            name="li",
            config=config,
            passed=np.ones((len(batch), CHANNELS), dtype=np.bool_),
        )

    return {
        "li": (lambda batch: li(batch, Li()), lambda batch: li_plain(batch, Li())),
        "otsu": (lambda batch: otsu(batch, Otsu()), lambda batch: otsu_plain(batch, Otsu())),
        "watershed": (lambda batch: watershed(batch, Watershed()), lambda batch: watershed_plain(batch, Watershed())),
        "spot": (lambda batch: spot(batch, Spot()), lambda batch: spot_plain(batch, Spot())),
        "circle": (lambda batch: circle(batch, Circle()), None),
        "whole": (whole(keep_whole_cells), whole(keep_whole_plain)),
        "normaltest": (
            lambda batch: normaltest(batch, NormalTest()),
            lambda batch: normaltest_plain(batch, NormalTest()),
        ),
        "std": (lambda batch: std(batch, deviation), lambda batch: std_plain(batch, deviation)),
        "value_range": (lambda batch: value_range(batch, span), lambda batch: value_range_plain(batch, span)),
    }


FEW = 2
"""Stamps of the slower programs."""


def seconds_of(step: Step, batch: Batch) -> float:
    """Time of the processor that a step takes."""
    start = time.process_time()
    step(batch)
    return time.process_time() - start


Times = dict[tuple[str, str], list[float]]
"""Microseconds per cell and channel of each round, by program and step."""


def time_all(stamps: Batch, *, rounds: int, original: Program | None) -> Times:
    """Time each program and step."""
    times: Times = defaultdict(list)
    few = stamps.take(range(FEW))
    for _ in range(rounds):
        for name, (fast, plain) in steps(stamps).items():
            turns = {"fast": (seconds_of(fast, stamps), len(stamps))}
            if plain is not None:
                turns["plain"] = seconds_of(plain, few), FEW
            if original is not None:
                turns["original"] = original.seconds(name, cells=FEW), FEW
            for who, (seconds, cells) in turns.items():
                times[who, name].append(1e6 * seconds / (cells * CHANNELS))
    return times


def report(times: Times) -> None:
    """Print a row per step: the least times, and the medians of each round's ratios."""
    print("| step | fast, µs | plain, µs | ratio | original, µs | ratio |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in NAMES:
        fast = times["fast", name]
        cells = [name, f"{min(fast):.1f}"]
        for who in ("plain", "original"):
            slow = times[who, name]
            cells += [f"{min(slow):,.0f}", f"{np.median(np.divide(slow, fast)):.1f}"] if slow else ["", ""]
        print("|", " | ".join(cells), "|")


def main() -> int:
    """Time all and print the tables; the exit status."""
    parser = argparse.ArgumentParser(description="Time the masks.")
    parser.add_argument("--cells", type=int, default=60, help="stamps that the kernels mask")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--dtype", nargs="+", default=["uint16", "float64"], help="types of the pixels")
    parser.add_argument("--original", type=Path, default=ROOT / ".envs" / "scip", help="environment of SCIP 0.1.12")
    options = parser.parse_args()
    python = options.original / "bin" / "python"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warm()
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "scipy", "scikit-image"))
    print(f"{platform.machine()}, Python {platform.python_version()}, {packages}")
    for dtype in options.dtype:
        stamps = draw(cells=options.cells, dtype=np.dtype(dtype)).batch
        area = li(stamps, Li()).flat.sum() / (len(stamps) * CHANNELS)
        print(f"\n{dtype}, {options.cells} stamps; li's mask {area:.0f} px\n")
        with tempfile.TemporaryDirectory() as folder:
            original = None
            if python.exists() and np.dtype(dtype).kind == "u":
                file = Path(folder, "stamps.npz")
                np.savez(file, pixels=np.stack(stamps.take(range(FEW)).pixels.unstack()))
                original = Program(python, script=ROOT / "benchmarks" / "scip_mask_timing.py", file=file)
            try:
                report(time_all(stamps, rounds=options.rounds, original=original))
            finally:
                if original is not None:
                    original.close()
    if not python.exists():
        print(f"\nno {python}: make it with benchmarks/scip_environment.sh, or name another with --original")
    return 0


if __name__ == "__main__":
    sys.exit(main())
