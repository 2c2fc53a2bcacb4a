"""Where trials take place: the images, undisturbed runs to compare with, and services that several trials share."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from tests.chaos.comparison import difference, published
from tests.chaos.processes import Kind, end_orphans
from tests.chaos.services import PROJECT, WORKERS, DaskCluster, dask_cluster, environment, prefect_server
from tests.chaos.workload import write_workload

DATA = Path(os.environ.get("SCIP_TEST_DATA", PROJECT.parent / "shared" / "data"))

ON_A_SCHEDULER: tuple[Kind, ...] = ("nanny", "scheduler")
"""Kinds whose runs go to a scheduler that runs already; the others have a local cluster."""


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """A run in which nothing was killed.

    Parameters
    ----------
    seconds
        From the start of the command to its end.
    remains
        What it left in the folder of temporary files.
    """

    seconds: float
    remains: frozenset[str]


class Command:
    """The command of one run, which may be given several times.

    Parameters
    ----------
    folder
        The folder of the trial: gets ``out/``, ``tmp/`` and what is printed.
    workload
        Folder with the images and the configuration.
    cluster, api
        What is asked for; without an API the run starts a server of its own.
    """

    def __init__(self, folder: Path, *, workload: Path, cluster: str, api: str | None) -> None:
        self.folder = folder
        self.output = folder / "out"
        self.mark = str(folder)
        self._environment = environment(folder, mark=self.mark) | ({} if api is None else {"PREFECT_API_URL": api})
        inputs = [str(workload / "images"), "--config", str(workload / "config.yaml"), "--output", str(self.output)]
        options = ["--cluster", cluster, *(["--workers", str(WORKERS)] if cluster == "local" else [])]
        self._line = [sys.executable, "-m", "flows.preprocess", *inputs, *options]
        self._given = 0

    def start(self) -> subprocess.Popen[bytes]:
        """Give it, once more."""
        self._given += 1
        with self._log.open("wb") as log:  # no pipe: an orphan would hold its end
            return subprocess.Popen(
                self._line,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ends(self, process: subprocess.Popen[bytes], *, seconds: float) -> tuple[bool, tuple[str, ...]]:
        """Wait for its end and that of all its processes; tell whether it came in time, and who stayed behind."""
        in_time = True
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            in_time = False
            process.send_signal(signal.SIGKILL)
            process.wait()
        return in_time, end_orphans([self.mark])

    @property
    def last_words(self) -> str:
        """The end of what it printed last."""
        return " | ".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])[-600:]

    @property
    def remains(self) -> frozenset[str]:
        """What lies in the folder of temporary files."""
        temporary = self.folder / "tmp"
        return frozenset(str(path.relative_to(temporary)) for path in temporary.rglob("*"))

    @property
    def _log(self) -> Path:
        return self.folder / f"printed-{self._given}.txt"


class Site:
    """Images, undisturbed runs and shared services, each made when a trial first asks for it.

    Parameters
    ----------
    folder
        Kept; must not hold another site.
    seconds
        Of work a run.
    """

    def __init__(self, folder: Path, *, seconds: float) -> None:
        self.folder = folder
        self._seconds = seconds
        self._stack = ExitStack()
        self._undisturbed: dict[bool, Undisturbed] = {}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_workload(self._workload, data=DATA, seconds=self._seconds)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _workload(self) -> Path:
        return self.folder / "workload"

    @property
    def expected(self) -> Path:
        """Output folder of the first undisturbed run."""
        return self.folder / "undisturbed" / "out"

    @cached_property
    def cluster(self) -> DaskCluster:
        """A Dask scheduler with workers."""
        return self._stack.enter_context(dask_cluster(self._made("cluster")))

    @cached_property
    def api(self) -> str:
        """A Prefect server that stays."""
        return self._stack.enter_context(prefect_server(self._made("server")))

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def command(self, name: str, *, kind: Kind, shared_api: bool) -> Command:
        """Make the command of a trial."""
        return Command(
            self._made(name),
            workload=self._workload,
            cluster=self.cluster.address if kind in ON_A_SCHEDULER else "local",
            api=self.api if shared_api or kind in ON_A_SCHEDULER else None,
        )

    def undisturbed(self, kind: Kind) -> Undisturbed:
        """Measure a run in which nothing is killed, once for each cluster; the first makes sure of compiled kernels.

        Raises
        ------
        RuntimeError
            It fails, or two of them differ.
        """
        external = kind in ON_A_SCHEDULER
        if external not in self._undisturbed:
            if not self.expected.exists():
                self._measure("undisturbed", kind=kind)
            self._undisturbed[external] = self._measure("external" if external else "local", kind=kind)
        return self._undisturbed[external]

    def _measure(self, name: str, *, kind: Kind) -> Undisturbed:
        command = self.command(name, kind=kind, shared_api=False)
        begin = time.monotonic()
        process = command.start()
        in_time, orphans = command.ends(process, seconds=600)
        seconds = time.monotonic() - begin
        if not in_time or process.returncode or orphans:
            raise RuntimeError(f"an undisturbed run fails ({process.returncode}): {command.last_words} {orphans}")
        unequal = difference(command.output, expected=self.expected).unequal
        if unequal or not published(self.expected):
            raise RuntimeError(f"two undisturbed runs differ, see {self.folder}: {unequal}")
        remains = command.remains
        if command.output != self.expected:
            shutil.rmtree(command.folder)
        return Undisturbed(seconds=seconds, remains=remains)
