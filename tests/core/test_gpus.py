"""Counting GPUs asks the driver alone, and never fails."""

import ctypes
import sys
from importlib.metadata import distributions
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.core.gpus import CUDA, IDENTITY, count_gpus, cupy_obstacle, gpu_name, onnx_obstacle


class Driver:
    """Answers as libcuda does."""

    def __init__(self, *, status: int, devices: int) -> None:
        self._status = status
        self._devices = devices

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's name
        assert flags == 0
        return self._status

    def cuDeviceGetCount(self, count: object) -> int:  # noqa: N802 - the driver's name
        count._obj.value = self._devices  # type: ignore[attr-defined] # what ctypes.byref points to
        return 0

    def cuDeviceGetName(self, name: Any, length: object, device: object) -> int:  # noqa: ANN401, N802
        del length, device
        name.value = b"NVIDIA H200"
        return 0 if self._devices else 101


@pytest.mark.parametrize(("status", "devices", "expected"), [(0, 3, 3), (0, 0, 0), (100, 2, 0)])
def test_the_drivers_answer_counts_unless_it_cannot_start(
    monkeypatch: pytest.MonkeyPatch, status: int, devices: int, expected: int
) -> None:
    driver = {"libcuda.so.1": Driver(status=status, devices=devices)}
    monkeypatch.setattr(ctypes, "CDLL", driver.__getitem__)
    assert count_gpus() == expected
    assert gpu_name() == ("NVIDIA H200" if expected else "")


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert (count_gpus(), gpu_name()) == (0, "")


def cupy(*, devices: int, answer: object) -> SimpleNamespace:
    def arange(count: int) -> SimpleNamespace:
        assert count == 3
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(sum=lambda: answer)

    runtime = SimpleNamespace(getDeviceCount=lambda: devices)
    return SimpleNamespace(cuda=SimpleNamespace(runtime=runtime), arange=arange)


@pytest.mark.parametrize(
    ("module", "obstacle"),
    [
        (cupy(devices=1, answer=3), ""),
        (cupy(devices=0, answer=3), "cupy sees no GPU"),
        (cupy(devices=1, answer=RuntimeError("no kernel image")), "cupy does not work: RuntimeError: no kernel image"),
        (None, "cupy cannot be imported"),
    ],
)
def test_cupy_has_to_run_a_kernel(module: object, obstacle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", module)  # None: as if it were not installed
    assert cupy_obstacle().startswith(obstacle)
    assert bool(cupy_obstacle()) is bool(obstacle)


def onnxruntime(*, known: list[str], loaded: list[str], answer: float = 3) -> SimpleNamespace:
    def session(model: bytes, *, providers: list[str]) -> SimpleNamespace:
        assert (model, providers) == (IDENTITY, [CUDA])
        return SimpleNamespace(get_providers=lambda: loaded, run=lambda *_: [[answer]])

    return SimpleNamespace(
        __version__="1.32",
        get_available_providers=lambda: known,
        preload_dlls=lambda: None,
        InferenceSession=session,
    )


@pytest.mark.parametrize(
    ("module", "obstacle"),
    [
        (onnxruntime(known=[CUDA, "CPU"], loaded=[CUDA, "CPU"]), ""),
        (onnxruntime(known=[CUDA, "CPU"], loaded=["CPU"]), "onnxruntime cannot load its CUDA provider"),
        (onnxruntime(known=[CUDA], loaded=[CUDA], answer=0), "onnxruntime computes 0 in place of 3"),
        (onnxruntime(known=["CPU"], loaded=["CPU"]), "onnxruntime 1.32 is the one for processors; install"),
        (None, "onnxruntime cannot be imported"),
    ],
)
def test_onnxruntime_has_to_load_its_cuda_provider(
    module: object, obstacle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    assert onnx_obstacle().startswith(obstacle)
    assert bool(onnx_obstacle()) is bool(obstacle)


@pytest.mark.gpu
def test_a_gpu_that_is_there_has_a_name_and_is_used_by_what_is_installed() -> None:
    if not count_gpus():
        pytest.skip("no GPU")
    assert gpu_name()
    for package, obstacle in (("cupy", cupy_obstacle), ("onnxruntime-gpu", onnx_obstacle)):
        if any(name.startswith(package) for name in {own.name for own in distributions()}):
            assert obstacle() == ""
