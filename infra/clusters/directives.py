"""What each batch system is asked for, in the words of its manual."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from math import ceil
from pathlib import Path

from infra.clusters.pool import Pool

MIB = 2**20
"""All of these systems count memory in powers of two, whatever they call them."""


def job_name(pool: Pool, *, run: str) -> str:
    """Name the jobs of a pool, so that they are recognized in the queue."""
    return f"{job_prefix(run=run)}{pool.name}"


def job_prefix(*, run: str) -> str:
    """Return what the names of all jobs of a run begin with."""
    return f"scip-{run}-"


def directives(kind: str, pool: Pool, *, run: str, logs: Path) -> tuple[str, ...]:
    """Ask a batch system for a job of a pool, which is never started a second time: another one takes its place.

    Parameters
    ----------
    kind
        Of the batch system, as in a cluster file.
    run
        Identity of the run, part of the job's name.
    logs
        Folder of what jobs print, seen by nodes under the same path.

    Returns
    -------
    Options without the mark of a directive; for HTCondor commands such as ``request_cpus = 4``. The pool's own
    directives come last.
    """
    return (*SYSTEMS[kind](pool, job_name(pool, run=run), logs), *pool.directives)


def _slurm(pool: Pool, name: str, logs: Path) -> list[str]:
    """sbatch(1)."""
    memory = "--mem-per-cpu={mib_per_core}M" if pool.memory_per_core else "--mem={mib}M"
    return [
        f"--job-name={name}",
        f"--output={logs}/{name}-%j.log",
        *_given("--partition={}", pool.queue),
        *_given("--account={}", pool.account),
        *_given("--qos={}", pool.qos),
        "--ntasks=1",
        *_resources(pool, cores="--cpus-per-task={cores}", memory=memory, gpus="--gres=gpu:{gpus}"),
        f"--time={_clock(pool.walltime)}",
        "--no-requeue",
    ]


def _pbs(pool: Pool, name: str, logs: Path) -> list[str]:
    """qsub(1B) of OpenPBS: all resources of a node are in one chunk."""
    chunk = _resources(pool, cores="ncpus={cores}", memory="mem={mib}mb", gpus="ngpus={gpus}")
    return [
        f"-N {name}",
        f"-o {logs}/",
        "-j oe",
        "-S /bin/bash",
        *_given("-q {}", pool.queue),
        *_given("-A {}", pool.account),
        f"-l {':'.join(['select=1', *chunk])}",
        f"-l walltime={_clock(pool.walltime)}",
        "-r n",
    ]


def _sge(pool: Pool, name: str, logs: Path) -> list[str]:
    """qsub(1) of Grid Engine: sites name parallel environments and resources as they like; memory is by slot."""
    cores = "-pe smp {cores}" if pool.cores > 1 else ""
    return [
        f"-N {name}",
        f"-o {logs}/{name}-$JOB_ID.log",
        "-j y",
        "-S /bin/bash",
        *_given("-q {}", pool.queue),
        *_given("-P {}", pool.account),
        *_resources(pool, cores=cores, memory="-l mem_free={mib_per_core}M", gpus="-l gpu={gpus}"),
        f"-l h_rt={_clock(pool.walltime)}",
        "-r n",
    ]


def _lsf(pool: Pool, name: str, logs: Path) -> list[str]:
    """bsub(1) of LSF 10.1: a run limit is hours and minutes; memory is a limit of the job and a reservation."""
    reserved = "{mib_per_core}" if pool.memory_per_core else "{mib}"
    minutes = ceil(pool.walltime / timedelta(minutes=1))
    return [
        f"-J {name}",
        f"-o {logs}/{name}-%J.log",
        *_given("-q {}", pool.queue),
        *_given("-P {}", pool.account),
        *_given("-sla {}", pool.qos),
        *_resources(
            pool,
            cores='-n {cores} -R "span[hosts=1]"',
            memory=f'-M {{mib}}MB -R "rusage[mem={reserved}MB]"',
            gpus='-gpu "num={gpus}:j_exclusive=yes"',
        ),
        f"-W {minutes // 60}:{minutes % 60:02}",
        "-rn",
    ]


def _oar(pool: Pool, name: str, logs: Path) -> list[str]:
    """oarsub(1): a GPU comes with its cores, and each site has its own property for memory, or none."""
    place = "/nodes=1/gpu={gpus}" if pool.gpus else "/nodes=1/core={cores}"
    asked = pool.gpu_directive if pool.gpus else pool.core_directive
    return [
        f"-n {name}",
        f"-O {logs}/{name}-%jobid%.log",
        f"-E {logs}/{name}-%jobid%.err",
        *_given("-q {}", pool.queue),
        *_given("--project {}", pool.account),
        f"-l {','.join([*_filled(pool, asked, usual=place), f'walltime={_clock(pool.walltime)}'])}",
        *_filled(pool, pool.memory_directive, usual=""),
    ]


def _htcondor(pool: Pool, name: str, logs: Path) -> list[str]:
    """condor_submit(1): there is no walltime, and evicted or held jobs stay in the queue, unless removed."""
    overdue = f"(JobStatus == 2 && time() - EnteredCurrentStatus > {ceil(pool.walltime.total_seconds())})"
    return [
        f"batch_name = {name}",
        f"output = {logs}/{name}-$(ClusterId).log",
        f"error = {logs}/{name}-$(ClusterId).log",
        "stream_output = true",
        "stream_error = true",
        "transfer_executable = false",
        *_given("accounting_group = {}", pool.account),
        *_resources(
            pool, cores="request_cpus = {cores}", memory="request_memory = {mib}MB", gpus="request_gpus = {gpus}"
        ),
        f"request_disk = {ceil(pool.memory / MIB)}MB",
        f"periodic_remove = {overdue} || (JobStatus == 1 && NumJobStarts > 0) || JobStatus == 5",
    ]


SYSTEMS: Mapping[str, Callable[[Pool, str, Path], list[str]]] = {
    "slurm": _slurm,
    "pbs": _pbs,
    "sge": _sge,
    "lsf": _lsf,
    "oar": _oar,
    "htcondor": _htcondor,
}


def _resources(pool: Pool, *, cores: str, memory: str, gpus: str) -> list[str]:
    """Ask for cores, memory and GPUs in the system's usual words, or in those of the site."""
    return [
        *_filled(pool, pool.core_directive, usual=cores),
        *_filled(pool, pool.memory_directive, usual=memory),
        *(_filled(pool, pool.gpu_directive, usual=gpus) if pool.gpus else []),
    ]


def _filled(pool: Pool, directive: str | None, *, usual: str) -> list[str]:
    text = (usual if directive is None else directive).format(
        cores=pool.cores,
        mib=ceil(pool.memory / MIB),
        mib_per_core=ceil(pool.memory / pool.cores / MIB),
        gpus=pool.gpus,
    )
    return [text] if text else []


def _given(directive: str, value: str | None) -> list[str]:
    return [] if value is None else [directive.format(value)]


def _clock(time: timedelta) -> str:
    """Write hours, which may be more than a day's, minutes and seconds; parts of a second are rounded up."""
    minutes, seconds = divmod(ceil(time.total_seconds()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
