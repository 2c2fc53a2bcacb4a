"""The normalization as a step between the file and the measurement."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tasks.core.transforms import Metadata
from tasks.core.types import AnyArray, FloatArray
from tasks.core.work import StageResult
from tasks.normalize.reuse import SCALING
from tasks.normalize.scaling import GroupScaling, Scaling, apply, apply_levels


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizationRef:
    """Where the scaling of pixels is, and its digest.

    Parameters
    ----------
    file
        The scaling, as JSON.
    identity
        Its digest.
    """

    file: str
    identity: str
    stage: ClassVar[str] = "normalize"

    @classmethod
    def of(cls, result: StageResult) -> "NormalizationRef":
        """Refer to what a task has found or taken over."""
        return cls(file=str(result.file(SCALING)), identity=result.content)

    def _read(self) -> Scaling:
        return Scaling.model_validate_json(Path(self.file).read_text(encoding="utf-8"))

    def open(self) -> Callable[[AnyArray, Metadata], AnyArray]:
        """Return a function that scales images."""
        scaling = self._read()
        return lambda image, metadata: apply(image, _group(scaling, metadata), transform=scaling.transform)

    def open_levels(self) -> Callable[[FloatArray, Metadata], FloatArray]:
        """Return a function that puts levels on the scale of the pixels."""
        scaling = self._read()
        return lambda levels, metadata: apply_levels(levels, _group(scaling, metadata), transform=scaling.transform)


def _group(scaling: Scaling, metadata: Metadata) -> GroupScaling:
    return scaling.of({name: metadata.get(f"meta__{name}") or "" for name in scaling.group_by})
