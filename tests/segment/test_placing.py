"""Where labels lie that methods get: on a processor in the host's memory, whatever found them. The GPU is played."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tasks.core.registry import Part, Parts
from tasks.core.types import AnyArray
from tasks.segment import Segment, cpu, segment_image
from tasks.segment import devices as module
from tasks.segment import gpu as gpu_module
from tasks.segment.devices import choose_devices, gpu_obstacles
from tasks.segment.registry import segmenters
from tests.segment.two_devices import METHODS


class OnGpu:
    """An array in the memory of a GPU: numpy can do nothing with it."""

    __array_ufunc__ = None

    def __init__(self, host: AnyArray) -> None:
        self.host = host

    def __array__(self, *_: object, **__: object) -> None:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in ("shape", "size", "dtype", "max"):
            return getattr(self.host, name)
        raise AttributeError(name)

    def astype(self, dtype: type, **_: object) -> "OnGpu":
        return OnGpu(self.host.astype(dtype))


OnGpu.__module__ = "cupy"


class Operations:
    """What the stage does with arrays on a GPU."""

    def to_host(self, array: AnyArray | OnGpu) -> AnyArray:
        return array.host if isinstance(array, OnGpu) else array

    def raster_order(self, labels: OnGpu) -> OnGpu:
        return OnGpu(cpu.raster_order(labels.host))

    def relabel(self, labels: OnGpu, *, numbers: AnyArray) -> OnGpu:
        return OnGpu(cpu.relabel(labels.host, numbers=numbers))

    def at_frame(self, labels: OnGpu) -> AnyArray:
        return cpu.at_frame(labels.host)


@pytest.fixture(autouse=True)
def _either_leaves_its_objects_on_a_gpu(
    install: Callable[[str, Parts[Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(METHODS, segmenters)
    part = segmenters["either"]

    def either(image: AnyArray, *, device: str = "cpu", **given: Any) -> Any:  # noqa: ANN401
        labels = part.function(image, **given)
        return OnGpu(labels) if device == "gpu" else labels

    own: Part[Any, Any] = Part(config=part.config, function=either, gpu=lambda: "")
    monkeypatch.setitem(segmenters._parts, "either", own)
    monkeypatch.setattr(gpu_module, "gpu_operations", Operations)
    monkeypatch.setattr(module, "count_gpus", lambda: 1)


OBJECTS = {
    "nucleus": {"method": "either", "channel": "DNA"},
    "cell": {"method": "expand", "from": "nucleus", "distance": 2},
    "cytoplasm": {"method": "subtract", "from": "cell", "remove": "nucleus"},
    "matched": {"method": "labels", "files": "{stem}.png", "match": "nucleus"},
    "spots": {"method": "threshold", "channel": "DNA", "threshold": 5, "sigma": 0, "within": "nucleus"},
    "specks": {"method": "either", "channel": "DNA", "within": "cell"},
}
IMAGE = np.zeros((1, 12, 12), dtype=np.uint16)
IMAGE[0, 2, 3], IMAGE[0, 11, 11] = 9, 9


def test_what_comes_after_objects_on_a_gpu_is_what_it_is_after_those_of_a_processor() -> None:
    config = Segment.model_validate({"border": "keep", "objects": OBJECTS})
    on_cpu = dict.fromkeys(config.names, "cpu")
    on_gpu = on_cpu | {"nucleus": "gpu", "specks": "gpu"}
    given = {"matched": np.pad(np.ones((3, 3), dtype=np.uint8), ((2, 7), (2, 7)))}
    ours, theirs = (
        segment_image(IMAGE, channels=["DNA"], config=config, devices=devices, given=given)  # type: ignore[arg-type]
        for devices in (on_gpu, on_cpu)
    )
    for name in config.names:
        assert theirs.labels[name].any()
        assert_array_equal(ours.labels[name], theirs.labels[name])
    for name in ("spots", "specks"):
        assert theirs.parents[name][0] == 1
        assert_array_equal(ours.parents[name], theirs.parents[name])


def test_subtraction_demands_nothing_of_a_gpu() -> None:
    own = {name: OBJECTS[name] for name in ("nucleus", "cell", "cytoplasm")}
    config = Segment.model_validate({"device": "gpu", "objects": own})
    obstacles = gpu_obstacles(config)
    assert obstacles == {"nucleus": ""}
    assert choose_devices(config, obstacles=obstacles) == {"nucleus": "gpu", "cell": "cpu", "cytoplasm": "cpu"}
