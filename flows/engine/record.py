"""run.json: what ran, with what, how it ended."""

import platform
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from flows.engine.flow_run import FlowRunPlace
from flows.engine.preparation import Preparation
from flows.engine.stop import Stopped
from infra.processes import ProcessIdentity
from tasks.core.digest import digest
from tasks.core.file_names import RUN
from tasks.core.manifest import Manifest, read_manifest
from tasks.core.packages import offering_packages
from tasks.core.registry import Device
from tasks.core.storage import read_json, write_json
from tasks.core.storage_errors import StorageError, check_reachable

PACKAGES = (
    "scip-flows", "prefect", "prefect-dask", "dask", "distributed", "numpy", "scipy", "scikit-image", "polars",
    "pyarrow", "tifffile", "numcodecs", "numba",
)  # fmt: skip
GPU_PACKAGES = ("cupy-cuda12x", "cupy-cuda13x", "cucim-cu12", "cucim-cu13", "onnxruntime-gpu")


class Record:
    """Keeps run.json of one run up to date.

    It lists the published files of the last run that published any, until this one begins to publish.
    """

    def __init__(self, preparation: Preparation, *, run_id: str, flow_run: FlowRunPlace) -> None:
        spec = preparation.spec
        self.run_id = run_id
        self._path = spec.output / RUN
        self._content: dict[str, object] = {
            "run": run_id,
            "status": "running",
            "started": _now(),
            "ended": None,
            "inputs": preparation.inputs,
            "example": not spec.inputs,
            "limit": spec.limit,
            "cluster": spec.cluster,
            "device": None if spec.config.segment else "cpu",
            "configuration": spec.config.model_dump(mode="json", by_alias=True),
            "digest": digest(spec.config),
            **flow_run.model_dump(mode="json"),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in PACKAGES} | dict(_gpu_versions()) | offering_packages(),
        }
        before = _read(self._path)
        self._files = read_manifest(before)
        self._devices_before = before.get("devices")
        self._write()

    def found_on(self, devices: Mapping[str, Device], *, tell: Callable[[str], None]) -> None:
        """Record on which device each object of fields is found, and tell if the run before had it otherwise."""
        device = "gpu" if "gpu" in devices.values() else "cpu"
        config = self._content["digest"]
        self._content |= {"device": device, "devices": dict(devices), "digest": digest(config, devices)}
        self._write()
        before = self._devices_before if isinstance(self._devices_before, dict) else {}
        if changed := [name for name in devices if before.get(name, devices[name]) != devices[name]]:
            then, now = before[changed[0]].upper(), devices[changed[0]].upper()
            tell(
                f"segment: the run before found {', '.join(changed)} on a {then}, this one does on a "
                f"{now}; segmentation is made anew, and what follows from it"
            )

    def publishing(self) -> None:
        """Record that published files are being replaced: what is there does not belong together."""
        self._files = None
        self._content |= {"status": "publishing"}
        self._write()

    def published(self, files: Manifest) -> None:
        """Remember what was published; it is written with how the run ends."""
        self._files = files

    def done(self, summary: BaseModel, *, hardware: Mapping[str, Collection[str]]) -> None:
        """Record the end of a run that went well, and by stage on which kinds of processors its results were made."""
        kinds = {stage: sorted(kinds) for stage, kinds in hardware.items()}
        self._end("done", summary=summary.model_dump(mode="json"), hardware=kinds)

    def ended(self, error: BaseException) -> None:
        """Record why a run did not come to its end, as far as the disk lets it: that reason is what counts."""
        status, more = _ending(error)
        if self._content["status"] != "done":  # what comes afterwards changes nothing of what was published
            with suppress(StorageError):
                self._end(status, error=more)

    def _end(self, status: str, **more: object) -> None:
        self._content |= {"status": status, "ended": _now(), **more}
        self._write()

    def _write(self) -> None:
        check_reachable(self._path.parent / "work")
        files = {name: file.model_dump() for name, file in (self._files or {}).items()}
        write_json(self._path, self._content | {"files": files if self._files is not None else None})


def record_end(output: Path, error: Exception) -> None:
    """Let run.json say why this process's run was ended, whatever that made the run fail with."""
    path = output / RUN
    content = _read(path)
    try:
        process = ProcessIdentity.model_validate({name: content.get(name) for name in ProcessIdentity.model_fields})
    except ValidationError:  # none yet, or one of an earlier version
        return
    if process.is_this and content["status"] != "done":
        status, more = _ending(error)
        with suppress(StorageError):
            write_json(path, content | {"status": status, "ended": _now(), "error": more})


def _gpu_versions() -> Iterator[tuple[str, str]]:
    for name in GPU_PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def _ending(error: BaseException) -> tuple[str, dict[str, str]]:
    cancelled = isinstance(error, Stopped) or not isinstance(error, Exception)  # Ctrl-C in a notebook, say
    message = str(error) or ("interrupted" if cancelled else "")
    return "cancelled" if cancelled else "failed", {"type": type(error).__name__, "message": message}


def _read(path: Path) -> dict[str, Any]:
    """Read what another run, or this one, has written; nothing where that cannot be read."""
    with suppress(OSError, ValueError):
        return read_json(path)
    return {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
