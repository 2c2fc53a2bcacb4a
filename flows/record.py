"""run.json: what ran, with what, how it ended."""

import os
import platform
import socket
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from flows.config import Config
from flows.summary import Summary
from tasks.core.digest import digest
from tasks.core.storage import write_json

PACKAGES = (
    "scip-flows", "prefect", "prefect-dask", "dask", "distributed", "numpy", "scipy", "scikit-image", "polars",
    "pyarrow", "tifffile", "numcodecs",
)  # fmt: skip


class Record:
    """Keeps run.json of one run up to date."""

    def __init__(
        self, output: Path, *, run: str, config: Config, inputs: list[str], cluster: str, limit: int | None
    ) -> None:
        self._path = output / "run.json"
        self._content: dict[str, object] = {
            "run": run,
            "status": "running",
            "started": _now(),
            "ended": None,
            "inputs": inputs,
            "limit": limit,
            "cluster": cluster,
            "device": "cpu",
            "configuration": config.model_dump(mode="json", by_alias=True),
            "digest": digest(config),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in PACKAGES},
        }
        write_json(self._path, self._content)

    def done(self, summary: Summary) -> None:
        """Record the end of a run that went well."""
        self._end("done", summary=summary.model_dump(mode="json"))

    def failed(self, error: BaseException) -> None:
        """Record why a run did not come to its end."""
        self._end("failed", error={"type": type(error).__name__, "message": str(error)})

    def _end(self, status: str, **more: object) -> None:
        self._content |= {"status": status, "ended": _now(), **more}
        write_json(self._path, self._content)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
