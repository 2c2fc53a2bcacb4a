"""Counting GPUs asks the driver alone, and never fails."""

import ctypes

import pytest

from tasks.core.gpus import count_gpus


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


@pytest.mark.parametrize(("status", "devices", "expected"), [(0, 3, 3), (0, 0, 0), (100, 2, 0)])
def test_the_drivers_answer_counts_unless_it_cannot_start(
    monkeypatch: pytest.MonkeyPatch, status: int, devices: int, expected: int
) -> None:
    driver = {"libcuda.so.1": Driver(status=status, devices=devices)}
    monkeypatch.setattr(ctypes, "CDLL", driver.__getitem__)
    assert count_gpus() == expected


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert count_gpus() == 0
