"""What a batch system and its cluster file have to offer before a job is submitted."""

import shlex
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.clusters.addresses import own_address, shared_folder
from infra.clusters.job_states import CANCEL, QUEUE_PROGRAMS, QUEUES, CannotTell, queued_jobs
from infra.clusters.jobs import CLASSES
from infra.clusters.model import Batch
from infra.doctor.check import Check
from infra.doctor.machine import gigabytes
from tasks.core.errors import ConfigError

FOLDER_BYTES = 10**8
"""Certificates are small, logs of jobs may grow."""

QUEUE_LISTS = {
    "slurm": "sinfo -s",
    "pbs": "qstat -Q",
    "sge": "qconf -sql",
    "lsf": "bqueues",
    "oar": "oarnodes",
    "htcondor": "condor_status",
}
"""What lists the queues of a site."""


def check_commands(batch: Batch) -> Check:
    """Check that the commands of the batch system are here and that it answers."""
    submit = shlex.split(CLASSES[batch.kind].submit_command)[0]
    commands = list(dict.fromkeys([submit, CANCEL[batch.kind][0], *QUEUE_PROGRAMS[batch.kind]]))
    if missing := [command for command in commands if shutil.which(command) is None]:
        return Check(
            name=f"commands of {batch.kind}",
            ok=False,
            seen=f"not on the PATH: {', '.join(missing)}",
            remedy=f"run this where jobs are submitted from, such as a login node; load your site's module for "
            f"{batch.kind}, or correct `kind` in the cluster file",
        )
    try:
        jobs = queued_jobs(batch.kind)
    except CannotTell as error:
        return Check(
            name=f"commands of {batch.kind}",
            ok=False,
            seen=str(error),
            remedy=f"ask your administrator: {' '.join(QUEUES[batch.kind][0])} does not do what it should",
        )
    return Check(name=f"commands of {batch.kind}", ok=True, seen=f"{', '.join(commands)}; {len(jobs)} jobs of yours")


def check_folder(batch: Batch) -> Check:
    """Check the folder that nodes see, too: certificates of runs lie in it."""
    try:
        folder = shared_folder(batch)
        problem = "".join(_problems(folder))
    except (ConfigError, OSError) as error:
        problem, folder = str(error), batch.folder
    return Check(
        name="shared folder",
        ok=not problem,
        seen=problem or f"{folder}: {gigabytes(shutil.disk_usage(folder).free)}, only you can read it",
        remedy=f"chmod 700 {folder}, or name as `folder` in the cluster file one that you can write, with "
        f"{FOLDER_BYTES / 1e9:.1f} GB or more free, which nodes see under the same path",
    )


def _problems(folder: Path) -> Iterator[str]:
    status = folder.stat()
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield f"{folder}: others may look into it (mode {stat.S_IMODE(status.st_mode):o}), there are certificates in it"
        return
    probe = folder / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield f"{folder}: it cannot be written: {error.strerror}"
        return
    if (free := shutil.disk_usage(folder).free) < FOLDER_BYTES:
        yield f"{folder}: {gigabytes(free)}"


def check_address(batch: Batch) -> Check:
    """Check that this machine has an address for nodes; whether they reach it, only they can tell."""
    try:
        address = own_address(batch.interface)
    except ConfigError as error:
        return Check(name="address for nodes", ok=False, seen=str(error), remedy="correct `interface`: see ip address")
    return Check(name="address for nodes", ok=True, seen=address)


CHECKS = (check_commands, check_folder, check_address)


def check_batch(batch: Batch) -> Sequence[Check]:
    """Check what jobs of a cluster depend on."""
    return [check(batch) for check in CHECKS]
