"""Where fields are segmented: decided once in a run, recorded, part of what a rerun compares. GPUs are played."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import polars as pl
import pytest
import tifffile
from distributed import Client, Scheduler, SpecCluster, Worker, get_worker

from flows.config import parse_config
from flows.engine.progress import LineProgress, show_progress
from flows.engine.summary import Summary
from flows.preprocess import preprocess
from infra.running import DASK_SETTINGS
from tasks.core.errors import ConfigError, NoGpuError, RunError
from tasks.core.file_names import TIMELINE
from tasks.core.hardware import instruction_set
from tasks.core.registry import Parts
from tasks.segment import devices as module
from tasks.segment import task as task_module
from tasks.segment.config import Segment
from tasks.segment.registry import segmenters
from tests.segment.two_devices import METHODS, OBJECTS

pytestmark = pytest.mark.usefixtures("prefect_api")
FIELDS = 3


@pytest.fixture(autouse=True)
def _a_gpu_that_is_played(install: Callable[[str, Parts[Any]], None], monkeypatch: pytest.MonkeyPatch) -> None:
    install(METHODS, segmenters)
    monkeypatch.setattr(module, "count_gpus", lambda: 1)
    monkeypatch.setattr(task_module, "gpu_name", lambda: "NVIDIA Play")


@pytest.fixture
def lines() -> list[str]:
    return []


Run = Callable[..., Summary]


@pytest.fixture
def run(scheduler: str, tmp_path: Path, lines: list[str]) -> Run:
    """Return what sends a few fields through the pipeline, into one and the same output folder."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(FIELDS):
        tifffile.imwrite(images / f"field_{number}.tif", np.full((16, 16), number, dtype=np.uint16))

    def run(device: str, *, cluster: str = scheduler, **resources: dict[str, float]) -> Summary:
        config = parse_config(
            {
                "load": {"channels": {"DNA": 0}},
                "segment": {"device": device, "objects": OBJECTS},
                "features": {"families": ["shape"]},
                "run": {"partition_size": 1, "resources": resources},
            }
        )
        show_progress(LineProgress(lines.append))
        return preprocess(config=config, inputs=[str(images)], output=str(tmp_path / "out"), cluster=cluster)

    return run


def record(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((output / "run.json").read_text())
    return content


def areas(output: Path) -> set[float]:
    return set(pl.read_parquet(output / "features" / "part-*.parquet")["nucleus__shape_area"].to_list())


def test_what_a_worker_answers_is_recorded_and_another_device_makes_segmentation_anew(
    run: Run, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    first = run("auto")
    on_gpu = record(output)
    assert (first.stages["segment"].computed, areas(output)) == (FIELDS, {16})
    assert (on_gpu["device"], on_gpu["devices"]) == ("gpu", {"nucleus": "gpu", "ring": "gpu", "rest": "cpu"})
    assert on_gpu["hardware"]["segment"] == [f"{instruction_set()}, NVIDIA Play"]
    assert on_gpu["hardware"]["features"] == [instruction_set()]
    timeline = pl.read_parquet(output / "work" / TIMELINE)
    assert timeline.filter(stage="segment")["resources"].unique().to_list() == ["GPU"]
    assert not any("made anew" in line for line in lines)

    assert run("gpu").stages["segment"].cached == FIELDS  # what was wished is no matter
    assert record(output)["digest"] == on_gpu["digest"]

    monkeypatch.setenv("OBSTACLE", "no cupy")
    lines.clear()
    second = run("auto")
    on_cpu = record(output)
    assert (second.stages["segment"].computed, areas(output)) == (FIELDS, {8})
    assert (on_cpu["device"], set(on_cpu["devices"].values())) == ("cpu", {"cpu"})
    assert on_cpu["digest"] != on_gpu["digest"]
    assert on_cpu["hardware"]["segment"] == [instruction_set()]
    timeline = pl.read_parquet(output / "work" / TIMELINE)
    assert timeline.filter(stage="segment")["resources"].unique().to_list() == ["CPU"]
    assert "segment: nucleus is found on CPUs: no cupy" in lines
    assert (
        "segment: the run before found nucleus, ring on a GPU, this one does on a CPU; segmentation is made anew, and "
        "what follows from it"
    ) in lines
    third = run("cpu")
    assert third.stages["segment"].cached == FIELDS
    assert "GPU" not in third.stages  # nobody is asked


def test_a_gpu_that_is_demanded_and_does_not_answer_is_an_error_of_the_configuration(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBSTACLE", "no cupy")
    with pytest.raises(ConfigError, match=r"segment\.device: got 'gpu', expected(.|\n)*nucleus: no cupy"):
        run("gpu")
    content = record(tmp_path / "out")
    assert (content["status"], content["device"], content["error"]["type"]) == ("failed", None, "ConfigError")


def test_tasks_that_do_not_ask_for_a_gpu_use_none(run: Run, tmp_path: Path) -> None:
    assert run("auto", segment={"CPU": 1}).stages["segment"].computed == FIELDS
    assert record(tmp_path / "out")["device"] == "cpu"
    with pytest.raises(ConfigError, match=r"got 'gpu', but run\.resources\.segment is \{CPU: 1\}"):
        run("gpu", segment={"CPU": 1})


@pytest.fixture
def gpu_workers(prefect_api: str) -> Iterator[str]:
    """Start a scheduler with a worker for CPUs and two that offer a GPU, and return its address."""
    del prefect_api
    workers = {
        name: {"cls": Worker, "options": {"nthreads": 1, "host": "127.0.0.1", "resources": {name[:3]: 1}}}
        for name in ("CPU 1", "GPU 1", "GPU 2")
    }
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "port": 0, "dashboard": False}}
    with dask.config.set(DASK_SETTINGS), SpecCluster(workers=workers, scheduler=scheduler) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("answering", [1, 0])
def test_a_worker_without_the_gpu_that_was_decided_on_leaves_its_tasks_to_another(
    run: Run,
    gpu_workers: str,
    tmp_path: Path,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    answering: int,
) -> None:
    tried: list[str] = []

    def check(config: Segment, *, devices: object) -> None:
        del config, devices
        tried.append(get_worker().name)
        if not answering or tried[-1] == tried[0]:
            raise NoGpuError("node1 cannot find nucleus on a GPU: no cupy")

    monkeypatch.setattr(task_module, "check_gpus", check)
    if not answering:
        with pytest.raises(RunError, match=r"node1 cannot .*; no worker is left that could"):
            run("auto", cluster=gpu_workers)
    else:
        assert run("auto", cluster=gpu_workers).stages["segment"].computed == FIELDS
        assert areas(tmp_path / "out") == {16}  # and never on a CPU
    assert {*tried} == {"GPU 1", "GPU 2"}
    assert any(line.startswith("node1 cannot find nucleus on a GPU: no cupy; its worker is closed") for line in lines)
    with Client(gpu_workers, set_as_default=False) as client:
        names = {worker["name"] for worker in client.scheduler_info()["workers"].values()}
    assert names == {"CPU 1"} | ({tried[-1]} if answering else set())
