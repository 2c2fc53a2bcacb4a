"""Time the exact reductions over the whole data set, and tell how much memory they take.

    python benchmarks/reductions.py [--values N ...] [--statistic NAME ...] [--memory MB]

As many values as are asked for are drawn part by part, and forgotten: a part is drawn again for every question. Part
by part they are also answered for; the answers of 16 parts are merged at a time, in a shuffled order. The values
are the numbers of a row of known sum, quantiles and so on, in an order that looks random, so that every result is
checked: one that is not exactly right ends the program.

Each figure is of a process of its own. Memory is what it takes at most beyond what it holds once modules are imported;
with `--memory` the system refuses it more than so many megabytes of addresses.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from tasks.core.exact.questions import merged
from tasks.core.exact.statistics import (
    MAD_TO_DEVIATION,
    Program,
    answered,
    deviations_from_median,
    histogram,
    interpolated,
    mean_and_deviation,
    quantile,
)
from tasks.core.types import AnyArray
from tasks.core.work import peak_bytes
from tasks.normalize import Pixels, labelled, merge_histograms, pixel_histogram

ROOT = Path(__file__).resolve().parent.parent

PART, FAN_IN = 500_000, 16
SIZES = (10**6, 10**7, 10**8)
MULTIPLIER, FIRST = 61_803_399, 12_345
"""Place i of n holds number (FIRST + MULTIPLIER · i) mod n; prime to every power of ten, so each number comes once."""
REPEATED = 1526
"""So often comes each pixel value."""
UNIT = 3 / 2**20
"""Metric values are whole multiples of it: 1, 2, 3 … n times."""

T = TypeVar("T")


class Values:
    """Values of a data set, drawn part by part; counts the time that drawing takes."""

    def __init__(self, number: int, *, of: Callable[[AnyArray], AnyArray]) -> None:
        self._number = number
        self._of = of
        self.seconds = 0.0
        self.passes = 0

    def parts(self) -> Iterator[AnyArray]:
        """Yield the parts, each time in another order."""
        self.passes += 1
        starts = np.arange(0, self._number, PART)
        for start in np.random.default_rng(self.passes).permutation(starts).tolist():
            begun = time.process_time()
            indices = np.arange(start, min(start + PART, self._number), dtype=np.uint64)
            part = self._of((indices * np.uint64(MULTIPLIER) + np.uint64(FIRST)) % np.uint64(self._number))
            self.seconds += time.process_time() - begun
            yield part


def as_pixels(numbers: AnyArray) -> AnyArray:
    """Pixels of 16 bits."""
    return (numbers // np.uint64(REPEATED)).astype(np.uint16)


def as_metric(numbers: AnyArray) -> AnyArray:
    """Values of a metric, of which no two are equal."""
    return (numbers + np.uint64(1)).astype(np.float64) * UNIT


def reduced(answers: Iterator[T], *, merge: Callable[[Sequence[T]], T]) -> T:
    """Merge answers as a tree of tasks does, as soon as there are enough of a level."""
    levels: list[list[T]] = [[]]
    for answer in answers:
        levels[0].append(answer)
        for level, own in enumerate(levels):
            if len(own) == FAN_IN:
                if level + 1 == len(levels):
                    levels.append([])
                levels[level + 1].append(merge(own))
                own.clear()
    return merge([partial_answer for own in levels for partial_answer in own])


def evaluate(program: Program[T], values: Values) -> T:
    """Run a program over all values."""

    def answer(question: Any) -> object:  # noqa: ANN401 - a question of any kind
        return reduced((question.answer(part) for part in values.parts()), merge=merged)

    return answered(program, answer)


def pixel_statistics(values: Values) -> list[float]:
    """Find what scalings are made of, from the histogram of all pixels."""

    def merge(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
        return merge_histograms(tables, group_by=["plate"])

    group = {"plate": "P1"}
    tables = (labelled(pixel_histogram(part), group=group, channel="PI") for part in values.parts())
    pixels = Pixels.of(reduced(tables, merge=merge))
    return [pixels.count, pixels.low, pixels.high, pixels.median, pixels.deviation, *map(pixels.quantile, (0.01, 0.99))]


def known_pixels(number: int) -> list[float]:
    """Tell the same from how the pixels are drawn: that of rank r is r // 1526."""

    def at(q: float) -> float:
        place = q * (number - 1)
        low, high = int(place) // REPEATED, min(int(place) + 1, number - 1) // REPEATED
        return interpolated(low, high, part=place - int(place))

    last = (number - 1) // REPEATED
    median = at(0.5)
    rest = number - last * REPEATED
    counts = sorted((abs(value - median), rest if value == last else REPEATED) for value in range(last + 1))
    ranks, passed, middle = ((number - 1) // 2, number // 2), 0, []
    for distance, count in counts:
        middle += [distance for rank in ranks if passed <= rank < passed + count]
        passed += count
    return [number, 0, last, median, MAD_TO_DEVIATION * (sum(middle) / 2), at(0.01), at(0.99)]


def close_to_pixels(values: Values) -> list[float]:
    """Find the quantiles of floating-point pixels, from their histogram."""
    tables = (labelled(pixel_histogram(part), group={}, channel="PI") for part in values.parts())
    pixels = Pixels.of(reduced(tables, merge=lambda parts: merge_histograms(parts, group_by=[])))
    return [pixels.count, pixels.low, pixels.high, pixels.quantile(0.01), pixels.quantile(0.99)]


def at_rank(rank: float) -> float:
    """Metric value of a rank, or between two."""
    return (rank + 1) * UNIT


def known_mean_and_deviation(number: int) -> list[float]:
    """Mean and population standard deviation of 1, 2, 3 … n units."""
    unit = Fraction(UNIT)
    return [float(unit * (number + 1) / 2), sqrt(unit**2 * (Fraction(number) ** 2 - 1) / 12)]


def known_quantile(number: int, *, q: float) -> list[float]:
    """Interpolate linearly."""
    place = q * (number - 1)
    return [interpolated(at_rank(int(place)), at_rank(int(place) + 1), part=place - int(place))]


def known_mad(number: int) -> list[float]:
    """Median + 1.4826 · MAD: distances from the median are 0.5, 0.5, 1.5, 1.5 … units for an even number."""
    ranks = number // 2 - 1, number // 2
    distance = sum((rank // 2 + 0.5) * UNIT for rank in ranks) / 2
    return [at_rank((number - 1) / 2) + MAD_TO_DEVIATION * distance]


BINS = 256


def known_histogram(number: int) -> list[float]:
    """Count the whole numbers from each edge on to the next: none but the first and the last edge is one itself."""
    below = [-(-(number - 1) * edge // BINS) for edge in range(BINS)]
    return [after - before for before, after in zip(below, [*below[1:], number], strict=True)]


Known = Callable[[int], list[float]]
Draw = Callable[[AnyArray], AnyArray]

# name: what is found, what is known, how values are drawn, and which share of them the two may differ by
STATISTICS: dict[str, tuple[Callable[[Values], Any], Known, Draw, float]] = {
    "scaling of 16-bit pixels": (pixel_statistics, known_pixels, as_pixels, 0),
    "scaling of float pixels": (
        close_to_pixels,
        lambda n: [n, at_rank(0), at_rank(n - 1), *known_quantile(n, q=0.01), *known_quantile(n, q=0.99)],
        as_metric,
        2.0**-13,
    ),
    "mean and deviation": (
        lambda values: list(evaluate(mean_and_deviation(), values)), known_mean_and_deviation, as_metric, 0,
    ),
    "quantile": (lambda values: [evaluate(quantile(0.05), values)], lambda n: known_quantile(n, q=0.05), as_metric, 0),
    "median and MAD": (lambda values: [evaluate(deviations_from_median(1), values)], known_mad, as_metric, 0),
    "histogram for Otsu": (lambda values: evaluate(histogram(BINS), values)[0].tolist(), known_histogram, as_metric, 0),
}  # fmt: skip


def measure(name: str, number: int, *, memory: int | None) -> dict[str, float]:
    """Find a statistic in this process, check it, and tell what it took.

    Raises
    ------
    RuntimeError
        The result is not what is known.
    """
    find, known, of, bound = STATISTICS[name]
    expected = known(number)
    find(Values(PART // 100, of=of))  # what is imported and made once
    before = peak_bytes()
    if memory is not None:
        limit_memory(memory)
    values = Values(number, of=of)
    start = time.process_time()
    got = find(values)
    seconds = time.process_time() - start
    if not all(abs(value - other) <= bound * abs(other) for value, other in zip(got, expected, strict=True)):
        raise RuntimeError(f"{name} of {number} values: got {got}, expected {expected}")
    peak = peak_bytes()
    return {"seconds": seconds, "drawing": values.seconds, "passes": values.passes, "peak": peak, "more": peak - before}


def limit_memory(megabytes: int) -> None:
    """Let the system refuse this process more than so much beyond what it has now.

    Raises
    ------
    RuntimeError
        More is not refused.
    """
    import resource  # noqa: PLC0415 - does not exist on Windows

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        np.empty(2 * megabytes * 2**20, dtype=np.uint8)
    except MemoryError:
        return
    raise RuntimeError(f"{2 * megabytes} MB were given, but only {megabytes} are allowed")


def main() -> int:
    """Time all, and print the table; the exit status."""
    parser = argparse.ArgumentParser(description="Time the exact reductions over the whole data set.")
    parser.add_argument("--values", type=int, nargs="+", default=list(SIZES), help="powers of ten")
    parser.add_argument("--statistic", nargs="+", choices=list(STATISTICS), default=list(STATISTICS))
    parser.add_argument("--memory", type=int, help="megabytes that a process may take beyond what it has imported")
    parser.add_argument("--one", action="store_true", help="measure in this process, and print JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.statistic[0], options.values[0], memory=options.memory)))
        return 0
    print(
        f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, polars {pl.__version__}\n"
    )
    print("| statistic | values | passes | processor's time, s | of these drawing | million values/s | memory, MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    alone = os.environ | {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for name in options.statistic:
        for number in options.values:
            more = [] if options.memory is None else ["--memory", str(options.memory)]
            command = [sys.executable, __file__, "--one", "--statistic", name, "--values", str(number), *more]
            ran = subprocess.run(command, env=alone, cwd=ROOT, capture_output=True, text=True, check=False)
            if ran.returncode:
                print(ran.stderr, file=sys.stderr)
                return 1
            result = json.loads(ran.stdout)
            speed = number / max(result["seconds"] - result["drawing"], 1e-9) / 1e6
            figures = [f"{result['passes']}", f"{result['seconds']:.1f}", f"{result['drawing']:.1f}", f"{speed:.1f}"]
            print("|", " | ".join([name, f"{number:,}", *figures, f"{result['more'] / 2**20:.0f}"]), "|", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
