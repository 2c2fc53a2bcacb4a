"""A worker that at the end of its life ends what it is at, before it goes."""

import asyncio
from time import monotonic

import dask
from distributed import Worker
from distributed.core import Status

LOOK_SECONDS = 0.1

GRACE = "scip-flows.grace"
"""Dask's name of the seconds that a worker has for that: DASK_SCIP_FLOWS__GRACE in its environment."""


class LastingWorker(Worker):
    """A worker whose task is not lost when its lifetime is over.

    Dask's own gives up the task that it is at: another worker begins it anew at once, and what was done is lost, every
    time that a job ends. This one takes no more tasks, gives back those that wait for it, and goes when the one it is
    at is done, at the latest when grace is over; then that one, too, is begun anew elsewhere. For Dask it left as it
    should, so that nothing is held against the task.
    """

    async def close_gracefully(self, restart: bool | None = None, reason: str = "worker-close-gracefully") -> None:  # noqa: FBT001 - Dask's signature
        """Leave."""
        if self.status not in {Status.running, Status.paused}:
            await super().close_gracefully(restart=restart, reason=reason)
            return
        self.status = Status.closing_gracefully  # tells the scheduler, and begins nothing
        for task in [*self.state.ready, *self.state.constrained]:
            back = {"op": "reschedule", "key": task.key, "worker": self.address, "stimulus_id": f"lifetime-{task.key}"}
            self.batched_send(back)
        end = monotonic() + float(dask.config.get(GRACE, 0.0))
        while self.state.executing_count and monotonic() < end:  # noqa: ASYNC110 - Dask has no event for it
            await asyncio.sleep(LOOK_SECONDS)
        await self.scheduler.retire_workers(
            workers=[self.address], close_workers=False, remove=True, stimulus_id=f"lifetime-{self.address}"
        )
        await self.close(nanny=not (self.lifetime_restart if restart is None else restart), reason=reason)
