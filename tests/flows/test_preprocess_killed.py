"""A run that is killed in the middle: nothing survives it, and the rerun goes on from there to the same table."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import psutil
import pytest
from polars.testing import assert_frame_equal

from tasks.ingest.example import write_example

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

CONFIG = r"""
load:
  pattern: '(?P<cell_type>[^/]+)/cell_(?P<cell>\d+)\.tif$'
  channels: {BF: 0, DNA: 2, CD45: 3}
mask: {methods: [li], main_channel: BF}
quality: {rules: [{metric: sum, channel: DNA, threshold: {method: quantile, q: 0.1}}]}
run: {partition_size: 4}
"""


def command(stamps: Path, *, config: Path, output: Path) -> list[str]:
    arguments = [str(stamps), "--config", str(config), "--output", str(output)]
    return [sys.executable, "-m", "flows.preprocess", *arguments]


def finished(output: Path, stage: str) -> int:
    folder = output / "work" / stage
    return sum(not path.name.startswith(".") for path in folder.iterdir()) if folder.is_dir() else 0


def wait_until(condition: object, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def table(output: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(part) for part in sorted((output / "features").glob("part-*.parquet"))])


def test_kill_9_half_way_then_rerun_gives_the_same_table(tmp_path: Path, prefect_api: str) -> None:
    stamps = write_example(tmp_path / "stamps", count=60, seed=5)
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}

    killed = tmp_path / "killed"
    process = subprocess.Popen(
        command(stamps, config=config, output=killed),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: finished(killed, "features") >= 5, seconds=240)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(family) >= 3, "expected a server and two workers"
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive, f"survivors: {alive}"
    # A task killed between its result and the descriptor of it is done again.
    done = len(list((killed / "work" / "results").glob("features-*")))
    assert 3 <= done < 15

    rerun = subprocess.run(
        command(stamps, config=config, output=killed), env=environment, capture_output=True, text=True, check=False
    )
    assert rerun.returncode == 0, rerun.stderr
    counts = {line.split()[0]: line.split()[1:3] for line in rerun.stdout.splitlines() if line.startswith("  features")}
    assert counts["features"] == [str(15 - done), str(done)]

    whole = tmp_path / "whole"
    shared = environment | {"PREFECT_API_URL": prefect_api}  # a server of its own takes ten seconds more
    subprocess.run(command(stamps, config=config, output=whole), env=shared, capture_output=True, check=True)
    assert_frame_equal(table(killed), table(whole), check_exact=True)
