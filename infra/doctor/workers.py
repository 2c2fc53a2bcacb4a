"""What the workers of a scheduler that runs already tell, as checks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from distributed import Client

from infra.clusters.check import check_cluster
from infra.clusters.model import Address
from infra.doctor.check import Check
from infra.doctor.machine import check_computing, node_gpus, node_scratch, same_packages, same_python
from infra.doctor.nodes import sees
from infra.doctor.probe import Report, look_around
from infra.running import security_of
from tasks.core.errors import RunError

CONNECT_SECONDS = 20
"""How long scheduler and workers may take to answer."""

MOST_HOSTS = 8
"""Hosts are alike; of many, some are asked."""


def check_scheduler(cluster: Address, *, here: Report, paths: Sequence[Path]) -> Iterator[Check]:
    """Check a scheduler, and a worker of each host that it has workers on."""
    try:
        check_cluster(cluster, workers=None, needed={}, devices={})  # Dask would try again and again
        with Client(
            cluster.address, security=security_of(cluster), timeout=CONNECT_SECONDS, set_as_default=False
        ) as client:
            workers = client.scheduler_info(n_workers=-1)["workers"]
            yield Check(
                name="scheduler",
                ok=len(workers) > 0,
                seen=f"{cluster.address} has {len(workers)} workers",
                remedy=f"start some: dask worker {cluster.address} --nthreads 1 --resources CPU=1",
            )
            hosts = {str(worker["host"]): address for address, worker in workers.items()}
            chosen = list(hosts.values())[:MOST_HOSTS]
            names = [str(path.absolute()) for path in paths]
            reports = client.run(look_around, workers=chosen, paths=names, on_error="return") if chosen else {}
    except (RunError, OSError, ValueError) as error:
        yield Check(
            name="scheduler",
            ok=False,
            seen=f"{cluster.address}: {str(error) or type(error).__name__}",
            remedy="start it, or correct the address; for tls:// name `tls_ca_file` and `tls_cert` in a cluster file",
        )
        return
    for address, report in reports.items():
        gpus = int(workers[address].get("resources", {}).get("GPU", 0))
        yield from _of_worker(address, report, gpus=gpus, here=here)


def _of_worker(address: str, report: Report | BaseException, *, gpus: int, here: Report) -> Iterator[Check]:
    name = f"worker {address}"
    if isinstance(report, BaseException):
        yield Check(
            name=name,
            ok=False,
            seen=f"{type(report).__name__}: {report}",
            remedy="have this project, in this version, in the Python of the workers, and start them again",
        )
        return
    checks = [same_python(here, report), same_packages(here, report), node_scratch(report), *sees(report)]
    checks += [node_gpus(report, asked=gpus)] if gpus else []
    checks += check_computing(report)
    for check in checks:
        yield Check(name=f"{name}: {check.name}", ok=check.ok, seen=check.seen, remedy=check.remedy)
