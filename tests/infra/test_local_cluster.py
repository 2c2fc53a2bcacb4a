"""A running local cluster: resources, devices, encryption, the loopback only, and signals that workers ignore."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Client
from distributed.deploy.spec import SpecCluster

from infra.clusters.model import Local
from infra.fork_server import FORKS
from infra.running import DASK_SETTINGS, local_cluster, settle_resources
from tasks.core.errors import ConfigError

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[SpecCluster]:
    """Start a cluster as on a machine with one GPU; no task here touches it."""
    with dask.config.set(DASK_SETTINGS), local_cluster(workers=1, gpus=1, segment={"GPU": 1}, memory=2**31) as running:
        yield running


@pytest.fixture(scope="module")
def client(cluster: SpecCluster) -> Iterator[Client]:
    with Client(cluster, set_as_default=False) as connected:
        yield connected


def devices() -> tuple[str | None, int]:
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.getpid()


def test_workers_carry_cpu_or_gpu_and_a_task_goes_where_its_resource_is(client: Client) -> None:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    assert sorted(str(worker["resources"]) for worker in workers) == ["{'CPU': 1.0}", "{'GPU': 1.0}"]
    assert {worker["nthreads"] for worker in workers} == {1}
    seen = {name: client.submit(devices, resources={name: 1}, pure=False).result() for name in ("CPU", "GPU")}
    assert seen["GPU"][0] == "0"
    assert seen["CPU"][0] == os.environ.get("CUDA_VISIBLE_DEVICES")
    assert seen["CPU"][1] != seen["GPU"][1]


def test_a_stage_that_no_worker_can_run_is_refused(client: Client) -> None:
    settled = settle_resources(
        client, cluster=Local(), needed={"mask": {"CPU": 1}, "segment": "auto"}, devices={"segment": {"gpu"}}
    )
    assert settled == {"mask": {"CPU": 1}, "segment": {"GPU": 1}}
    with pytest.raises(ConfigError, match=r"run\.resources\.segment: .*\{GPU: 1, CPU: 1\}"):
        settle_resources(client, cluster=Local(), needed={"segment": {"GPU": 1, "CPU": 1}}, devices={})


def test_everything_listens_on_the_loopback_only(cluster: SpecCluster, client: Client) -> None:
    assert client.submit(os.getpid).result() != os.getpid()
    assert len(cluster.workers) == 2
    here = psutil.Process()
    listening = {
        connection.laddr.ip
        for process in [here, *here.children(recursive=True)]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_strangers_are_refused(cluster: SpecCluster) -> None:
    address = cluster.scheduler_address
    assert address.startswith("tls://127.0.0.1:")
    with pytest.raises(OSError, match=r"Timed out|closed"):
        Client(address.replace("tls://", "tcp://"), timeout="2s", set_as_default=False)


def test_what_workers_are_forked_from_has_no_thread_whose_locks_they_would_inherit_and_no_gpu() -> None:
    code = (
        "import os, sys, infra.forked; "
        "print(len(os.listdir('/proc/self/task')), {'cupy', 'cucim', 'onnxruntime', 'torch'} & set(sys.modules), "
        "'libcuda' in open('/proc/self/maps').read())"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "1 set() False"  # a GPU that a process has begun to use is of no use to its forks


@pytest.mark.skipif(not FORKS, reason="workers are forked on Linux")
def test_workers_outlive_a_signal_to_the_process_that_they_are_forked_from(client: Client) -> None:
    def parent() -> tuple[int, int]:
        return os.getpid(), os.getppid()

    pid, server = client.submit(parent, resources={"GPU": 1}, pure=False).result()
    assert server != os.getpid()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(server, number)
    time.sleep(0.3)
    assert client.submit(parent, resources={"GPU": 1}, pure=False).result() == (pid, server)


def test_workers_have_the_environment_of_now(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.submit(os.getpid, pure=False).result()  # what they are forked from runs by now
    monkeypatch.setenv("SCIP_FLOWS_TRY", "late")
    with (
        local_cluster(workers=1, gpus=0, segment="auto", memory=2**31) as late,
        Client(late, set_as_default=False) as connected,
    ):
        assert connected.submit(os.getenv, "SCIP_FLOWS_TRY").result() == "late"


def test_workers_ignore_signals_to_the_process_group_and_log_errors_only(client: Client) -> None:
    def level() -> int:
        return logging.getLogger("distributed").getEffectiveLevel()

    pid = client.submit(os.getpid, resources={"GPU": 1}, pure=False).result()
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.3)
    assert client.submit(os.getpid, resources={"GPU": 1}, pure=False).result() == pid
    assert client.submit(level, resources={"GPU": 1}, pure=False).result() == logging.ERROR
