"""What starts a worker process of this machine and starts it again when it dies, even while it starts."""

from distributed import Nanny
from distributed.core import Status

ATTEMPTS = 4
"""How often a worker process may die, one after the other, before the cluster is given up."""


class PatientNanny(Nanny):
    """Starts the first process again, too: Dask's own ends the cluster when that dies before it is connected."""

    async def instantiate(self) -> Status:
        """Start a worker process, and wait until the scheduler knows it."""
        for _ in range(ATTEMPTS - 1):
            status = await super().instantiate()
            if status == Status.running or self.status not in {Status.init, Status.starting}:
                return status
        return await super().instantiate()
