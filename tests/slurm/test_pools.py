"""Pools on a real Slurm: what runs where, what happens to jobs that end, and that nothing stays in the queue."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dask
import polars as pl
import psutil
import pytest
from distributed import Client, Future, get_worker
from polars.testing import assert_frame_equal

from flows.timeline import read_timeline, seconds_at_once
from infra.clusters.demand import Demand
from infra.clusters.find import find_cluster
from infra.clusters.model import Batch
from infra.clusters.pools import PoolCluster
from infra.clusters.sizing import Policy
from infra.clusters.start import pool_cluster
from infra.running import DASK_SETTINGS, WORKER_SETTINGS
from tasks.core.errors import RunError
from tests.slurm.rig import PROJECT, Slurm, run

pytestmark = pytest.mark.slurm


def where(number: int, *, seconds: float) -> tuple[int, str, str]:
    """Take a while, and tell where."""
    time.sleep(seconds)
    return number, os.environ["SLURMD_NODENAME"], get_worker().name


@contextmanager
def pools(file: Path, *, run_id: str) -> Iterator[tuple[PoolCluster, Client, list[str]]]:
    """Start pools, and a client; the list is of what is told."""
    batch = find_cluster(str(file))
    assert isinstance(batch, Batch)
    lines: list[str] = []
    with (
        dask.config.set(DASK_SETTINGS),
        pool_cluster(batch, run_id=run_id, settings=WORKER_SETTINGS, prepare=partial(int)) as cluster,
    ):
        cluster.on_line(lines.append)
        with Client(cluster.scheduler_address, security=cluster.security) as client:
            yield cluster, client, lines


def wait_until(
    condition: Callable[[], object], *, seconds: float, process: subprocess.Popen[str] | None = None
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        if process is not None and process.poll() is not None:
            pytest.fail(f"it ended with {process.returncode}: {process.communicate()[0]}")
        time.sleep(0.3)


def results(
    futures: list[Future[Any]], *, send: Callable[[int], Future[Any]]
) -> tuple[list[tuple[int, str, str]], int]:
    """Gather, sending again what was lost with its worker, as a run does, and count that."""
    gathered, lost = [], 0
    for number, future in enumerate(futures):
        while future.exception(timeout=300) is not None:
            lost += 1
            future = send(number)  # noqa: PLW2901
        gathered.append(future.result())
    return gathered, lost


def test_each_task_runs_in_a_job_of_the_pool_that_offers_its_resource(slurm: Slurm, shared: Path) -> None:
    with pools(slurm.cluster_file(shared), run_id="kinds") as (_, client, _):
        futures = {
            kind: client.map(partial(where, seconds=0.2), range(6), resources={kind: 1}, pure=False)
            for kind in ("CPU", "GPU")
        }
        nodes = {kind: {node[0] for _, node, _ in client.gather(own)} for kind, own in futures.items()}
    assert nodes == {"CPU": {"c"}, "GPU": {"g"}}
    assert slurm.squeue() == []
    assert not any(path.name.startswith("scip-flows-") for path in (shared / "jobs").iterdir())


@pytest.mark.slow
def test_a_stream_longer_than_the_walltime_loses_nothing(slurm: Slurm, shared: Path) -> None:
    """Two minutes of tasks of 4 s in jobs of one minute: none dies with its worker, and so none is done twice."""
    minute = {"walltime": "1 min"}
    file = slurm.cluster_file(shared, pools={"cpu": {**minute, "maximum": 1}, "gpu": minute})
    with pools(file, run_id="walltime") as (cluster, client, _):
        kinds = {"CPU": 60, "GPU": 30}  # for 2 workers and 1
        sent, done, jobs = Counter[str](), Counter[str](), set()
        under_way: dict[Future[Any], str] = {}
        while done.total() < sum(kinds.values()):
            for kind, total in kinds.items():
                while sent[kind] < total and sum(own == kind for own in under_way.values()) < 4:
                    task = partial(where, sent[kind], seconds=4)
                    under_way[client.submit(task, resources={kind: 1}, pure=False)] = kind
                    sent[kind] += 1
            cluster.ask(Demand(ahead={frozenset({(kind, 1.0)}): kinds[kind] - sent[kind] for kind in kinds}))
            time.sleep(0.2)
            for future in [future for future in under_way if future.done()]:
                _, _, name = future.result()  # raises if its worker died
                jobs.add(name)
                done[under_way.pop(future)] += 1
    assert len(jobs) >= 5
    assert slurm.squeue() == []


@pytest.mark.slow
def test_cancelled_jobs_of_both_pools_are_replaced_running_and_pending(slurm: Slurm, shared: Path) -> None:
    file = slurm.cluster_file(shared, pools={"cpu": {"maximum": 4}, "gpu": {"maximum": 2}})
    with pools(file, run_id="cancel") as (cluster, client, lines):
        cluster.ask(Demand(ahead={frozenset({(kind, 1.0)}): 500 for kind in ("CPU", "GPU")}))  # so that some wait
        numbers = {"CPU": range(24), "GPU": range(8)}

        def send(number: int, *, kind: str) -> Future[Any]:
            return client.submit(where, number, seconds=2, resources={kind: 1}, pure=False)

        futures = {kind: [send(number, kind=kind) for number in own] for kind, own in numbers.items()}
        wanted = {(partition, state) for partition in ("cpu", "gpu") for state in ("RUNNING", "PENDING")}
        wait_until(lambda: wanted <= {(job["partition"], job["state"]) for job in slurm.squeue()}, seconds=60)
        wait_until(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) >= 5, seconds=60)
        run("scancel", *(job["id"] for job in slurm.squeue()))
        for kind, own in numbers.items():
            gathered, _ = results(futures[kind], send=partial(send, kind=kind))
            assert [number for number, _, _ in gathered] == list(own)
    assert any("are gone" in line for line in lines)
    assert slurm.squeue() == []


@pytest.mark.slow
def test_a_rejected_job_is_told_in_the_batch_systems_words_and_ends_the_run(
    slurm: Slurm, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.clusters.pools.BACK_OFF_SECONDS", (0.1,))
    file = slurm.cluster_file(shared, pools={"cpu": {"queue": "nosuch"}})
    errors: list[RunError] = []
    with pools(file, run_id="rejected") as (cluster, client, lines):
        cluster.on_failure(errors.append)
        future = client.submit(where, 0, seconds=0, resources={"CPU": 1})
        wait_until(lambda: errors, seconds=60)
        assert not future.done()
    assert any("invalid partition specified: nosuch" in line for line in lines)
    assert "pool cpu: the batch system rejects its jobs: sbatch: error: invalid partition specified" in str(errors[0])


@pytest.mark.slow
def test_jobs_that_end_before_they_have_a_worker_end_the_run_which_names_their_log(
    slurm: Slurm, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.clusters.pools.BACK_OFF_SECONDS", (0.1,))
    monkeypatch.setattr("infra.clusters.pools.QUEUE_SECONDS", 1.0)
    file = slurm.cluster_file(shared, pools={"cpu": {"python": "/no/such/python", "maximum": 1}})
    errors: list[RunError] = []
    with pools(file, run_id="broken") as (cluster, client, _):
        cluster.on_failure(errors.append)
        future = client.submit(where, 0, seconds=0, resources={"CPU": 1})
        wait_until(lambda: errors, seconds=90)
        assert not future.done()
        logs = shared / "jobs" / "logs" / "broken"
        assert f"its jobs end before they have a worker; what they printed is in {logs}" in str(errors[0])
        assert "/no/such/python" in next(logs.iterdir()).read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_pool_without_work_shrinks_to_its_minimum(
    slurm: Slurm, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.clusters.pools.DEFAULT_POLICY", Policy(patience=5.0))
    file = slurm.cluster_file(shared, pools={"cpu": {"minimum": 1, "maximum": 2}})
    with pools(file, run_id="idle") as (_, client, _):
        client.gather(client.map(partial(where, seconds=3), range(8), resources={"CPU": 1}, pure=False))
        wait_until(lambda: len(slurm.squeue()) == 1, seconds=60)
        time.sleep(10)
        assert len(slurm.squeue()) == 1


@contextmanager
def preprocess(shared: Path, file: Path, *options: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run the pipeline on the example, in a process group of its own."""
    command = [sys.executable, "-m", "flows.preprocess", "--cluster", file, "--output", shared / "out", *options]
    with subprocess.Popen(
        list(map(str, command)),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


FIELDS = """
load: {channels: {DNA: 0}}
segment: {objects: {nucleus: {method: watershed, channel: DNA, diameter: 20}}}
report: off
run: {partition_size: 2, resources: {segment: {GPU: 1}}}
"""


@pytest.mark.slow
def test_segmentation_in_gpu_jobs_and_features_in_cpu_jobs_at_the_same_time_give_the_local_table(
    slurm: Slurm, shared: Path, data_root: Path
) -> None:
    (images := shared / "images").mkdir()
    for path in sorted((data_root / "seg_dsb2018_train" / "images").glob("*.tif"))[:150]:
        shutil.copy2(path, images)
    (config := shared / "config.yaml").write_text(FIELDS, encoding="utf-8")
    both = {name: {"minimum": 1} for name in ("cpu", "gpu")}  # from the beginning, so that neither waits for a job
    with preprocess(shared, slurm.cluster_file(shared, pools=both), images, "--config", config) as process:
        printed, _ = process.communicate(timeout=600)
        assert process.returncode == 0, printed
    assert slurm.squeue() == []

    records = read_timeline(shared / "out")
    pools_of = records.select("stage", pool=pl.col("worker").str.extract(r"^scip-[0-9a-f]+-(\w+)\.")).unique()
    stages = pools_of.filter(pl.col("stage").is_in(["segment", "features"])).sort("stage").rows()
    assert stages == [("features", "cpu"), ("segment", "gpu")]
    assert seconds_at_once(records, ["segment", "features"]) > 0

    local = [sys.executable, "-m", "flows.preprocess", images, "--config", config, "--output", shared / "local"]
    subprocess.run(list(map(str, local)), cwd=PROJECT, check=True, timeout=600, capture_output=True)
    tables = [pl.read_parquet(shared / name / "features" / "*.parquet") for name in ("out", "local")]
    assert len(tables[0]) > 300
    assert_frame_equal(*tables, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_an_empty_queue_at_once(
    slurm: Slurm, shared: Path, number: signal.Signals, status: int
) -> None:
    with preprocess(shared, slurm.cluster_file(shared)) as process:
        wait_until(lambda: any(job["state"] == "RUNNING" for job in slurm.squeue()), seconds=120, process=process)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == status, printed
        assert slurm.squeue() == []


@pytest.mark.slow
def test_a_killed_run_leaves_an_empty_queue_within_two_minutes(slurm: Slurm, shared: Path) -> None:
    with preprocess(shared, slurm.cluster_file(shared)) as process:
        wait_until(lambda: any(job["state"] == "RUNNING" for job in slurm.squeue()), seconds=120, process=process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: slurm.squeue() == [], seconds=120)
    wait_until(lambda: not _watchdogs(shared), seconds=60)
    assert not list((shared / "jobs").glob("scip-flows-*"))


def _watchdogs(shared: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "infra.clusters.watchdog" in (process.info["cmdline"] or ()) and str(shared) in str(process.info)
    ]
