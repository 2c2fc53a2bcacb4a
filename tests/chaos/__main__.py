"""Kill processes of real runs at random moments, and compare what comes out with undisturbed runs.

    python -m tests.chaos [--kills 100] [--seed 0] [--kinds worker,nanny,flow,server,scheduler] [--work 12] [--lanes 1]

Lanes are worked through side by side, each with a site of its own. Exit status 0 where all is well. The folder of a
trial that is not is kept; ``--trial N`` with the same seed and kinds repeats it alone. `SCIP_TEST_DATA` names the
folder of real images.
"""

import argparse
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

from rich.console import Console

from tests.chaos.processes import Kind
from tests.chaos.report import as_table, write_report
from tests.chaos.site import Site
from tests.chaos.trial import Outcome, kind_of, run_trial

TABLE_WIDTH = 150
"""Where it is not read on a terminal."""

KINDS: tuple[Kind, ...] = get_args(Kind)


def _kinds(text: str) -> tuple[Kind, ...]:
    words = text.split(",")
    if unknown := set(words) - set(KINDS):
        raise argparse.ArgumentTypeError(f"got {', '.join(sorted(unknown))}; expected some of {','.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in words)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Kill processes of runs.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", type=_kinds, default=KINDS, help="separated by commas")
    parser.add_argument("--work", type=float, default=12, metavar="SECONDS", help="of one core, in each run")
    parser.add_argument("--lanes", type=int, default=1, metavar="N", help="so many trials at a time")
    parser.add_argument("--trial", type=int, metavar="N", help="repeat this one alone")
    parser.add_argument("--folder", type=Path, help="where trials take place")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome")
    return parser.parse_args()


def main() -> int:
    """Run the trials, print each as it ends, and the table."""
    options, console = _options(), Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="chaos-"))).resolve()
    numbers = range(options.kills) if options.trial is None else [options.trial]
    outcomes: list[Outcome] = []
    begin = time.monotonic()

    def run_lane(lane: int) -> None:
        with Site(folder / f"lane-{lane}", seconds=options.work) as site:
            for number in numbers[lane :: options.lanes]:
                outcome = run_trial(site, number=number, seed=options.seed, kind=kind_of(number, options.kinds))
                outcomes.append(outcome)
                _tell(outcome, console=console)

    try:
        with ThreadPoolExecutor(options.lanes) as pool:
            for _ in pool.map(run_lane, range(options.lanes)):
                pass
    finally:  # hours of trials, whatever ends them
        console.print(as_table(outcomes, kinds=options.kinds))
        if options.json is not None:
            write_report(options.json, outcomes, kinds=options.kinds, seed=options.seed)
    bad = sum(bool(outcome.complaints) for outcome in outcomes)
    minutes = (time.monotonic() - begin) / 60
    console.print(f"{len(outcomes) - bad} of {len(outcomes)} trials are well; {minutes:.0f} min, seed {options.seed}")
    if not bad:
        shutil.rmtree(folder)
    return int(bad > 0)


def _tell(outcome: Outcome, *, console: Console) -> None:
    verdict = "not well" if outcome.complaints else "well"
    lines = [f"{outcome.number}: {outcome.kind} killed at {outcome.moment:.1f} s, {outcome.end}, {verdict}"]
    if outcome.complaints:
        lines += [*(f"  {complaint}" for complaint in outcome.complaints), f"  seed {outcome.seed}, {outcome.folder}"]
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
