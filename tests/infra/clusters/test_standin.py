"""Jobs of the batch systems but Slurm that really run, by programs that stand in for theirs."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from dask_jobqueue.core import Job
from distributed import Client

from infra.clusters.jobs import job_spec
from infra.clusters.model import Batch
from tests.infra.clusters import standin
from tests.infra.clusters.rig import certificates, cluster_of

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
COMMANDS = {
    "pbs": ("qsub", "qdel"),
    "sge": ("qsub", "qdel"),
    "lsf": ("bsub", "bkill"),
    "oar": ("oarsub", "oardel"),
    "htcondor": ("condor_submit", "condor_rm"),
}
POOL: dict[str, Any] = {"name": "cpu", "cores": 2, "memory": "2 GB", "account": "lab", "resources": {"TPU": 2}}


Install = Callable[[str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put the commands of a batch system first on the path; return the folder in which its jobs are recorded."""

    def write(kind: str) -> Path:
        (programs := tmp_path / "bin").mkdir()
        (jobs := tmp_path / "jobs").mkdir()
        for action, command in zip(("submit", "cancel"), COMMANDS[kind], strict=True):
            (programs / command).write_text(
                f'#!/bin/sh\nexec {sys.executable} {HERE / "standin.py"} {kind} {action} "$@"\n', encoding="utf-8"
            )
            (programs / command).chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        monkeypatch.setenv("STANDIN", str(jobs))
        return jobs

    return write


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("like", ["plain", "rich"])
def test_a_reference_is_accepted(kind: str, like: str) -> None:
    script = (HERE / "scripts" / f"{kind}.{like}").read_text(encoding="utf-8")
    options = [option for option, _ in standin.parse(kind, script + ("Queue" if kind == "htcondor" else ""))]
    assert len(options) >= len(script.splitlines())


@pytest.mark.parametrize(
    ("kind", "directive", "words"),
    [
        ("pbs", "-Z 1", "-Z: unknown option"),
        ("pbs", "-l select=1:cpus=4", "-l: illegal value 'select=1:cpus=4'"),
        ("pbs", "-l walltime=1h", "-l: illegal value"),
        ("pbs", "-N two words", "words: unknown option"),
        ("sge", "-l mem_free=64GB", "-l: illegal value"),
        ("sge", "-pe smp", "-pe: illegal value 'smp'"),
        ("lsf", "-W 1:00:00", "-W: illegal value"),
        ("lsf", '-R "rusage[memory=1]"', "-R: illegal value"),
        ("oar", "-l /nodes=1/core=4", "-l: illegal value"),
        ("htcondor", "request_cores = 4\nQueue", "request_cores: unknown option"),
    ],
)
def test_a_directive_that_the_manual_does_not_have_is_refused(kind: str, directive: str, words: str) -> None:
    with pytest.raises(standin.Refused) as caught:
        standin.parse(kind, f"{standin.SYSTEMS[kind].mark} {directive}\n")
    assert words in str(caught.value)


def look() -> dict[str, str]:
    return {**os.environ, "cwd": str(Path.cwd()), "process": str(os.getpid())}


@pytest.mark.slow
@pytest.mark.parametrize("kind", COMMANDS)
def test_a_job_starts_workers_that_join_over_tls_and_end_with_the_cluster(
    kind: str, install: Install, tmp_path: Path
) -> None:
    jobs = install(kind)
    batch = Batch.model_validate({"kind": kind, "pools": [POOL]})
    shared = tmp_path / "run"
    security = certificates(shared)
    variables = {"PYTHONPATH": str(PROJECT), "PREFECT_API_AUTH_STRING": "me:it's"}
    spec = job_spec(batch, batch.pools[0], run="r1", security=security, shared=shared, environment=variables)
    with cluster_of({"cpu-0": spec}, security=security) as cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
        workers = client.scheduler_info(n_workers=-1)["workers"]
        assert sorted(worker["name"] for worker in workers.values()) == ["cpu-0-0", "cpu-0-1"]
        assert {address.partition(":")[0] for address in workers} == {"tls"}
        assert {str(worker["resources"]) for worker in workers.values()} == {"{'CPU': 1.0, 'TPU': 2.0}"}
        assert {worker["nthreads"] for worker in workers.values()} == {1}
        assert all(abs(worker["memory_limit"] / 0.9e9 - 1) < 0.01 for worker in workers.values())
        seen = client.submit(look, resources={"TPU": 2}, pure=False).result()
        record = json.loads((jobs / "1000.json").read_text(encoding="utf-8"))
    assert (seen["PREFECT_API_AUTH_STRING"], seen["OMP_NUM_THREADS"]) == ("me:it's", "1")
    assert seen["TMPDIR"] == str(jobs / "tmp-1000")
    assert seen[standin.SYSTEMS[kind].job_id] == "1000"
    assert "STANDIN" not in seen  # the environment was made anew
    assert "it's" not in (jobs / "1000.sh").read_text(encoding="utf-8")
    ended = time.monotonic() + 20
    while psutil.pid_exists(int(seen["process"])) and time.monotonic() < ended:
        time.sleep(0.1)
    assert not psutil.pid_exists(int(seen["process"]))
    assert Path(record["log"]).parent == shared / "logs"


@pytest.mark.parametrize("kind", ["pbs", "sge", "oar"])
def test_a_job_that_the_system_refuses_says_so(kind: str, install: Install, tmp_path: Path) -> None:
    jobs = install(kind)
    batch = Batch.model_validate({"kind": kind, "pools": [{**POOL, "directives": ["--frobnicate"]}]})
    spec = job_spec(batch, batch.pools[0], run="r1", security=None, shared=tmp_path / "run", environment={})

    async def start() -> None:
        job: Job = spec.cls(scheduler="tcp://127.0.0.1:1", name="cpu-0", **spec.options)
        await job.start()

    with pytest.raises(RuntimeError, match="--frobnicate: unknown option"):
        asyncio.run(start())
    assert list(jobs.iterdir()) == []
