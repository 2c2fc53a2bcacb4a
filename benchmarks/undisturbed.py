"""Tell what runs in which nothing goes wrong cost in one checkout against another, in the processor's time.

    python -m benchmarks.undisturbed OLD NEW [--pairs 10] [--limit N] [--images FOLDER] [--config FILE]

Both checkouts run with this Python, in turn, each pair in the other order than the pair before. What counts is the time
of all processes of a run (`processor_time.py`). The figure is the median of the pairs' ratios; exit status 1 where it
is more than 1.03. A pair before the others compiles kernels and counts for nothing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.programs import ROOT, machine

ALLOWED = 1.03

DATA = Path(os.environ.get("SCIP_TEST_DATA", ROOT.parent / "shared" / "data"))


def measure(checkout: Path, *, arguments: list[str]) -> float:
    """Run the pipeline of a checkout into a new folder; seconds of the processor."""
    with tempfile.TemporaryDirectory(prefix="undisturbed-") as folder:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        run = [sys.executable, "-m", "flows.preprocess", *arguments, "--output", f"{folder}/output"]
        done = subprocess.run(
            [sys.executable, str(ROOT / "benchmarks" / "processor_time.py"), *run],
            cwd=folder,
            env=inherited | {"PYTHONPATH": str(checkout), "PREFECT_HOME": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"the run of {checkout} fails:\n{done.stderr[-2000:]}")
    return float(done.stdout)


def main() -> int:
    """Measure the pairs, print each, and the median of their ratios."""
    parser = argparse.ArgumentParser(description="Cost of undisturbed runs of one checkout against another's.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--limit", type=int, help="work on a sample of so many images")
    parser.add_argument("--images", type=Path, default=DATA / "ifc_jurkat_cellcycle" / "images")
    parser.add_argument("--config", type=Path, default=ROOT / "deployments" / "configs" / "ifc_jurkat_cellcycle.yaml")
    options = parser.parse_args()
    arguments = [str(options.images.resolve()), "--config", str(options.config.resolve())]
    arguments += [] if options.limit is None else ["--limit", str(options.limit)]
    checkouts = [options.old.resolve(), options.new.resolve()]
    print(f"{machine()}, {os.cpu_count()} cores\n")
    print("| pair | old, s | new, s | ratio |\n|---|---:|---:|---:|", flush=True)
    ratios = []
    for pair in range(options.pairs + 1):
        order = checkouts if pair % 2 else checkouts[::-1]
        seconds = [(checkout, measure(checkout, arguments=arguments)) for checkout in order]
        (_, old), (_, new) = seconds if pair % 2 else seconds[::-1]
        if pair:
            ratios.append(new / old)
            print(f"| {pair} | {old:.1f} | {new:.1f} | {new / old:.3f} |", flush=True)
    print(f"\nmedian of {len(ratios)} ratios: {median(ratios):.3f}, allowed {ALLOWED}")
    return int(median(ratios) > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
