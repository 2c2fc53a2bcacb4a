"""The Slurm of the tests: one host's, with nodes that have networks of their own (infra/slurm_test)."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = PROJECT / "infra" / "slurm_test"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "ip")
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge", "iproute2")
ADMIN_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

POOLS: Mapping[str, Mapping[str, Any]] = {
    "cpu": {"queue": "cpu", "cores": 2, "memory": "2 GB", "walltime": "10 min", "maximum": 2},
    "gpu": {"queue": "gpu", "cores": 1, "memory": "1 GB", "walltime": "10 min", "maximum": 1, "gpus": 1},
}
"""What the nodes have room for: two jobs of cpu and one of gpu."""


def missing_programs() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program, path=ADMIN_PATH) is None]


def run(
    *command: str | Path, seconds: float = 30, check: bool = True, variables: Mapping[str, str] | None = None
) -> str:
    """Run a command and return what it printed; nothing may wait for a batch system for ever."""
    ran = subprocess.run(
        command,
        env=os.environ | dict(variables or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if check and ran.returncode:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
    return ran.stdout


def start_slurm(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Start it, or find the one that runs, and return the variables that its users need."""
    in_tmp = [PROJECT, *(path for path in [Path(sys.prefix)] if path.is_relative_to("/tmp"))]  # noqa: S108
    shared = [path for path in in_tmp if path == PROJECT or not path.is_relative_to(PROJECT)]
    settings = {"SLURM_TEST_SHARED": ":".join(map(str, shared)), **(variables or {})}
    printed = run(SCRIPTS / "start", seconds=120, variables=settings)
    return dict(re.findall(r"(\w+)=(\S+)", printed))


@contextmanager
def slurm_in_use() -> Iterator[dict[str, str]]:
    """Keep it running while any test process of this machine uses it; the last one stops what tests have started."""
    home = Path(os.environ.get("SLURM_TEST_DIR", "/var/tmp/scip-slurm"))  # noqa: S108 - as in infra/slurm_test
    started = home / "started-by-tests"
    with Path(f"{home}.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        if not (home / "slurmctld.pid").exists():
            home.mkdir(parents=True, exist_ok=True)
            started.touch()
        try:
            yield start_slurm()
        finally:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # others use it
            else:
                if started.exists():
                    started.unlink()
                    run(SCRIPTS / "stop", seconds=120)


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """A Slurm that runs.

    Parameters
    ----------
    address, interface
        Of this machine, as nodes reach it.
    home
        Its state; `home / "shared"` is for files that nodes see.
    """

    address: str
    interface: str
    home: Path

    @property
    def is_apart(self) -> bool:
        """Whether nodes have networks and temporary folders of their own."""
        return self.interface != "lo"

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Make a folder that nodes see, and remove it at the end."""
        folder = Path(tempfile.mkdtemp(dir=self.home / "shared"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def cluster_file(
        self, place: Path, *, pools: Mapping[str, Mapping[str, Any]] | None = None, **changes: object
    ) -> Path:
        """Write a cluster file.

        Parameters
        ----------
        place
            Folder of the file; one that nodes see. Certificates and logs lie in it, too.
        pools
            By name, what is other than in `POOLS`: ``{"cpu": {"walltime": "1 min"}}``; default both as they are.
        changes
            Of the cluster, such as ``ports``.
        """
        pools = {"cpu": {}, "gpu": {}} if pools is None else pools
        content = {
            "kind": "slurm",
            "interface": self.interface,
            "folder": str(place / "jobs"),
            "pools": {name: {**POOLS.get(name, POOLS["cpu"]), **settings} for name, settings in pools.items()},
        } | changes
        file = place / "cluster.yaml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        return file

    def squeue(self) -> list[dict[str, str]]:
        """Return id, name, partition, state and node of each job in the queue."""
        lines = run("squeue", "--noheader", "--format=%A|%j|%P|%T|%N").splitlines()
        return [dict(zip(("id", "name", "partition", "state", "node"), line.split("|"), strict=True)) for line in lines]

    def submit(self, *lines: str, folder: Path, options: tuple[str, ...] = (), partition: str = "cpu") -> int:
        """Submit a shell script, whose output goes to ``<job>.log`` in a folder."""
        script = folder / "script.sh"
        script.write_text("\n".join(["#!/usr/bin/env bash", *lines, ""]), encoding="utf-8")
        common = ("--parsable", f"--partition={partition}", f"--output={folder}/%j.log", f"--chdir={folder}")
        return int(run("sbatch", *common, *options, script))

    def state(self, job: int) -> str:
        """Return the state of a job, which Slurm remembers for five minutes, such as COMPLETED."""
        match = re.search(r"JobState=(\w+)", run("scontrol", "show", "job", str(job)))
        return match[1] if match else "UNKNOWN"

    def wait(self, job: int, *, seconds: float = 60) -> str:
        """Wait until a job is over, and return its state."""
        deadline = time.monotonic() + seconds
        while (state := self.state(job)) in {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED"}:
            assert time.monotonic() < deadline, f"job {job} is still {state} after {seconds} s: {self.squeue()}"
            time.sleep(0.2)
        return state

    def output(self, *lines: str, folder: Path, options: tuple[str, ...] = (), partition: str = "cpu") -> str:
        """Run a shell script as a job, and return what it printed."""
        job = self.submit(*lines, folder=folder, options=options, partition=partition)
        state = self.wait(job)
        printed = (folder / f"{job}.log").read_text(encoding="utf-8")
        assert state == "COMPLETED", f"the job ended as {state}: {printed}"
        return printed

    def cancel_all(self, *, seconds: float) -> list[dict[str, str]]:
        """Cancel what is in the queue after some time, and return it."""
        deadline = time.monotonic() + seconds
        while (jobs := self.squeue()) and time.monotonic() < deadline:
            time.sleep(0.2)
        if jobs:
            run("scancel", *(job["id"] for job in jobs), check=False)
            deadline = time.monotonic() + 30
            while self.squeue() and time.monotonic() < deadline:
                time.sleep(0.2)
        return jobs
