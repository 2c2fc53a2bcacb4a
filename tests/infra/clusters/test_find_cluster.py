"""What --cluster may say, and which resources it offers, without any cluster."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.clusters.check import check_cluster, local_pools, worker_count
from infra.clusters.find import find_cluster
from infra.clusters.model import Address, Batch, Local
from infra.resources import Asked, Offer, resolve, settle
from tasks.core.errors import ConfigError, RunError

PROJECT = Path(__file__).resolve().parents[3]


def test_local_is_a_name() -> None:
    assert find_cluster("local") == Local()


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("tcp://localhost:8786", "localhost", 8786), ("tls://10.0.0.7:443", "10.0.0.7", 443), ("tcp://[::1]:1", "::1", 1)],
)
def test_address_of_a_scheduler(address: str, host: str, port: int) -> None:
    cluster = find_cluster(address)
    assert cluster == Address(address=address)
    assert isinstance(cluster, Address)
    assert cluster.host_and_port == (host, port)


@pytest.mark.parametrize(
    "address", ["http://host:8786", "tcp://host", "tcp://:8786", "tls://host:port", "tcp://h:99999"]
)
def test_address_that_is_none(address: str) -> None:
    with pytest.raises(ConfigError, match=r"--cluster:[^/]+got '.*'; expected .* such as tls://host:8786"):
        find_cluster(address)


def test_file_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "kind: address\naddress: tls://host:8786\ntls_ca_file: ca.pem\ntls_cert: me.pem\n", encoding="utf-8"
    )
    assert find_cluster(str(file)) == Address(address="tls://host:8786", tls_ca_file="ca.pem", tls_cert="me.pem")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: locl", "mine.yaml: kind: got 'locl'; allowed: local, address, slurm, .*; did you mean 'local'"),
        ("kind: [local]", r"kind: got \[local\]; allowed: local, address, slurm, "),
        ("workers: 3", "kind: got nothing; allowed: local, address, slurm, "),
        ("kind: local\nworker: 3", "worker: unknown key; allowed: .*; did you mean 'workers'"),
        ("kind: local\nworkers: 0", "workers: got 0; expected at least 1"),
        ("kind: [", "cannot be read as YAML"),
        ("- local", r"mine.yaml: got \[local\]; expected keys and values"),
    ],
)
def test_file_that_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"(?s){words}"):
        find_cluster(str(file))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("memory: 64", "pools.cpu.memory: got 64 bytes; expected a job's memory with its unit, such as 64 GB"),
        ("memory: 64 BG", "pools.cpu.memory: got '64 BG'; expected a size with its unit, such as 64 GB"),
        ("cores: 4", "pools.cpu.memory: this key is missing (of a job, such as 64 GB; "),
        ("memory: 4 GB, core: 4", "pools.cpu.core: unknown key; allowed: name, queue, cores, "),
        ("memory: 4 GB, minimum: 3, maximum: 2", "pools.cpu.minimum: got 3; expected at most the maximum, 2"),
        ("memory: 4 GB, walltime: soon", "pools.cpu.walltime: got 'soon'; expected a time such as 90 min, 2 h or "),
        ("memory: 4 GB, ports: 40100:40000", "pools.cpu.ports: got '40100:40000'; expected a range of ports such as "),
        ("memory: 4 GB, cores: 4, ports: '1:7'", "pools.cpu.ports: got 7 of them; expected 8 or more: each of the 4 "),
        (
            "memory: 4 GB, gpu_directive: '--gpus={n}'",
            "pools.cpu.gpu_directive: got '--gpus={n}'; expected text with {",
        ),
        ("memory: 4 GB, resources: {TP U: 1}", "pools.cpu.resources"),
    ],
)
def test_pool_that_is_wrong(tmp_path: Path, lines: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"kind: slurm\npools: {{cpu: {{{lines}}}}}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        find_cluster(str(file))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [("pbs", "qos", "high"), ("pbs", "memory_per_core", "true"), ("sge", "qos", "high"), ("htcondor", "queue", "long")],
)
def test_what_a_batch_system_cannot_be_asked_for_is_refused(tmp_path: Path, kind: str, field: str, value: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"kind: {kind}\npools: {{cpu: {{memory: 4 GB, {field}: {value}}}}}", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"pools.cpu.{field}: got '?{value}'?, for which {kind} has no option; expec"):
        find_cluster(str(file))


def test_a_folder_that_directives_cannot_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("kind: lsf\nfolder: /my home\npools: {cpu: {memory: 4 GB}}", encoding="utf-8")
    with pytest.raises(ConfigError, match="folder: got '/my home'; expected a path without blanks"):
        find_cluster(str(file))


def test_unknown_name() -> None:
    with pytest.raises(ConfigError, match=r"got 'Lokal', which is no file; .*did you mean 'local'"):
        find_cluster("Lokal")


def test_number_of_workers_comes_from_the_command_then_the_file_then_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.clusters.check.own_cores", lambda: 7)
    assert worker_count(Local(workers=3), 5) == 5
    assert worker_count(Local(workers=3), None) == 3
    assert worker_count(Local(), None) == 7


def local(*, workers: int, gpus: int, segment: Asked) -> list[tuple[str, int, Offer, int]]:
    pools = local_pools(workers=workers, gpus=gpus, memory=3 * 10**9, segment=segment)
    return [(pool.name, pool.workers, pool.offer, pool.worker_memory) for pool in pools]


def test_without_gpu_every_worker_takes_the_segmentations_resource() -> None:
    asked: Asked = {"GPU": 1}
    assert local(workers=3, gpus=0, segment=asked) == [("cpu", 3, {"CPU": 1, "GPU": 1}, 3 * 10**9)]
    assert local(workers=3, gpus=0, segment="auto") == [("cpu", 3, {"CPU": 1}, 3 * 10**9)]
    assert local(workers=3, gpus=0, segment={"GPU": 0}) == [("cpu", 3, {"CPU": 1}, 3 * 10**9)]


def test_each_gpu_is_a_worker_of_its_own() -> None:
    expected = [("cpu", 1, {"CPU": 1}, 3 * 10**9), ("gpu", 2, {"GPU": 1}, 3 * 10**9)]
    assert local(workers=1, gpus=2, segment={"GPU": 1}) == expected


@pytest.mark.parametrize(
    ("devices", "offers", "needs"),
    [
        (("cpu",), [{"CPU": 1}, {"GPU": 1}], {"CPU": 1}),
        (("cpu", "gpu"), [{"CPU": 1}, {"GPU": 1}], {"GPU": 1}),
        (("cpu", "gpu"), [{"CPU": 1}, {"CPU": 1}], {"CPU": 1}),
        (("gpu",), [{"CPU": 1}, {"GPU": 1}], {"GPU": 1}),
        (("gpu",), [{"CPU": 1}], {"GPU": 1}),
    ],
)
def test_auto_is_a_gpu_where_the_method_can_use_one_and_a_worker_has_one(
    devices: tuple[str, ...], offers: list[dict[str, float]], needs: dict[str, float]
) -> None:
    assert resolve("auto", devices=devices, offers=offers) == needs
    assert resolve({"TPU": 2}, devices=devices, offers=offers) == {"TPU": 2}


def test_resources_must_be_offered_by_one_and_the_same_worker() -> None:
    offers = [{"CPU": 1.0}, {"GPU": 1.0}]
    needed: dict[str, Asked] = {"mask": {"CPU": 1}, "segment": "auto", "files": {}}
    settled = settle(needed, offers=offers, devices={"segment": ("cpu", "gpu")})
    assert settled == {"mask": {"CPU": 1}, "segment": {"GPU": 1}, "files": {}}
    with pytest.raises(ConfigError) as caught:
        settle({**needed, "segment": {"GPU": 1, "CPU": 1}, "features": {"CPU": 2}}, offers=offers, devices={})
    assert str(caught.value).splitlines() == [
        "run.resources.segment: no worker of the cluster offers {GPU: 1, CPU: 1}",
        "run.resources.features: no worker of the cluster offers {CPU: 2}",
        "the workers offer {CPU: 1} or {GPU: 1}",
    ]


DEMANDED = "segment.device: got 'gpu', but no worker of the cluster offers {GPU: 1}"


@pytest.mark.parametrize("asked", ["auto", {"GPU": 1.0}])
def test_a_gpu_that_is_demanded_has_to_be_offered_and_asked_for(asked: Asked) -> None:
    demanded, both = {"segment": ("gpu",)}, [{"CPU": 1.0}, {"GPU": 1.0}]
    assert settle({"segment": asked}, offers=both, devices=demanded) == {"segment": {"GPU": 1}}
    with pytest.raises(ConfigError) as caught:
        settle({"segment": asked}, offers=both[:1], devices=demanded)
    assert str(caught.value).splitlines() == [
        f"{DEMANDED}; set it to auto or cpu, or have the run where there is a GPU",
        "the workers offer {CPU: 1}",
    ]
    with pytest.raises(ConfigError, match=r"got 'gpu', but run\.resources\.segment is \{CPU: 1\}; leave that out"):
        settle({"segment": {"CPU": 1}}, offers=both, devices=demanded)


@pytest.mark.parametrize("asked", ["auto", {"GPU": 1}])
def test_a_gpu_that_is_demanded_of_a_machine_without_one_is_told_before_anything_is_started(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> None:
        check_cluster(Local(), workers=1, needed={"segment": asked}, devices={"segment": ("gpu",)})

    monkeypatch.setattr("infra.clusters.check.count_gpus", lambda: 1)
    check()
    monkeypatch.setattr("infra.clusters.check.count_gpus", lambda: 0)
    with pytest.raises(ConfigError, match=re.escape(DEMANDED)):
        check()


def test_a_cluster_without_workers_offers_nothing() -> None:
    with pytest.raises(ConfigError, match="the workers offer nothing: there is none"):
        settle({"mask": {"CPU": 1}}, offers=[], devices={})


def test_a_scheduler_that_does_not_answer_is_told_before_anything_is_started() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(RunError, match=f"no Dask scheduler answers at {address}: Connection refused"):
        check_cluster(find_cluster(address), workers=None, needed={}, devices={})


def test_a_scheduler_that_answers_is_let_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        check_cluster(find_cluster(address), workers=None, needed={"mask": {"TPU": 1}}, devices={})


def test_a_local_cluster_is_checked_without_starting_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.clusters.check.count_gpus", lambda: 1)
    with pytest.raises(ConfigError, match=r"run\.resources\.mask: .* \{CPU: 2\}"):
        check_cluster(Local(), workers=2, needed={"mask": {"CPU": 2}}, devices={})
    check_cluster(Local(), workers=2, needed={"mask": {"CPU": 1}, "segment": {"GPU": 1}}, devices={})


def test_finding_a_cluster_imports_neither_prefect_nor_dask() -> None:
    heavy = "{'prefect', 'distributed', 'numba', 'polars'}"
    code = f"import sys, infra.clusters.check, infra.clusters.find, infra.api_server; print({heavy} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_what_no_pool_offers_is_refused_with_the_pools_named() -> None:
    pools = {"cpu": {"memory": "4 GB"}, "fat": {"memory": "64 GB", "resources": {"FAT": 1}}}
    batch = Batch.model_validate({"kind": "slurm", "pools": pools})
    with pytest.raises(ConfigError) as caught:
        check_cluster(batch, workers=None, needed={"segment": {"GPU": 1}}, devices={})
    assert str(caught.value).splitlines() == [
        "run.resources.segment: no worker of the cluster offers {GPU: 1}",
        "the workers offer {CPU: 1, FAT: 1} (pool fat) or {CPU: 1} (pool cpu)",
    ]
    with pytest.raises(ConfigError, match=re.escape(DEMANDED)):
        check_cluster(batch, workers=None, needed={"segment": "auto"}, devices={"segment": ("gpu",)})
    check_cluster(batch, workers=None, needed={"segment": "auto"}, devices={"segment": ("gpu", "cpu")})
