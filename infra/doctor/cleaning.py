"""What runs left behind that died together with those who watch over them: jobs in the queue, certificates."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.clusters.addresses import shared_folder
from infra.clusters.directives import job_prefix
from infra.clusters.job_states import QueuedJob, cancel, queued_jobs
from infra.clusters.model import Batch
from infra.clusters.run_folder import RunFolder, run_folders

NAME = re.compile(job_prefix(run="(?P<run>[^-]+)") + ".+")
"""Of jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What is there of a run.

    Parameters
    ----------
    jobs
        In the queue.
    folder
        With its certificates; None where it is gone.
    """

    run: str
    jobs: Sequence[QueuedJob]
    folder: RunFolder | None

    @property
    def is_dead(self) -> bool | None:
        """Whether its client is gone; None where this machine cannot tell."""
        if self.folder is not None and self.folder.abandoned:
            return True
        owner = self.folder.owner if self.folder else None
        return False if owner and owner.is_here else None

    def __str__(self) -> str:
        owner = self.folder.owner if self.folder else None
        where = f" from {owner.host}, process {owner.process}" if owner else ""
        return f"run {self.run}{where}: {len(self.jobs)} jobs in the queue, {self._certificates}"

    @property
    def _certificates(self) -> str:
        return f"certificates in {self.folder.path}" if self.folder else "no certificates"


def leftovers(batch: Batch) -> list[Leftover]:
    """List all runs, live ones included, that have jobs in the queue or a folder.

    Raises
    ------
    CannotTell
        The batch system does not answer.
    ConfigError
        The cluster's folder cannot be made.
    """
    jobs: dict[str, list[QueuedJob]] = {}
    for job in queued_jobs(batch.kind):
        if name := NAME.fullmatch(job.name):
            jobs.setdefault(name["run"], []).append(job)
    folders = {
        folder.owner.run if folder.owner else folder.path.name: folder for folder in run_folders(shared_folder(batch))
    }
    return [Leftover(run=run, jobs=jobs.get(run, ()), folder=folders.get(run)) for run in sorted({*jobs, *folders})]


def clean(batch: Batch, *, run: str | None, confirm: Callable[[Leftover], bool], tell: Callable[[str], None]) -> None:
    """Cancel the jobs of dead runs and remove their certificates.

    Parameters
    ----------
    run
        Only this run, be its client alive or not; None: all whose client is gone.
    confirm
        Asks whether to clean up after a run.
    tell
        Takes lines for the user.

    Raises
    ------
    CannotTell
        The batch system does not answer.
    """
    for leftover in leftovers(batch):
        if run not in {None, leftover.run}:
            continue
        if run is None and leftover.is_dead is None:
            tell(f"left alone: {leftover}; if it runs no more, which this machine cannot tell: --run {leftover.run}")
        elif run is None and not leftover.is_dead:
            tell(f"left alone: {leftover}; it still runs")
        elif confirm(leftover):
            cancel(batch.kind, [job.number for job in leftover.jobs])
            if leftover.folder is not None:
                shutil.rmtree(leftover.folder.path, ignore_errors=True)
            tell(f"cleaned up: {leftover}")
