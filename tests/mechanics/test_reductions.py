"""Reductions over 10⁸ values in a process that may hold a fraction of them, and that their benchmark notices errors."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = PROJECT / "benchmarks" / "reductions.py"

MEMORY = 192
"""Megabytes beyond what is imported; 10⁸ pixels of 16 bits would take 200, as many float64 values 800."""

STATISTICS = [
    "scaling of 16-bit pixels",
    "scaling of float pixels",
    "mean and deviation",
    "quantile",
    "median and MAD",
    "histogram for Otsu",
]


@pytest.fixture(scope="module")
def reductions() -> ModuleType:
    """Return the benchmark as a module."""
    spec = importlib.util.spec_from_file_location("reductions", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(statistic: str, values: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a process of its own."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--values", str(values), "--statistic", statistic, *options],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


def check(statistic: str, values: int, *options: str) -> None:
    """Run it; it has to end well, with the statistic's line."""
    ran = run(statistic, values, *options)
    assert ran.returncode == 0, ran.stderr
    assert f"| {statistic} | {values:,} |" in ran.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux refuses a process more addresses than it is allowed")
@pytest.mark.parametrize("statistic", ["scaling of 16-bit pixels", "mean and deviation", "quantile"])
def test_a_hundred_million_values_are_reduced_in_bounded_memory(statistic: str) -> None:
    """The script itself compares each result with what follows from how the values are drawn."""
    check(statistic, 10**8, "--memory", str(MEMORY))


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["scaling of float pixels", "median and MAD", "histogram for Otsu"])
def test_a_million_values_are_reduced_to_what_is_known(statistic: str) -> None:
    """These take longer; `python benchmarks/reductions.py` reduces 10⁸ values to them, too."""
    check(statistic, 10**6)


def test_the_benchmark_knows_every_statistic(reductions: ModuleType) -> None:
    assert list(reductions.STATISTICS) == STATISTICS


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_result_that_is_not_exactly_right_ends_the_benchmark(
    reductions: ModuleType, statistic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reductions, "PART", 7_000)
    assert reductions.measure(statistic, 10**5, memory=None)["seconds"] >= 0
    find, known, of, bound = reductions.STATISTICS[statistic]

    def wrong(number: int, known: Callable[[int], list[float]] = known) -> list[float]:
        first, *others = known(number)
        return [first * (1 + 2 * bound + 2.0**-52), *others]

    monkeypatch.setitem(reductions.STATISTICS, statistic, (find, wrong, of, bound))
    with pytest.raises(RuntimeError, match=f"{statistic} of 100000 values: got"):
        reductions.measure(statistic, 10**5, memory=None)


def test_more_memory_than_allowed_is_refused() -> None:
    ran = run("quantile", 10**6, "--memory", "10")
    assert ran.returncode == 1
    assert "Unable to allocate" in ran.stderr
