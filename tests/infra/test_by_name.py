"""What a task is on its way to a worker: a name and its options."""

import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from distributed.protocol.pickle import dumps, loads
from prefect import Flow, task
from prefect.flows import load_flow_from_entrypoint

from infra.by_name import path_of, travel_by_name, varied
from infra.runner import without_function
from tasks.mask.task import mask_partition


@pytest.fixture(autouse=True)
def _by_name() -> None:
    travel_by_name()


def test_a_task_of_a_module_is_its_name_and_what_was_changed() -> None:
    configured = varied(mask_partition.with_options(retries=3, result_storage=Path("there")), task_run_name="mask 1–32")
    written = pickle.dumps(configured)
    assert len(written) < 1000
    read = pickle.loads(written)  # noqa: S301 - written above
    assert read.fn is mask_partition.fn
    assert vars(read) == vars(configured)
    assert (read.retries, read.task_run_name) == (3, "mask 1–32")
    assert mask_partition.task_run_name is None


def test_a_task_made_elsewhere_is_written_down_whole() -> None:
    @task
    def doubled(number: int) -> int:
        return 2 * number

    assert loads(dumps(doubled)).fn(4) == 8


def test_a_task_that_took_anothers_name_is_itself() -> None:
    @task
    def other() -> str:
        return "other"

    other.fn.__module__, other.fn.__qualname__ = path_of(mask_partition).split(":")
    assert loads(dumps(other)).fn() == "other"


def test_a_flow_of_a_module_that_workers_do_not_know_is_written_down_without_its_function(tmp_path: Path) -> None:
    path = tmp_path / "only_here.py"
    path.write_text("import prefect\n\n@prefect.flow(name='one', retries=2)\ndef one() -> None: ...\n")
    one: Flow[..., Any] = load_flow_from_entrypoint(f"{path}:one")
    sys.modules.pop("only_here", None)
    read = loads(dumps(without_function(one)))
    assert (read.name, read.retries) == ("one", 2)
    assert one.fn.__name__ == "one"  # the flow itself stays as it is
