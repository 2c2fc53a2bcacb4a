"""Time the masks of stamps: the compiled kernels, the plain code and the published program, in turn.

    python benchmarks/masks.py [--cells N] [--rounds R] [--original DIR]

All mask the same generated stamps, 60×60 pixels of 12 channels, on one core; what is counted is the processor's time.
In every round each takes its turn: times are the least of all rounds, ratios the medians of the rounds' own. `whole` is
what follows a mask: border rule, box, combined mask and backgrounds. The published program runs in the environment of
`scip_environment.sh`; where that does not exist its columns stay empty. Its own masks of otsu and watershed exist for
integer pixels only.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.features import CHANNELS, draw
from benchmarks.programs import DTYPES, ORIGINAL, Program, machine, parsed, stay_on_one_core, told_where_missing
from tasks.core.types import Batch
from tasks.mask import Circle, Li, Mask, NormalTest, Otsu, Spot, Std, ValueRange, Watershed, masks, warm_up
from tasks.mask.methods.li import li
from tasks.mask.plain import keep_uncut_plain
from tasks.mask.registry import channel_filters
from tasks.mask.stage import keep_uncut_cells

Step = Callable[[Batch], object]
NAMES = ("li", "otsu", "watershed", "spot", "circle", "whole", "normaltest", "std", "value_range")


def steps(stamps: Batch) -> dict[str, tuple[Step, Step | None]]:
    """Return compiled and plain code of each step."""
    foregrounds = {len(batch): li(batch, Li()) for batch in (stamps, stamps.take(range(FEW)))}
    config = Mask.model_validate({"methods": ["li"], "main_channel": "c0"})
    parts: tuple[tuple[Any, Any], ...] = (
        *((masks, part) for part in (Li(), Otsu(), Watershed(), Spot(), Circle())),
        *((channel_filters, part) for part in (NormalTest(), Std(threshold=20), ValueRange(threshold=100))),
    )

    def border_rule(keep: Callable[..., object]) -> Step:
        passed = np.ones((len(stamps), CHANNELS), dtype=np.bool_)
        return lambda batch: keep(
            batch, foreground=foregrounds[len(batch)], name="li", config=config, passed=passed[: len(batch)]
        )

    def of(function: Callable[..., object], part: object) -> Step:
        return lambda batch: function(batch, part)

    return {"whole": (border_rule(keep_uncut_cells), border_rule(keep_uncut_plain))} | {
        part.method: (of(registry.function(part), part), plain and of(plain, part))
        for registry, part in parts
        for plain in [registry.part(part).plain]
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


def time_all(stamps: Batch, *, rounds: int, original: Program) -> Times:
    """Time each program and step."""
    times: Times = defaultdict(list)
    few = stamps.take(range(FEW))
    for _ in range(rounds):
        for name, (fast, plain) in steps(stamps).items():
            turns = {"fast": (seconds_of(fast, stamps), len(stamps))}
            if plain is not None:
                turns["plain"] = seconds_of(plain, few), FEW
            if original.known:
                turns["original"] = original.ask(name, cells=FEW)[0], FEW
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


def main() -> None:
    """Time all and print the tables."""
    options = parsed(
        "Time the masks.",
        cells=(60, "stamps that the kernels mask"),
        rounds=(9, "of which the least and the median count"),
        dtype=DTYPES,
        original=ORIGINAL,
    )
    stay_on_one_core()
    warm_up()
    print(machine("numpy", "numba", "scipy", "scikit-image"))
    for dtype in options.dtype:
        stamps = draw(cells=options.cells, dtype=np.dtype(dtype)).batch
        area = li(stamps, Li()).flat.sum() / (len(stamps) * CHANNELS)
        print(f"\n{dtype}, {options.cells} stamps; li's mask {area:.0f} px\n")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "stamps.npz")
            np.savez(file, pixels=np.stack(stamps.take(range(FEW)).pixels.unstack()))
            known = options.original if np.dtype(dtype).kind == "u" else Path(folder)
            with Program(known, "scip_timing.py", "masks", file) as original:
                report(time_all(stamps, rounds=options.rounds, original=original))
    told_where_missing(options.original)


if __name__ == "__main__":
    main()
