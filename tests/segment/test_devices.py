"""On which device each object is found: every combination of what is wished, what methods can, and what answers."""

import pickle
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.core.errors import ConfigError, NoGpuError
from tasks.core.registry import Parts
from tasks.segment import devices as module
from tasks.segment.config import Segment
from tasks.segment.devices import NO_GPU, check_gpus, choose_devices, gpu_obstacles
from tasks.segment.registry import segmenters
from tasks.segment.stage import segment_image
from tests.segment.two_devices import METHODS, OBJECTS

IMAGE = np.zeros((1, 9, 9), dtype=np.uint16)


@pytest.fixture(autouse=True)
def _two_methods_with_a_form_for_gpus(
    install: Callable[[str, Parts[Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(METHODS, segmenters)
    monkeypatch.setattr(module, "count_gpus", lambda: 1)


def segment(device: str = "auto", **objects: Any) -> Segment:  # noqa: ANN401
    return Segment.model_validate({"device": device, "objects": objects or OBJECTS})


@pytest.mark.parametrize(
    ("device", "nucleus", "ring"), [*product(("auto", "cpu", "gpu"), ("", "no cupy"), ("", "no torch"))]
)
def test_each_object_is_found_on_the_best_device_that_is_allowed_and_answers(
    device: str, nucleus: str, ring: str
) -> None:
    obstacles = {"nucleus": nucleus, "ring": ring}
    if device == "gpu" and (nucleus or ring):
        with pytest.raises(ConfigError) as caught:
            choose_devices(segment(device), obstacles=obstacles)
        first, *names, last = str(caught.value).splitlines()
        assert first == "segment.device: got 'gpu', expected a GPU that can be used; what keeps it from that:"
        assert names == [f"  {name}: {obstacle}" for name, obstacle in obstacles.items() if obstacle]
        assert last.startswith("set it to auto or cpu, or have the run where there is one")
        return
    chosen = choose_devices(segment(device), obstacles=obstacles)
    assert list(chosen) == ["nucleus", "ring", "rest"]
    assert chosen["rest"] == "cpu"  # its method has no form for a GPU
    for name, obstacle in obstacles.items():
        assert chosen[name] == ("gpu" if device != "cpu" and not obstacle else "cpu")


def test_where_nobody_was_asked_there_is_no_gpu() -> None:
    assert set(choose_devices(segment(), obstacles={}).values()) == {"cpu"}
    with pytest.raises(ConfigError, match=f"nucleus: {NO_GPU}"):
        choose_devices(segment("gpu"), obstacles={})


def test_a_configuration_says_what_it_can_use() -> None:
    assert [segment(device).devices for device in ("auto", "cpu", "gpu")] == [("gpu", "cpu"), ("cpu",), ("gpu",)]


def test_a_gpu_is_refused_where_no_method_has_a_form_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    part = segmenters["either"]
    monkeypatch.setitem(segmenters._parts, "either", type(part)(config=part.config, function=part.function))
    assert segment(nucleus=OBJECTS["nucleus"]).devices == ("cpu",)
    with pytest.raises(ValidationError, match="no method here has a form for one: either; set it to") as caught:
        segment("gpu", nucleus=OBJECTS["nucleus"])
    assert "ring" in str(caught.value).partition("methods that have:")[2]


def test_where_the_driver_finds_none_no_package_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu_obstacles(segment()) == {"nucleus": "", "ring": ""}
    monkeypatch.setenv("OBSTACLE", "no cupy")
    assert gpu_obstacles(segment()) == {"nucleus": "no cupy", "ring": "no cupy"}
    monkeypatch.setattr(module, "count_gpus", lambda: 0)
    assert gpu_obstacles(segment()) == {"nucleus": NO_GPU, "ring": NO_GPU}


def test_functions_are_told_their_device_and_by_default_what_this_process_can_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def areas(device: str, **given: Any) -> list[int]:  # noqa: ANN401
        segmented = segment_image(IMAGE, channels=["DNA"], config=segment(device), **given)
        return [int((labels > 0).sum()) for labels in segmented.labels.values()]

    assert areas("auto") == areas("gpu") == [16, 16, 0]
    assert areas("cpu") == [8, 0, 8]
    assert areas("auto", devices={"nucleus": "gpu", "ring": "cpu", "rest": "cpu"}) == [16, 0, 16]
    monkeypatch.setenv("OBSTACLE", "no cupy")
    assert areas("auto") == [8, 0, 8]
    with pytest.raises(ConfigError, match="nucleus: no cupy"):
        areas("gpu")


def test_a_process_that_lacks_what_was_decided_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    decided = choose_devices(segment(), obstacles=gpu_obstacles(segment()))
    check_gpus(segment(), devices=decided)
    monkeypatch.setenv("OBSTACLE", "no cupy")
    with pytest.raises(NoGpuError, match="cannot find nucleus on a GPU, as the run decided: no cupy"):
        check_gpus(segment(), devices=decided)
    check_gpus(segment(), devices={**decided, "nucleus": "cpu", "ring": "cpu"})


def test_the_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(NoGpuError("node1 cannot", "tls://node1:1")))  # noqa: S301
    assert (str(error), error.worker) == ("node1 cannot", "tls://node1:1")
