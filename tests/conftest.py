"""Fixtures that all tests share, how many examples hypothesis draws, and which tests may be skipped."""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from filelock import FileLock
from hypothesis import settings
from numba.core import dispatcher
from numba.core.caching import FunctionCache
from xdist.scheduler import LoadFileScheduling

from tasks.core.registry import Parts

for name, examples in {"quick": 20, "thorough": 150}.items():
    settings.register_profile(name, derandomize=True, deadline=None, max_examples=examples)
settings.load_profile("quick")
"""A run tests what the run before it tested; an example that fails goes into a test of its own."""

PROJECT = Path(__file__).resolve().parent.parent
MARKERS = ("slow", "chaos", "slurm", "sge", "browser", "gpu")
REQUIRE_ALL = "SCIP_REQUIRE_ALL" in os.environ
"""Nothing but a missing GPU excuses a test; `.ci/run` sets it."""


class OneAtATime(FunctionCache):
    """Numba's cache; of several test processes that need a kernel at once, one compiles it and the others load it."""

    locks: ClassVar[dict[str, FileLock]] = {}

    def load_overload(self, sig: object, target_context: object) -> object:
        """Load a kernel, or return None and keep all others from compiling it until it is saved."""
        implementation = super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        if implementation is None:
            Path(self.cache_path).mkdir(parents=True, exist_ok=True)
            path = f"{self.cache_path}/{self._impl.filename_base}.lock"
            lock = self.locks.setdefault(path, FileLock(path, thread_local=False))
            lock.acquire()
            implementation = super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
            if implementation is not None:
                lock.release()
        return implementation

    def save_overload(self, sig: object, data: object) -> None:
        """Save a kernel that was compiled and let the others load it."""
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        finally:
            self.locks[f"{self.cache_path}/{self._impl.filename_base}.lock"].release()


dispatcher.FunctionCache = OneAtATime  # type: ignore[attr-defined] # where numba looks for it


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Parts[Any]], None]]:
    """Install a package `fancy` with an entry point for a kind of parts, until the test is over."""

    def write(source: str, parts: Parts[Any]) -> None:
        monkeypatch.setattr(parts, "_parts", {name: parts[name] for name in parts.names})
        monkeypatch.setattr(parts, "_loaded", False)
        monkeypatch.setattr(parts, "_broken", "")
        info = tmp_path / "site" / "fancy-1.0.dist-info"
        info.mkdir(parents=True)
        (info.parent / "fancy.py").write_text(source)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fancy\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[scip_flows.{parts.kind}]\neverything = fancy\n")
        monkeypatch.syspath_prepend(str(info.parent))

    yield write
    sys.modules.pop("fancy", None)


class FilesAndSlurm(LoadFileScheduling):  # type: ignore[misc]  # which has no types
    """Tests of a file go to one process; all of Slurm, too, which does one test at a time: no other waits for it."""

    def _split_scope(self, nodeid: str) -> str:
        return "slurm" if nodeid.startswith("tests/slurm/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesAndSlurm:
    """Choose which process does which tests."""
    return FilesAndSlurm(config, log)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of real images; set SCIP_TEST_DATA where it does not lie beside the project."""
    root = Path(os.environ.get("SCIP_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no real images at {root}; set SCIP_TEST_DATA to their folder")
    return root


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail") and "gpu" not in report.keywords:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{reason}\nnothing is skipped where SCIP_REQUIRE_ALL is set"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test fail that skips without an excuse, and remember its markers: keywords hold names of folders, too."""
    report = yield
    report.__dict__["markers"] = [marker for marker in MARKERS if item.get_closest_marker(marker)]
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let a whole file fail that skips."""
    report = yield
    _refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests of each marker there were."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if isinstance(report, pytest.TestReport) and (report.when == "call" or outcome != "passed"):
                for marker in report.__dict__["markers"] or ["none of these"]:
                    counts[marker][outcome] += 1
    for marker in [*MARKERS, "none of these"] if counts else []:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts[marker].items()) or "none"
        terminalreporter.write_line(f"marker {marker}: {outcomes}")
