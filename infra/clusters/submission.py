"""A job of a batch system as an entry of Dask's cluster: submitted when it starts, cancelled when it is closed."""

import asyncio
import re
from time import monotonic

from dask_jobqueue.core import Job
from distributed.deploy.spec import ProcessInterface

from infra.clusters.job_states import CannotTell, Kind, cancel
from infra.clusters.jobs import JobSpec

SUBMIT_SECONDS = 60.0
"""How long a batch system may take to accept a job. One that it accepts later is cancelled by name."""

AT_A_TIME = 4
"""Jobs that are submitted at the same time."""

GATHER_SECONDS = 0.05
"""In which numbers of jobs are gathered that one command then cancels."""


class BatchSystem:
    """What all submissions of a cluster share.

    Parameters
    ----------
    kind
        Of batch system.
    """

    def __init__(self, kind: Kind) -> None:
        self.gate = asyncio.Semaphore(AT_A_TIME)
        self.closed = False
        """Whether the run is over, so that nothing more is submitted."""
        self._kind = kind
        self._numbers: list[str] = []
        self._flush: asyncio.Task[None] | None = None

    async def cancel(self, number: str) -> None:
        """Cancel a job, together with those that are cancelled at the same time."""
        self._numbers.append(number)
        if self._flush is None:
            self._flush = asyncio.ensure_future(self._cancel_gathered())
        await self._flush

    async def _cancel_gathered(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        numbers, self._numbers, self._flush = self._numbers, [], None
        try:
            await asyncio.to_thread(cancel, self._kind, numbers)
        except CannotTell:
            return  # all that is left is cancelled by name at the end


class Submission(ProcessInterface):
    """A job.

    Parameters
    ----------
    scheduler
        Address that its workers connect to.
    name
        Of its workers, with a number added where there are several.
    spec
        What it consists of.
    system
        What it is submitted to.
    """

    def __init__(self, scheduler: str, name: str, *, spec: JobSpec, system: BatchSystem) -> None:
        super().__init__(scheduler=scheduler, name=name)  # type: ignore[no-untyped-call]
        self._job = spec.cls(scheduler, name=name, **spec.options)
        self._system = system
        self.number: str | None = None
        """By which the batch system calls it, as soon as it has accepted it."""
        self.submitted = monotonic()
        """When that was."""
        self.rejection: str | None = None
        """Why it has not accepted it, in its own words."""

    async def start(self) -> None:
        """Submit it; a rejection is noted, not raised: it would leave Dask's cluster in disorder."""
        try:
            async with self._system.gate:
                if self._system.closed:
                    self.rejection = "the run is over"
                else:
                    await asyncio.wait_for(self._job.start(), SUBMIT_SECONDS)
                    self.number = self._job.job_id
        except TimeoutError:
            self.rejection = f"{self._job.submit_command} did not answer within {SUBMIT_SECONDS:.0f} s"
        except (RuntimeError, OSError, ValueError) as error:
            self.rejection = words(str(error))
        self.submitted = monotonic()
        await super().start()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Cancel it."""
        if self.number is not None:
            await self._system.cancel(self.number)
        await super().close()  # type: ignore[no-untyped-call]


class Rejected(Exception):  # noqa: N818 - an answer of the batch system
    """The batch system did not accept a job; in its own words."""


def submit(job: Job) -> str:
    """Submit a job that belongs to no cluster of Dask's, and return its number as text.

    Raises
    ------
    Rejected
        It was not accepted, or not within `SUBMIT_SECONDS`.
    """
    try:
        asyncio.run(asyncio.wait_for(job.start(), SUBMIT_SECONDS))
    except TimeoutError as error:
        raise Rejected(f"{job.submit_command} did not answer within {SUBMIT_SECONDS:.0f} s") from error
    except (RuntimeError, OSError, ValueError) as error:
        raise Rejected(words(str(error))) from error
    return str(job.job_id)


def words(message: str) -> str:
    """Return what the batch system printed, of the message of dask-jobqueue."""
    printed = re.search(r"stdout:\n(.*)\nstderr:\n(.*)", message, flags=re.DOTALL)
    return " ".join((printed[2].strip() or printed[1].strip() if printed else message).split())
