"""The scheduler that a run has in its own process, whatever its workers are."""

from typing import Any

from distributed import Scheduler
from distributed.security import Security


def scheduler_spec(*, host: str, port: int, security: Security) -> dict[str, Any]:
    """Describe a scheduler that speaks TLS, as Dask's clusters have it; port 0 is any that is free.

    Without Dask's dashboard, whose address nobody is told, there is no bokeh to import.
    """
    options = {
        "host": host,
        "port": port,
        "protocol": "tls://",
        "security": security,
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    }
    return {"cls": Scheduler, "options": options}
