"""Time the families that cp_measure has too: ours and its own, in turn.

    python benchmarks/peers.py [--cells N] [--rounds R] [--few N] [--cp DIR]

Both measure the same generated stamps as `benchmarks/features.py`, 60×60 pixels of 12 channels, each channel in its own
mask of 700 to 1,000 px, on one core; what is counted is the processor's time of the calls that measure. In every round
each takes its turn, and the least time of all rounds counts. cp_measure runs in the environment of `cp_environment.sh`,
with its own settings: its granularity is that of a quarter of the resolution, ours of the full one.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.features import CHANNELS, ROOT, Stamps, draw
from tasks.core.types import Region
from tasks.features.family import Family, RegionInfo, families_of
from tasks.features.warm import warm

SHARED = {
    "granularity": ("granularity",),
    "radial_distribution": ("radial_distribution",),
    "shape": ("sizeshape", "feret"),
    "zernike": ("zernike",),
    "radial_zernike": ("radial_zernikes",),
    "texture": ("texture",),
    "intensity": ("intensity",),
}
"""Our family, and cp_measure's; `haralick` stands in for `texture` where it is installed."""

PAIRED = "colocalization"
"""Measured per pair of channels in the combined mask, and not part of the total."""


class CpMeasure:
    """cp_measure, in a process of its own environment."""

    def __init__(self, python: Path, *, stamps: Stamps, folder: Path) -> None:
        file = folder / "stamps.npz"
        np.savez(
            file,
            pixels=np.stack(stamps.batch.pixels.unstack()) / 4095,
            masks=np.stack(stamps.own.masks.unstack()),
            combined=np.stack([mask[0] for mask in stamps.combined.masks.unstack()]),
        )
        self._process = subprocess.Popen(
            [python, ROOT / "benchmarks" / "cp_timing.py", file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NUMBA"))}
            | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
        )
        self._answer()

    def _answer(self) -> str:
        """Wait for the next line."""
        if self._process.stdout is None or not (line := self._process.stdout.readline()):
            raise RuntimeError("cp_measure has stopped; its error message stands above")
        return line.strip()

    def seconds(self, family: str, *, cells: int) -> tuple[float, int]:
        """Measure the first cells; the time that it took, and the number of features per channel or pair."""
        if self._process.stdin is None:
            raise RuntimeError("the process of cp_measure has no standard input")
        print(family, cells, file=self._process.stdin, flush=True)
        seconds, features = self._answer().split()
        return float(seconds), int(features)

    def close(self) -> None:
        """Let the process end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)


def ours_of(name: str) -> Family:
    """Return the family that is compared."""
    known = families_of("standard")
    return known.get("haralick", known[name]) if name == "texture" else known[name]


def features_of(family: Family, region: Region, channels: tuple[str, ...]) -> int:
    """Features of a family in a region."""
    return len(family.columns(region=RegionInfo(name=region.name, shared=region.shared), channels=channels))


def report(stamps: Stamps, peer: CpMeasure | None, *, rounds: int, few: int) -> None:
    """Time all families in turn and print a row for each."""
    pairs = CHANNELS * (CHANNELS - 1) // 2
    names = [*SHARED, PAIRED]
    fast: dict[str, float] = dict.fromkeys(names, np.inf)
    slow: dict[str, float] = dict.fromkeys(names, np.inf)
    counts: dict[str, int] = {}
    for _ in range(rounds):
        for name in names:
            region, units = (stamps.combined, pairs) if name == PAIRED else (stamps.own, CHANNELS)
            family = ours_of(name)
            start = time.process_time()
            family.measure(stamps.batch, region)
            fast[name] = min(fast[name], 1e6 * (time.process_time() - start) / (len(stamps.batch) * units))
            if peer is not None:
                answers = [peer.seconds(own, cells=few) for own in SHARED.get(name, (PAIRED,))]
                slow[name] = min(slow[name], 1e6 * sum(answer[0] for answer in answers) / (few * units))
                counts[name] = sum(answer[1] for answer in answers)
    print("| family | ours, µs | features | cp_measure | µs | features | ratio |")
    print("|---|---:|---:|---|---:|---:|---:|")
    for name in names:
        region, units = (stamps.combined, pairs) if name == PAIRED else (stamps.own, CHANNELS)
        number = features_of(ours_of(name), region, stamps.batch.channels) // units
        title = f"{name} (per pair)" if name == PAIRED else ours_of(name).name
        theirs = f"{slow[name]:,.0f} | {counts[name]} | {slow[name] / fast[name]:.0f}" if counts else " | | "
        print(f"| {title} | {fast[name]:.1f} | {number} | {', '.join(SHARED.get(name, ('5 functions',)))} | {theirs} |")
    total, other = sum(fast[name] for name in SHARED), sum(slow[name] for name in SHARED)
    ratio = f"{other:,.0f} | {sum(counts[name] for name in SHARED)} | {other / total:.0f}" if counts else " | | "
    features = sum(features_of(ours_of(name), stamps.own, stamps.batch.channels) // CHANNELS for name in SHARED)
    print(f"| all but the pairs | {total:.1f} | {features} | | {ratio} |")


def main() -> int:
    """Time all and print the table; the exit status."""
    parser = argparse.ArgumentParser(description="Time the families that cp_measure has too.")
    parser.add_argument("--cells", type=int, default=60, help="stamps that our families measure")
    parser.add_argument("--few", type=int, default=2, help="stamps that cp_measure measures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cp", type=Path, default=ROOT / ".envs" / "cp", help="environment of cp_measure")
    options = parser.parse_args()
    python = options.cp / "bin" / "python"
    # on one core, as the process that is started from here
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warm("standard")
    stamps = draw(cells=options.cells, dtype=np.uint16)
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "scikit-image"))
    print(f"{platform.machine()}, Python {platform.python_version()}, {packages}")
    size = float(stamps.own.masks.flat.sum()) / (len(stamps.batch) * CHANNELS)
    print(f"uint16, {options.cells} stamps of 12 channels; mask {size:.0f} px; µs per cell and channel\n")
    with tempfile.TemporaryDirectory() as folder:
        few = stamps.take(options.few)
        peer = CpMeasure(python, stamps=few, folder=Path(folder)) if python.exists() else None
        try:
            report(stamps, peer, rounds=options.rounds, few=options.few)
        finally:
            if peer is not None:
                peer.close()
    if peer is None:
        print(f"\nno {python}: make it with benchmarks/cp_environment.sh, or name another with --cp")
    return 0


if __name__ == "__main__":
    sys.exit(main())
