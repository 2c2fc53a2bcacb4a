"""What a method needs of a GPU is loaded before the first field, and what is missing there is no field's fault."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tasks.core.errors import NoGpuError
from tasks.core.registry import Part
from tasks.segment import devices as module
from tasks.segment import gpu
from tasks.segment.config import Segment
from tasks.segment.registry import segmenters
from tasks.segment.rehearsal import _rehearse
from tasks.segment.task import segment_partition
from tests.running import Run
from tests.segment.test_stage import config

METHODS = ("watershed", "seeded_watershed", "threshold")


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    _rehearse.cache_clear()
    yield
    _rehearse.cache_clear()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Methods that were called, with their devices; all are on the processor."""
    made: list[tuple[str, str]] = []

    def watched(part: Part[Any, Any]) -> Any:  # noqa: ANN401
        def find(image: Any, *, device: str = "cpu", **given: Any) -> Any:  # noqa: ANN401
            made.append((given["config"].method, device))
            return part.function(image, **given)

        return find

    for name in METHODS:
        part = segmenters[name]
        own = Part(config=part.config, function=watched(part), plain=part.plain, gpu=lambda: "")
        monkeypatch.setitem(segmenters._parts, name, own)
    return made


def test_each_method_is_rehearsed_once_on_a_gpu_and_never_on_a_processor(calls: list[tuple[str, str]]) -> None:
    spots = {"method": "threshold", "channel": "DNA", "within": "nucleus", "threshold": 5000.0}
    objects = {entry.name: entry.model_dump(exclude={"name"}, by_alias=True) for entry in config().objects}
    entries = Segment.model_validate({"objects": objects | {"spots": spots}}).objects
    for device in ("cpu", "gpu", "gpu"):
        for entry in entries:
            entry.load(device=device)
    assert calls == [(name, "gpu") for name in METHODS]


@pytest.mark.usefixtures("calls")
def test_kernels_that_cannot_be_compiled_are_the_workers_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("NVRTC_ERROR_COMPILATION")

    def watershed(image: object, *, device: str = "cpu", **_: object) -> None:
        del image, device
        gpu.gpu_operations()

    part = segmenters["watershed"]
    failing: Part[Any, Any] = Part(config=part.config, function=watershed, gpu=lambda: "")
    monkeypatch.setitem(segmenters._parts, "watershed", failing)
    monkeypatch.setattr(gpu, "gpu_operations", fail)
    monkeypatch.setattr(module, "count_gpus", lambda: 1)
    tifffile.imwrite(tmp_path / "field.tif", np.full((16, 16), 7, dtype=np.uint16))
    objects = {"nucleus": {"method": "watershed", "channel": "DNA"}}
    sections = {"load": {"channels": {"DNA": 0}}, "segment": {"objects": objects}}
    run = Run.of(sections, inputs=[tmp_path / "field.tif"], output=tmp_path / "out")
    given = {"partition": run.partitions[0], "source": run.source, "config": run.config.segment}
    with pytest.raises(NoGpuError, match=r"cannot load object 'nucleus' .* on a GPU.*NVRTC_ERROR_COMPILATION"):
        run.do(segment_partition, devices={"nucleus": "gpu"}, **given)
