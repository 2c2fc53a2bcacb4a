"""From a pool to dask-jobqueue's job: its class, its options, its script."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

from dask_jobqueue.core import Job
from dask_jobqueue.htcondor import HTCondorJob
from dask_jobqueue.lsf import LSFJob
from dask_jobqueue.oar import OARJob
from dask_jobqueue.pbs import PBSJob
from dask_jobqueue.sge import SGEJob
from dask_jobqueue.slurm import SLURMJob
from distributed.security import Security

from infra.clusters.directives import directives, job_name
from infra.clusters.model import Batch
from infra.clusters.pool import Pool

CONNECT_SECONDS = 900
"""A worker that reaches no scheduler for so long ends itself; on a new kind of node it compiles kernels before."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Each worker has one core; what these count would be multiplied by the number of workers."""


class BashHTCondorJob(HTCondorJob):
    """Runs in bash, as the jobs of the other systems do."""

    executable = "/bin/bash"


CLASSES: Mapping[str, type[Job]] = {
    "slurm": SLURMJob,
    "pbs": PBSJob,
    "sge": SGEJob,
    "lsf": LSFJob,
    "oar": OARJob,
    "htcondor": BashHTCondorJob,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What starts a job: ``cls(scheduler=address, name=worker_name, **options)``.

    A job of several workers names them ``worker_name-0``, ``worker_name-1``, ….
    """

    cls: type[Job]
    options: dict[str, Any]


def job_spec(
    batch: Batch, pool: Pool, *, run: str, security: Security | None, shared: Path, environment: Mapping[str, str]
) -> JobSpec:
    """Make ready what jobs of a pool need in `shared`, and describe them; see `describe_job`.

    Parameters
    ----------
    environment
        Variables for the workers. They may be secrets, such as PREFECT_API_AUTH_STRING: they are neither in the script,
        which the batch system shows to others, nor on a command line, but in a file that only this user may read.
    """
    shared.mkdir(parents=True, exist_ok=True, mode=0o700)
    (shared / "logs").mkdir(exist_ok=True)  # batch systems do not make it
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environment.items())]
    file = _environment_file(shared)
    temporary = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as writing:
        writing.writelines(lines)
    temporary.replace(file)
    return describe_job(batch, pool, run=run, security=security, shared=shared)


def describe_job(batch: Batch, pool: Pool, *, run: str, security: Security | None, shared: Path) -> JobSpec:
    """Describe the jobs of a pool.

    Every option is given, and all that dask-jobqueue would write into a script's head is left out in favor of our own
    directives: so nothing comes from the user's jobqueue.yaml, which is about other jobs.

    Parameters
    ----------
    run
        Identity of the run, part of the jobs' names.
    security
        With the paths of certificates; None: without TLS.
    shared
        Folder of the run that nodes see under the same path: variables for the workers, job logs.
    """
    asked = directives(batch.kind, pool, run=run, logs=shared / "logs")
    options: dict[str, Any] = {
        "job_name": job_name(pool, run=run),
        "cores": pool.workers,  # one thread for each process; the job asks for the pool's
        "processes": pool.workers,
        "memory": pool.worker_memory * pool.workers,
        "nanny": True,
        "protocol": "" if security is None else "tls://",
        "interface": pool.interface or "",
        "death_timeout": CONNECT_SECONDS,
        "local_directory": '"$TMPDIR"',
        "worker_command": "distributed.cli.dask_worker",
        "worker_extra_args": _worker_arguments(pool, security=security),
        "job_script_prologue": _prologue(pool, shared=shared),
        "job_directives_skip": ["#"],
        "job_extra_directives": list(asked),
        "log_directory": ".",  # which exists: the directives say where logs are
        "shebang": "#!/bin/bash",
        "python": f"exec {pool.python or shlex.quote(sys.executable)}",  # signals are for the worker, not its shell
    }
    return JobSpec(cls=CLASSES[batch.kind], options=options | _own(batch.kind, options))


def job_script(spec: JobSpec, *, scheduler: str, name: str) -> str:
    """Write what is submitted for the job whose workers have this name and connect to the scheduler's address."""
    script: str = spec.cls(scheduler=scheduler, name=name, **spec.options).job_script()
    return script


def _own(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options that only one of the classes has."""
    if kind == "lsf":
        return {"use_stdin": True}  # the script need not exist on the node
    if kind == "oar":
        return {"memory_per_core_property_name": "not_applicable"}
    if kind == "htcondor":
        commands = (command.partition("=") for command in options["job_extra_directives"])
        return {
            "disk": 1,
            "submit_command_extra": [],
            "cancel_command_extra": [],
            "job_directives_skip": HTCONDOR_COMMANDS,
            "job_extra_directives": {name.strip(): value.strip() for name, _, value in commands},
            "shebang": "#!/usr/bin/env condor_submit",
            # It is one line of a command.
            "job_script_prologue": [line for line in options["job_script_prologue"] if not line.startswith("#")],
        }
    return {}


HTCONDOR_COMMANDS = (
    *("MY.DaskWorkerName", "batch_name", "RequestCpus", "RequestMemory", "RequestDisk", "MY.JobId"),
    *("MY.DaskWorkerCores", "MY.DaskWorkerMemory", "MY.DaskWorkerDisk", "LogDirectory", "Output", "Error", "Log"),
    *("Stream_Output", "Stream_Error"),
)
"""What dask-jobqueue writes into HTCondor's scripts of its own accord."""


def _worker_arguments(pool: Pool, *, security: Security | None) -> list[str]:
    """Arguments of ``dask worker``, as a shell reads them."""
    resources = ",".join(f"{name}={amount:g}" for name, amount in pool.offer.items())
    tls = {} if security is None else security.get_tls_config_for_role("worker")
    if any("\n" in (tls.get(key) or "\n") for key in ("ca_file", "cert", "key") if tls):
        raise ValueError("expected paths of certificate, key and authority; a key itself would be in every job script")
    return [
        *(f"--tls-{key.replace('_', '-')} {shlex.quote(tls[key])}" for key in ("ca_file", "cert", "key") if tls),
        *("--resources", shlex.quote(resources)),
        *("--lifetime", f"{floor(pool.lifetime.total_seconds())}s"),
        *("--lifetime-stagger", f"{floor(pool.stagger.total_seconds())}s"),
        "--no-lifetime-restart",
        *(("--worker-port", pool.ports, "--nanny-port", pool.ports) if pool.ports else ()),
        "--no-dashboard",
        *("--dashboard-address", "127.0.0.1:0"),  # a page about the worker's health is there even so
        *("--worker-class", "infra.pool_worker.PoolWorker"),
        *("--preload", "infra.worker"),
    ]


def _prologue(pool: Pool, *, shared: Path) -> list[str]:
    """Lines of shell before the workers start: the site's own, then what they must not change."""
    return [
        *pool.prologue,
        f". {shlex.quote(str(_environment_file(shared)))} || exit 1",
        f"export {' '.join(f'{name}=1' for name in ONE_THREAD)}",
        f'export TMPDIR="{pool.scratch or "${TMPDIR:-/tmp}"}"',
        'mkdir -p "$TMPDIR"',
    ]


def _environment_file(shared: Path) -> Path:
    return shared / "environment.sh"
