"""The Slurm of the tests: its nodes are as far apart as those of a cluster."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from infra.clusters.find import find_cluster
from infra.clusters.model import Batch
from tests.slurm.rig import PROJECT, SCRIPTS, Slurm, run, start_slurm

pytestmark = pytest.mark.slurm

CONNECT = 'timeout 5 bash -c "exec 3<>/dev/tcp/{host}/{port}" 2>/dev/null && echo reached || echo not reached'


@pytest.fixture
def apart(slurm: Slurm) -> Slurm:
    if not slurm.is_apart:
        pytest.skip("nodes share this machine's network and /tmp: namespaces are root's")
    return slurm


@contextmanager
def other_slurm(home: Path, *, port: int) -> Iterator[dict[str, str]]:
    place = {"SLURM_TEST_DIR": str(home), "SLURM_TEST_PORT": str(port)}
    try:
        yield start_slurm(place)
    finally:
        run(SCRIPTS / "stop", "--purge", seconds=120, variables=place)


def test_a_job_of_partition_gpu_has_the_gpu_that_it_asks_for(slurm: Slurm, shared: Path) -> None:
    lines = ("echo $CUDA_VISIBLE_DEVICES $SLURMD_NODENAME",)
    assert slurm.output(*lines, folder=shared, options=("--gres=gpu:1",), partition="gpu") == "0 g1\n"
    assert slurm.output(*lines, folder=shared) in {"c1\n", "c2\n"}


def test_a_job_reaches_this_machine_by_its_address_but_not_by_the_loopback(apart: Slurm, shared: Path) -> None:
    with ExitStack() as stack:
        ports = {
            host: stack.enter_context(socket.create_server((host, 0))).getsockname()[1]
            for host in ("127.0.0.1", apart.address)
        }
        lines = [CONNECT.format(host=host, port=port) for host, port in ports.items()]
        assert apart.output(*lines, folder=shared).splitlines() == ["not reached", "reached"]


def test_a_node_has_a_name_processes_and_temporary_folders_of_its_own(
    apart: Slurm, shared: Path, tmp_path: Path
) -> None:
    (tmp_path / "here").touch()
    lines = (
        "hostname",
        f"test -e /proc/{os.getpid()}/fd && echo process",
        f"test -e {tmp_path} && echo local folder",
        "test -w /tmp && test -w /dev/shm && echo temporary folders",
        f"test -w {PROJECT}/infra && test -w {shared} && echo shared folders",
    )
    printed = apart.output(*lines, folder=shared, options=("--nodelist=c2",)).splitlines()
    assert printed == ["c2", "temporary folders", "shared folders"]


def test_files_in_tmp_stay_on_their_node(apart: Slurm, shared: Path) -> None:
    assert "mine" in apart.output("touch /tmp/mine; ls /tmp", folder=shared, options=("--nodelist=c1",)).split()
    again = 'test -e /tmp/mine && echo "$SLURMD_NODENAME"; true'
    assert apart.output(again, folder=shared, options=("--nodelist=c1",)) == "c1\n"
    assert apart.output(again, folder=shared, options=("--nodelist=c2",)) == ""
    assert not Path("/tmp/mine").exists()  # noqa: S108


@pytest.mark.slow
def test_a_job_that_exceeds_its_walltime_is_ended(slurm: Slurm, shared: Path) -> None:
    job = slurm.submit("sleep 300 & wait", folder=shared, options=("--time=1",))
    assert slurm.wait(job, seconds=150) == "TIMEOUT"


def test_what_died_is_started_again_by_another_call(apart: Slurm, shared: Path) -> None:
    before = {name: (apart.home / f"node-{name}.pid").read_text() for name in ("c1", "c2", "g1")}
    os.killpg(int(before["c2"]), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{before['c2'].strip()}/fd/0").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert start_slurm()["SLURM_TEST_ADDRESS"] == apart.address
    after = {name: (apart.home / f"node-{name}.pid").read_text() for name in ("c1", "c2", "g1")}
    assert {name for name in before if before[name] != after[name]} == {"c2"}
    assert apart.output("hostname", folder=shared, options=("--nodelist=c2",)) == "c2\n"


@pytest.mark.usefixtures("apart")
def test_several_run_side_by_side_and_leave_nothing_when_they_stop() -> None:
    home = Path("/var/tmp/scip-slurm-second")  # noqa: S108
    with other_slurm(home, port=17500) as variables:
        assert run("squeue", "--noheader", variables=variables) == ""
        nodes = [int((home / f"node-{name}.pid").read_text()) for name in ("c1", "c2", "g1")]
        assert [Path(f"/run/netns/scip17500{name}").exists() for name in ("c1", "c2", "g1")] == [True] * 3
        assert "scip17500" in run("ip", "link")
    assert [process for process in nodes if Path(f"/proc/{process}/fd/0").exists()] == []
    assert list(Path("/run/netns").glob("scip17500*")) == []
    assert "scip17500" not in run("ip", "link")
    assert not home.exists()
    assert str(home) not in run("ps", "-eo", "args")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not make namespaces")
def test_without_namespaces_nodes_are_together_and_this_is_said(slurm: Slurm) -> None:
    home, scripts = Path("/var/tmp/scip-slurm-nobody"), Path("/var/tmp/scip-slurm-nobody-scripts/infra/slurm_test")  # noqa: S108
    shutil.copytree(SCRIPTS, scripts)
    home.mkdir()
    shutil.chown(home, 65534, 65534)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
    place = os.environ | {"SLURM_TEST_DIR": str(home), "SLURM_TEST_PORT": "17600"}
    try:
        started = subprocess.run(
            [*nobody, scripts / "start"], env=place, capture_output=True, text=True, timeout=60, check=False
        )
        assert started.returncode == 0, started.stderr
        assert "nodes share this machine's network and /tmp" in started.stderr
        assert "SLURM_TEST_ADDRESS=127.0.0.1 SLURM_TEST_INTERFACE=lo" in started.stdout
    finally:
        subprocess.run([*nobody, scripts / "stop"], env=place, timeout=60, check=True)
        shutil.rmtree(home)
        shutil.rmtree(scripts.parents[1])
    assert str(home) not in run("ps", "-eo", "args")
    assert slurm.squeue() == []


def test_a_cluster_file_of_its_partitions(slurm: Slurm, shared: Path) -> None:
    file = slurm.cluster_file(shared, pools={"cpu": {"walltime": "1 min"}, "gpu": {}}, ports="40000:40100")
    cluster = find_cluster(str(file))
    assert isinstance(cluster, Batch)
    assert [(pool.name, pool.queue, pool.walltime.total_seconds()) for pool in cluster.pools] == [
        ("cpu", "cpu", 60),
        ("gpu", "gpu", 600),
    ]
    assert cluster.offers == ({"CPU": 1}, {"GPU": 1})
    assert (cluster.interface, cluster.ports, cluster.folder) == (slurm.interface, "40000:40100", shared / "jobs")
