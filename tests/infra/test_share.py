"""What a run may use of a machine."""

import os

import pytest

from infra.share import CORES, MEMORY, own_cores, own_memory


def test_a_job_says_what_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CORES, "3")
    monkeypatch.setenv(MEMORY, "1000")
    assert (own_cores(), own_memory()) == (3, 1000)


@pytest.mark.parametrize("text", ["", "0", "many", "-1"])
def test_without_that_a_process_has_the_cores_that_it_may_run_on(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CORES, text)
    monkeypatch.setenv(MEMORY, text)
    assert (own_cores(), own_memory()) == (len(os.sched_getaffinity(0)), None)


def test_a_process_that_is_bound_to_a_core_uses_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CORES, raising=False)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert own_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
