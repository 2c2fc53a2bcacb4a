"""Time the families that cp_measure and nyxus have too: ours and theirs, in turn.

    python benchmarks/peers.py [--cells N] [--rounds R] [--few N] [--cp DIR] [--nyxus DIR]

All measure the same generated stamps as `benchmarks/features.py`, 60×60 pixels of 12 channels, each channel in its own
mask of 700 to 1,000 px, on one core; what is counted is the processor's time of the calls that measure. In every round
each takes its turn, and the least time of all rounds counts. The others run in the environments of
`peer_environments.sh`, with their own settings: the granularity of cp_measure is that of a quarter of the resolution,
ours of the full one.
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
from tasks.features.family import RegionInfo, families_of
from tasks.features.warm import warm

CP_MEASURE: dict[str, tuple[str, ...]] = {
    "granularity": ("granularity",),
    "radial_distribution": ("radial_distribution",),
    "shape": ("sizeshape", "feret"),
    "zernike": ("zernike",),
    "radial_zernike": ("radial_zernikes",),
    "texture": ("texture",),
    "intensity": ("intensity",),
    "colocalization": ("colocalization",),
}
NYXUS: dict[str, tuple[str, ...]] = {"intensity": ("intensity",), "shape": ("morphology",), "texture": ("glcm",)}
"""Our family, and what the other program calls it; `haralick` stands in for `texture` where it is installed."""

PAIRED = "colocalization"
"""Measured per pair of channels in the combined mask, and not part of the total."""

Measured = tuple[float, int]
"""Microseconds per cell and channel, or pair of channels, and the number of features."""


class Peer:
    """Another program, in a process of its own environment."""

    def __init__(self, python: Path, script: str, *, file: Path) -> None:
        self._process = subprocess.Popen(
            [python, ROOT / "benchmarks" / script, file],
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
            raise RuntimeError("the other program has stopped; its error message stands above")
        return line.strip()

    def measure(self, names: tuple[str, ...], *, cells: int, units: int) -> Measured:
        """Measure some families of the first cells."""
        if self._process.stdin is None:
            raise RuntimeError("the other program has no standard input")
        total, number = 0.0, 0
        for name in names:
            print(name, cells, file=self._process.stdin, flush=True)
            seconds, features = self._answer().split()
            total, number = total + float(seconds), number + int(features)
        return 1e6 * total / (cells * units), number

    def close(self) -> None:
        """Let the process end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)


def units_of(name: str) -> int:
    """Channels, or pairs of channels, of a cell."""
    return CHANNELS * (CHANNELS - 1) // 2 if name == PAIRED else CHANNELS


def measure_ours(name: str, stamps: Stamps) -> Measured:
    """Measure one of our families."""
    known = families_of("standard")
    family = known.get("haralick", known[name]) if name == "texture" else known[name]
    region = stamps.combined if name == PAIRED else stamps.own
    start = time.process_time()
    family.measure(stamps.batch, region)
    seconds = time.process_time() - start
    info = RegionInfo(name=region.name, shared=region.shared)
    number = len(family.columns(region=info, channels=stamps.batch.channels))
    return 1e6 * seconds / (len(stamps.batch) * units_of(name)), number // units_of(name)


def report(stamps: Stamps, peer: Peer, families: dict[str, tuple[str, ...]], *, rounds: int, few: int) -> None:
    """Time all families in turn and print a row for each, and one for the sum of those per channel."""
    ours: dict[str, Measured] = {}
    theirs: dict[str, Measured] = {}
    for _ in range(rounds):
        for name, others in families.items():
            ours[name] = min(ours.get(name, (np.inf, 0)), measure_ours(name, stamps))
            theirs[name] = min(theirs.get(name, (np.inf, 0)), peer.measure(others, cells=few, units=units_of(name)))
    print("| family | µs | features | theirs | µs | features | ratio |")
    print("|---|---:|---:|---|---:|---:|---:|")
    summed = [name for name in families if name != PAIRED]
    for title, names in [*((name, [name]) for name in families), ("sum, without pairs", summed)]:
        (fast, number), (slow, other) = (
            (sum(table[name][0] for name in names), sum(table[name][1] for name in names)) for table in (ours, theirs)
        )
        label = f"{title}, per pair" if title == PAIRED else title
        called = ", ".join(families.get(title, ()))
        print(f"| {label} | {fast:.1f} | {number} | {called} | {slow:,.0f} | {other} | {slow / fast:.0f} |")


def main() -> int:
    """Time all and print the tables; the exit status."""
    parser = argparse.ArgumentParser(description="Time the families that cp_measure and nyxus have too.")
    parser.add_argument("--cells", type=int, default=60, help="stamps that our families measure")
    parser.add_argument("--few", type=int, default=2, help="stamps that the other programs measure")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cp", type=Path, default=ROOT / ".envs" / "cp", help="environment of cp_measure")
    parser.add_argument("--nyxus", type=Path, default=ROOT / ".envs" / "nyxus", help="environment of nyxus")
    options = parser.parse_args()
    # on one core, as the processes that are started from here
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warm("standard", families=families_of("standard"))
    stamps = draw(cells=options.cells, dtype=np.uint16)
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "scikit-image"))
    print(f"{platform.machine()}, Python {platform.python_version()}, {packages}")
    size = float(stamps.own.masks.flat.sum()) / (len(stamps.batch) * CHANNELS)
    print(f"uint16, {options.cells} stamps of 12 channels; mask {size:.0f} px; µs per cell and channel")
    few = stamps.take(options.few)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stamps.npz"
        counts = np.stack(few.batch.pixels.unstack())
        np.savez(
            file,
            counts=counts,
            pixels=counts / 4095,
            masks=np.stack(few.own.masks.unstack()),
            combined=np.stack([mask[0] for mask in few.combined.masks.unstack()]),
        )
        for title, environment, script, families in (
            ("cp_measure", options.cp, "cp_timing.py", CP_MEASURE),
            ("nyxus", options.nyxus, "nyxus_timing.py", NYXUS),
        ):
            python = environment / "bin" / "python"
            print(f"\n{title}\n")
            if not python.exists():
                print(f"no {python}: make it with benchmarks/{script.removesuffix('_timing.py')}_environment.sh")
                continue
            peer = Peer(python, script, file=file)
            try:
                report(stamps, peer, families, rounds=options.rounds, few=options.few)
            finally:
                peer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
