"""A rehearsal launches every kernel that a field needs: what cupy compiles on the way is compiled before."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tasks.core.types import AnyArray
from tasks.segment import rehearsal
from tasks.segment.config import Segment
from tasks.segment.gpu import GpuOperations
from tasks.segment.methods import seeded_watershed, threshold, watershed
from tasks.segment.registry import segmenters
from tests.segment.cuda.host_kernels import HostKernels

OBJECTS: dict[str, dict[str, object]] = {
    "nucleus": {"method": "watershed", "channel": "DNA", "diameter": 16},
    "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus", "max_distance": 9},
    "spots": {"method": "threshold", "channel": "DNA", "within": "nucleus"},
}
CHANNELS = ("DNA", "RNA")


class Watched:
    """Kernels on the processor that note which of them were launched."""

    def __init__(self, kernels: HostKernels) -> None:
        self.xp: Any = np
        self.launched: set[str] = set()
        self._kernels = kernels

    def launch(self, name: str, arguments: Sequence[Any], *, grid: tuple[int, int], block: tuple[int, int]) -> None:
        self.launched.add(name)
        self._kernels.launch(name, arguments, grid=grid, block=block)


@pytest.fixture
def watched(kernels: HostKernels, monkeypatch: pytest.MonkeyPatch) -> Watched:
    own = Watched(kernels)
    for module in (rehearsal, seeded_watershed, threshold, watershed):
        monkeypatch.setattr(module, "operations_for", lambda _: GpuOperations(own))
    for module in (seeded_watershed, threshold, watershed):
        monkeypatch.setattr(module, "on_device", lambda array, **_: np.ascontiguousarray(array))
    rehearsal._rehearse.cache_clear()
    return own


@pytest.mark.parametrize("options", [{}, {"threshold": "local"}])
def test_a_field_needs_no_kernel_that_was_not_rehearsed(
    field: AnyArray, watched: Watched, options: dict[str, str]
) -> None:
    objects = {name: own | options for name, own in OBJECTS.items()}
    config = Segment.model_validate({"objects": objects})
    for entry in config.objects:
        entry.load(device="gpu")
    rehearsed = set(watched.launched)
    labels: dict[str, AnyArray] = {}
    for entry in config.objects:
        find = segmenters.function(entry, device="gpu")
        labels[entry.name] = find(field, labels=labels, config=entry, channels=CHANNELS)
        assert labels[entry.name].any()
    assert watched.launched == rehearsed
