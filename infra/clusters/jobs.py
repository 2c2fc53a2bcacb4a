"""From a pool to the jobs of a batch system."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dask_jobqueue.core import Job
from dask_jobqueue.slurm import SLURMJob

from infra.clusters.model import Batch
from infra.clusters.pool import Pool

WORKER_CLASS = ("--worker-class", "infra.pool_worker.PoolWorker")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A class of dask-jobqueue and what its jobs are made with."""

    cls: type[Job]
    options: Mapping[str, Any]


def job_spec(
    batch: Batch,
    pool: Pool,
    *,
    run: str,
    security: Any,
    shared: Path,
    environment: Mapping[str, str],  # noqa: ANN401
) -> JobSpec:
    resources = ",".join(f"{name}={amount:g}" for name, amount in pool.offer.items())
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1") | dict(environment)
    lifetime = ["--lifetime", f"{pool.lifetime.total_seconds():.0f}s"]
    stagger = ["--lifetime-stagger", f"{pool.stagger.total_seconds():.0f}s"]
    walltime = int(pool.walltime.total_seconds())
    return JobSpec(
        cls=SLURMJob,
        options={
            "queue": pool.queue,
            "cores": pool.workers,
            "job_cpu": pool.cores,
            "processes": pool.workers,
            "memory": f"{pool.worker_memory * pool.workers} B",
            "job_mem": f"{pool.memory // 2**20}M",
            "walltime": f"{walltime // 3600}:{walltime // 60 % 60:02}:{walltime % 60:02}",
            "job_extra_directives": [*pool.directives, *([f"--gres=gpu:{pool.gpus}"] if pool.gpus else [])],
            "job_script_prologue": [*(f"export {name}={value}" for name, value in variables.items()), *pool.prologue],
            "worker_extra_args": ["--resources", resources, "--no-dashboard", *WORKER_CLASS, *lifetime, *stagger],
            "protocol": "tls://",
            "security": security,
            "job_name": f"scip-{run}-{pool.name}",
            "log_directory": str(shared / "logs"),
            "death_timeout": "600",
        },
    )
