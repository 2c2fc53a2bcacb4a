"""Persisted descriptors of finished tasks: Prefect reads them back by whatever they name, even by pickle."""

import json
from pathlib import Path

from prefect.serializers import JSONSerializer
from pydantic import BaseModel, ConfigDict

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


def discard_foreign(path: Path, *, key: str) -> None:
    """Remove a descriptor that this program's tasks do not write, before Prefect reads it: its task is done again.

    Parameters
    ----------
    path
        Where it is, if there is one.
    key
        Of the result that it should describe.
    """
    try:
        own = _describes(path.read_bytes(), key=key)
    except FileNotFoundError:
        return
    if not own:
        path.unlink(missing_ok=True)


def _describes(content: bytes, *, key: str) -> bool:
    """Whether Prefect reads a `StageResult` of that key from it, by nothing but JSON."""
    try:
        record = _Record.model_validate_json(content)
        parts = json.loads(record.result)
        result = _Result(class_name=parts.pop("__class__"), **parts)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return False
    named = f"{StageResult.__module__}.{StageResult.__qualname__}"
    return record.metadata.serializer == SERIALIZER and result.class_name == named and result.data.key == key
