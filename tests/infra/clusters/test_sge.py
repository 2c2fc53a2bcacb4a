"""Jobs on a Grid Engine that really runs, whose queue is for csh."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_jobqueue.core import Job
from distributed import Client
from filelock import FileLock

from infra.clusters.jobs import job_spec
from infra.clusters.model import Batch
from tests.infra.clusters.rig import certificates, cluster_of

pytestmark = pytest.mark.sge
HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
RIG = PROJECT / "infra" / "sge_test"


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module", autouse=True)
def _grid_engine() -> Iterator[None]:
    with FileLock("/var/tmp/scip-sge.test", timeout=1800), pytest.MonkeyPatch.context() as environment:  # noqa: S108
        started = subprocess.run([RIG / "start"], capture_output=True, text=True, check=False, timeout=300)
        if started.returncode != 0:
            pytest.skip(f"Grid Engine does not start: {started.stderr[-500:]}")
        variables = dict(re.findall(r"(SGE_\w+)=(\S+)", started.stdout))
        for name, value in variables.items():
            environment.setenv(name, value)
        environment.setenv("PATH", f"{variables['SGE_TEST_PROGRAMS']}:{os.environ['PATH']}")
        environment.setenv("LD_LIBRARY_PATH", variables["SGE_TEST_LIBRARIES"])
        yield
        subprocess.run([RIG / "stop"], check=True, timeout=60)


def look() -> dict[str, str]:
    return dict(os.environ)


def test_jobs_of_both_pools_join_and_leave_nothing_in_the_queue(tmp_path: Path) -> None:
    pools = {
        "cpu": {"queue": "all.q", "cores": 2, "memory": "2 GB", "account": "lab", "prologue": ["# site", "echo site"]},
        "gpu": {"cores": 2, "gpus": 1, "memory": "2 GB", "walltime": "1-01:00:00"},
    }
    batch = Batch.model_validate({"kind": "sge", "pools": pools})
    shared = tmp_path / "run"
    security = certificates(shared)
    variables = {"PYTHONPATH": str(PROJECT), "PREFECT_API_AUTH_STRING": "me:it's"}
    jobs = {
        f"{pool.name}-0": job_spec(batch, pool, run="r1", security=security, shared=shared, environment=variables)
        for pool in batch.pools
    }
    with cluster_of(jobs, security=security) as cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=120)
        names = {worker["name"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()}
        assert names == {"cpu-0-0", "cpu-0-1", "gpu-0"}
        for pool, slots in {"cpu": "2", "gpu": "2"}.items():
            seen = client.submit(look, resources={pool.upper(): 1}, pure=False).result()
            assert (seen["JOB_NAME"], seen["NSLOTS"]) == (f"scip-r1-{pool}", slots)
            assert (seen["PREFECT_API_AUTH_STRING"], seen["OMP_NUM_THREADS"]) == ("me:it's", "1")
            (log,) = (shared / "logs").glob(f"scip-r1-{pool}-*.log")
            assert log.read_text(encoding="utf-8").startswith("site\n") == (pool == "cpu")
    ended = time.monotonic() + 20
    while output("qstat") and time.monotonic() < ended:
        time.sleep(0.2)
    assert output("qstat") == ""


def test_the_reference_is_understood_as_the_manual_says(tmp_path: Path) -> None:
    text = (HERE / "scripts" / "sge.rich").read_text(encoding="utf-8")
    script = tmp_path / "job.sh"
    script.write_text(text.replace("-pe openmp", "-pe smp").replace("-q a100", "-q all.q"), encoding="utf-8")
    (number,) = re.findall(r"\d+", output("qsub", "-h", "-terse", str(script)))
    try:
        told = dict(re.findall(r"^([\w ]+):\s+(.*?)\s*$", output("qstat", "-j", number), flags=re.MULTILINE))
    finally:
        output("qdel", number)
    expected = {
        "job_name": "scip-r1-gpu",
        "stdout_path_list": "NONE:NONE:/home/me/.scip-flows/r1/logs/scip-r1-gpu-$JOB_ID.log",
        "merge": "y",
        "shell_list": "NONE:/bin/bash",
        "hard_queue_list": "all.q",
        "project": "lab",
        "parallel environment": "smp range: 8",
        "hard resource_list": "h_vmem=7630M,gpu=2,h_rt=131400",
        "restart": "n",
        "reserve": "y",
    }
    assert {name: told[name] for name in expected} == expected


def test_what_the_site_does_not_have_is_refused_in_its_words(tmp_path: Path) -> None:
    pool = {"memory": "2 GB", "directives": ["-l tpu=1"]}
    batch = Batch.model_validate({"kind": "sge", "pools": {"cpu": pool}})
    spec = job_spec(batch, batch.pools[0], run="r1", security=None, shared=tmp_path / "run", environment={})

    async def start() -> None:
        job: Job = spec.cls(scheduler="tcp://127.0.0.1:1", name="cpu-0", **spec.options)
        await job.start()

    with pytest.raises(RuntimeError, match='unknown resource "tpu"'):
        asyncio.run(start())
