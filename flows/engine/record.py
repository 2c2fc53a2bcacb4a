"""run.json: what ran, with what, how it ended."""

import os
import platform
import socket
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel

from flows.engine.preparation import Preparation
from tasks.core.digest import digest
from tasks.core.file_names import RUN
from tasks.core.storage import read_json, write_json

PACKAGES = (
    "scip-flows", "prefect", "prefect-dask", "dask", "distributed", "numpy", "scipy", "scikit-image", "polars",
    "pyarrow", "tifffile", "numcodecs",
)  # fmt: skip


class Record:
    """Keeps run.json of one run up to date."""

    def __init__(self, preparation: Preparation, *, run_id: str) -> None:
        spec = preparation.spec
        self.run_id = run_id
        self._path = spec.output / RUN
        self._content: dict[str, object] = {
            "run": run_id,
            "status": "running",
            "started": _now(),
            "ended": None,
            "inputs": preparation.inputs,
            "limit": spec.limit,
            "cluster": spec.cluster,
            "device": "cpu",
            "configuration": spec.config.model_dump(mode="json", by_alias=True),
            "digest": digest(spec.config),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in PACKAGES},
        }
        write_json(self._path, self._content)

    def done(self, summary: BaseModel) -> None:
        """Record the end of a run that went well."""
        self._end("done", summary=summary.model_dump(mode="json"))

    def failed(self, error: BaseException) -> None:
        """Record why a run did not come to its end."""
        self._end("failed", error={"type": type(error).__name__, "message": str(error)})

    def _end(self, status: str, **more: object) -> None:
        self._content |= {"status": status, "ended": _now(), **more}
        write_json(self._path, self._content)


def record_stop(output: Path) -> None:
    """Let run.json say that this process's run was stopped, whatever the signal made the run fail with."""
    path = output / RUN
    content = read_json(path) if path.is_file() else {}
    if content.get("process") == os.getpid() and content["status"] in {"running", "failed"}:
        write_json(path, content | {"status": "stopped", "ended": _now(), "error": None})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
