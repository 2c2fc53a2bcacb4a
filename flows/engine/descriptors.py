"""Persisted descriptors of finished tasks: Prefect reads them back by whatever they name, even by pickle."""

import json
from pathlib import Path

from prefect.serializers import JSONSerializer
from pydantic import BaseModel, ConfigDict

from tasks.core.storage import write_json
from tasks.core.work import Frozen, StageResult

SERIALIZER = JSONSerializer().model_dump(mode="json")


class _Metadata(BaseModel):
    """How Prefect is to read the result; a stored block could name another way."""

    model_config = ConfigDict(extra="ignore")
    serializer: dict[str, object]
    storage_block_id: None


class _Record(Frozen):
    metadata: _Metadata
    result: str


class _Result(BaseModel):
    class_name: str
    data: StageResult


def settle_descriptor(path: Path, *, folder: Path) -> None:
    """Remove a descriptor that this program's tasks do not write, before Prefect reads it: its task is done again.

    One that names the same result in another folder, since the output folder was moved, is told of the new place.

    Parameters
    ----------
    path
        Where it is, if there is one.
    folder
        Of the result that it should describe.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    known = _described(content)
    if known is None or known.key != folder.name:
        path.unlink(missing_ok=True)
    elif known.folder != str(folder):
        moved = JSONSerializer().dumps(known.model_copy(update={"folder": str(folder)})).decode()
        write_json(path, json.loads(content) | {"result": moved})


def _described(content: bytes) -> StageResult | None:
    """Return what Prefect would read, if it is a `StageResult` and read by nothing but JSON."""
    try:
        record = _Record.model_validate_json(content)
        parts = json.loads(record.result)
        result = _Result(class_name=parts.pop("__class__"), **parts)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    named = f"{StageResult.__module__}.{StageResult.__qualname__}"
    return result.data if record.metadata.serializer == SERIALIZER and result.class_name == named else None
