"""A task that no job is long enough for is refused, with what it would take and what there is."""

from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from pydantic import ByteSize

from flows.config import TimeLimit
from flows.engine.convictions import Convictions
from flows.engine.dispatch import Dispatcher, Order
from flows.engine.forecast import refused, watch_outlasting
from flows.engine.pace import SAMPLES, Pace
from infra.clusters.pool import Pool
from tasks.core.errors import RunError
from tasks.core.work import Partition, StageResult
from tests.flows.engine.conftest import INDEX
from tests.flows.engine.in_process import InProcess, task

FOUR = Partition(number=0, index="", start=0, stop=4, digest="four")
CPU = Pool(name="cpu", cores=16, memory=ByteSize(10**9), walltime=timedelta(hours=1))
GPU = Pool(name="gpu", gpus=1, memory=ByteSize(10**9), walltime=timedelta(minutes=10))


def refusal(seconds: float | None, *, resources: dict[str, float], pools: tuple[Pool, ...] = (CPU, GPU)) -> str:
    partition = Partition(number=0, index="", start=4096, stop=8192, digest="")
    return str(refused("features", partition, seconds=seconds, resources=resources, pools=pools))


def test_what_exceeds_walltime_minus_margin_is_refused_with_both_figures() -> None:
    # an hour less 5 min; 10 min less 2.5 min
    assert refusal(3300.0, resources={"CPU": 1}) == "None"
    message = refusal(6600.0, resources={"CPU": 1})
    assert "features of images 4097–8192 is expected to take 110 min" in message
    assert "jobs of pool cpu end after 60 min, less a margin of 5 min" in message
    assert "run.partition_size to 2048 or less" in message
    assert "pool gpu end after 10 min, less a margin of 150 s" in refusal(451.0, resources={"GPU": 1})


def test_what_is_not_known_or_has_no_end_is_not_refused() -> None:
    assert refusal(None, resources={"CPU": 1}) == "None"
    assert refusal(1e9, resources={"CPU": 1}, pools=()) == "None"
    assert refusal(1e9, resources={"licence": 1}) == "None"  # of workers that others started


def test_the_longest_of_several_pools_counts() -> None:
    long = CPU.model_copy(update={"name": "long", "walltime": timedelta(hours=2)})
    assert refusal(6600.0, resources={"CPU": 1}, pools=(CPU, long)) == "None"
    assert "pool long" in refusal(7200.0, resources={"CPU": 1}, pools=(long, CPU))


def test_a_task_is_expected_to_take_what_others_took_for_as_many_images() -> None:
    pace = Pace([100, 100, 300, 100], bytes_per_image=0, limit=TimeLimit())
    two = FOUR.model_copy(update={"stop": 2})
    for seconds in (4.0, 2.0, 6.0):
        assert pace.expected("mask", FOUR) is None
        pace.add("mask", two, seconds=seconds)
    assert pace.expected("mask", FOUR) == pytest.approx(6 * 2.0)  # the third image counts as three
    assert pace.expected("features", FOUR) is None


def test_refused_tasks_end_with_their_error_and_the_others_go_on(tmp_path: Path) -> None:
    sent = InProcess()
    limit = TimeLimit()
    convictions = Convictions(tmp_path, index=INDEX, memory_bytes=10**9, time_limit=limit)
    pace = Pace([1, 1, 1, 1], bytes_per_image=0, limit=limit)
    dispatcher = Dispatcher(
        cast("Any", sent), work=tmp_path, convictions=convictions, pace=pace, tell=print, pools=(CPU, GPU)
    )
    for _ in range(SAMPLES):
        pace.add("segment", FOUR, seconds=1000.0)
    orders = {
        name: Order(
            task=task("segment"),
            label="segment images 1-4",
            stage="segment",
            resources=resources,
            arguments={"partition": FOUR},
        )
        for name, resources in {"on a GPU": {"GPU": 1.0}, "on a core": {"CPU": 1.0}}.items()
    }
    for name, order in orders.items():
        dispatcher.send(name, order)
    assert sent.sent == ["segment images 1-4"]
    ended = dict([dispatcher.next_done(), dispatcher.next_done()])
    assert isinstance(ended["on a GPU"], RunError)
    result = ended["on a core"]
    assert isinstance(result, StageResult)
    Path(result.folder).mkdir(parents=True)  # once it is there, it need not be made
    dispatcher.send("again", orders["on a GPU"])
    assert isinstance(dispatcher.next_done()[1], StageResult)


def test_a_task_that_had_all_of_a_workers_life_ends_the_run_one_that_began_late_does_not() -> None:
    errors: list[RunError] = []
    take_in = watch_outlasting((CPU, GPU), give_up=errors.append)

    def ended(seconds: float, offer: dict[str, float]) -> None:
        take_in((0.0, {"task": f"features-{uuid4()}", "seconds": seconds, "offer": offer}))

    ended(1800.0, {"CPU": 1.0})
    ended(3400.0, {"licence": 1.0})
    assert not errors
    ended(3200.0, {"CPU": 1.0})
    (error,) = errors
    assert str(error).startswith("features: a task had a worker of pool cpu for 53 min")
    assert "end after 60 min, less a margin of 5 min" in str(error)
