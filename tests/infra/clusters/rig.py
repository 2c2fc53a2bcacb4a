"""A scheduler with jobs of pools, and the certificates of both."""

from collections.abc import Mapping
from pathlib import Path

from distributed import Scheduler
from distributed.deploy.spec import SpecCluster
from distributed.security import Security

from infra.clusters.jobs import JobSpec


def certificates(folder: Path) -> Security:
    """Write temporary certificates to files, which the command lines of workers can name."""
    folder.mkdir(mode=0o700)
    temporary = Security.temporary()
    names: dict[str, str] = {}
    for name in ("tls_ca_file", *(f"tls_{role}_{part}" for role in ROLES for part in ("cert", "key"))):
        path = folder / f"{name}.pem"
        path.write_text(getattr(temporary, name), encoding="utf-8")
        names[name] = str(path)
    return Security(require_encryption=True, **names)


ROLES = ("client", "scheduler", "worker")


def cluster_of(jobs: Mapping[str, JobSpec], *, security: Security) -> SpecCluster:
    """Start a scheduler on the loopback, and a job of each name."""
    workers = {
        name: {
            "cls": job.cls,
            "options": job.options,
            **({"group": [f"-{number}" for number in range(count)]} if (count := job.options["processes"]) > 1 else {}),
        }
        for name, job in jobs.items()
    }
    listens = {"host": "127.0.0.1", "protocol": "tls://", "port": 0, "security": security, "dashboard": False}
    scheduler = {"cls": Scheduler, "options": listens | {"dashboard_address": "127.0.0.1:0"}}
    return SpecCluster(workers=workers, scheduler=scheduler, security=security)
