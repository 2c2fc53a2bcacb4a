"""How tasks are submitted: when what they need is there, later stages first, so many at a time."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from flows.engine import execution as module
from flows.engine.dispatch import Dispatcher
from flows.engine.execution import Execution
from flows.engine.graph import Graph, Handle
from flows.engine.preparation import Preparation
from flows.engine.progress import LineProgress
from tasks.core.errors import InputError, RunError
from tasks.core.work import Partition, StageResult
from tests.flows.engine.in_process import InProcess, task


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def execution(dispatcher: Dispatcher, lines: list[str], tmp_path: Path) -> Execution:
    preparation = SimpleNamespace(spec=SimpleNamespace(config=None, output=tmp_path))
    return Execution(
        cast("Preparation", preparation),
        run_id="me",
        resources={},
        dispatcher=dispatcher,
        progress=LineProgress(lines.append),
    )


def stages(sent: InProcess) -> Iterator[str]:
    return (name.split()[0] for name in sent.sent)


def test_a_stage_returns_at_once_and_a_partition_goes_on_when_its_predecessor_ends(
    execution: Execution, sent: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST_AHEAD", 2)
    cells = execution.map("mask", task("mask"), mapped=[{"n": n} for n in range(4)], resources={})
    measured = execution.map("features", task("features"), mapped=[{"cells": handle} for handle in cells], resources={})
    assert sent.sent == []
    results = execution.wait(measured)
    assert list(stages(sent)) == ["mask", "mask", "features", "features", "mask", "mask", "features", "features"]
    assert sent.most == 2
    assert len({result.key for result in results}) == 4
    assert {stage: count.computed for stage, count in execution.counts.items()} == {"mask": 4, "features": 4}
    done = {(record.stage, record.task) for record in execution.timeline}
    assert done == {(stage, n) for stage in ("mask", "features") for n in range(4)}


def test_a_task_is_named_by_its_images_whichever_results_they_come_from(execution: Execution, sent: InProcess) -> None:
    bounds = enumerate([(0, 2), (2, 3), (3, 4)])
    partitions = [Partition(number=n, index="", start=start, stop=stop, digest=str(n)) for n, (start, stop) in bounds]
    cells = execution.map("mask", task("mask"), mapped=[{"partition": part} for part in partitions], resources={})
    some = [{"parts": cells[:2]}, {"parts": cells[2:]}]
    merged = execution.map("count", task("count"), mapped=some, resources={}, show_progress=False)
    root = execution.tree_reduce("count", task("merge"), results=merged, resources={})
    images = execution.map("image", task("image"), mapped=[{"total": root, "group": g} for g in "ab"], resources={})
    execution.wait(images)
    assert sorted(sent.sent) == [
        "count image 4",
        "count images 1-3",
        "image images 1-4 (1 of 2)",
        "image images 1-4 (2 of 2)",
        "mask image 3",
        "mask image 4",
        "mask images 1-2",
        "merge images 1-4",
    ]


def test_equal_arguments_give_equal_folders_and_a_key_holds_what_came_before(execution: Execution) -> None:
    first, again, other = execution.wait(
        execution.map("mask", task("mask"), mapped=[{"n": 1}, {"n": 1}, {"n": 2}], resources={})
    )
    assert first.folder == again.folder
    assert first.key != other.key
    after = execution.wait(
        execution.map("features", task("features"), mapped=[{"cells": first}, {"cells": other}], resources={})
    )
    assert after[0].key != after[1].key


@pytest.mark.parametrize(("parts", "tasks"), [(1, 0), (32, 1), (33, 3), (1025, 36)])
def test_a_tree_takes_32_together(execution: Execution, sent: InProcess, parts: int, tasks: int) -> None:
    leaves = execution.map("count", task("count"), mapped=[{"n": n} for n in range(parts)], resources={})
    root = execution.tree_reduce("count", task("merge"), results=leaves, resources={})
    execution.wait([root])
    assert list(stages(sent)).count("merge") == tasks


def test_what_does_not_depend_on_a_failed_task_is_finished_before_the_run_fails(
    execution: Execution, sent: InProcess
) -> None:
    def fail(arguments: Mapping[str, object]) -> dict[str, int]:
        if arguments["n"] == 0:
            raise OSError("disk full")
        return {}

    cells = execution.map("mask", task("mask", fail), mapped=[{"n": n} for n in range(3)], resources={})
    measured = execution.map("features", task("features"), mapped=[{"cells": handle} for handle in cells], resources={})
    with pytest.raises(RunError, match="mask: 1 tasks failed; the first: OSError: disk full"):
        execution.wait(measured)
    assert list(stages(sent)).count("features") == 2


def test_an_error_that_the_user_can_mend_comes_first(execution: Execution) -> None:
    def fail(arguments: Mapping[str, object]) -> dict[str, int]:
        raise OSError("disk full") if arguments["n"] == 0 else InputError("a rule keeps nothing")

    with pytest.raises(InputError, match="keeps nothing"):
        execution.wait(execution.map("mask", task("mask", fail), mapped=[{"n": 0}, {"n": 1}], resources={}))


def test_a_watch_that_refuses_stops_the_other_stages_and_lets_its_own_finish(
    execution: Execution, sent: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST_AHEAD", 1)
    seen: list[int] = []

    def watch(result: StageResult) -> None:
        seen.append(result.counts["quarantined"])
        raise RunError(f"{len(seen)} are too many")

    counting = task("mask", lambda _: {"quarantined": 1})
    cells = execution.map("mask", counting, mapped=[{"n": n} for n in range(3)], resources={}, watch=watch)
    measured = execution.map("features", task("features"), mapped=[{"cells": handle} for handle in cells], resources={})
    with pytest.raises(RunError, match="3 are too many"):
        execution.wait(measured)
    assert list(stages(sent)) == ["mask"] * 3
    assert all(handle.done for handle in cells)


def test_a_single_task_waits_for_what_it_needs_and_is_timed_alone(
    execution: Execution, sent: InProcess, lines: list[str]
) -> None:
    cells = execution.map("mask", task("mask"), mapped=[{"n": 1}], resources={})
    given: list[object] = []

    def export(arguments: object) -> None:
        given.append(arguments)
        time.sleep(0.2)

    execution.run_single("export", task("export", export), resources={}, arguments={"cells": cells})
    assert given == [{"cells": (cells[0].result,)}]
    seconds = [float(line.split(", ")[1].removesuffix(" s")) for line in lines]
    assert [line.split(",")[0] for line in lines] == ["mask: 1 of 1", "export: 1 of 1"]
    assert seconds[0] < 0.2 <= seconds[1]
    assert list(stages(sent)) == ["mask", "export"]


def test_a_result_that_is_not_there_is_not_invented() -> None:
    handle = Handle(stage="mask", rank=0, number=3, needs=())
    with pytest.raises(RuntimeError, match="task 3 of mask is not known yet"):
        handle.result  # noqa: B018


def test_a_dropped_task_takes_along_what_needs_it() -> None:
    graph = Graph()
    first = Handle(stage="a", rank=0, number=0, needs=())
    second = Handle(stage="b", rank=1, number=0, needs=(first,))
    third = Handle(stage="c", rank=2, number=0, needs=(second,))
    for handle in (first, second):
        graph.add(handle)
    graph.drop(first)
    graph.add(third)
    assert second.dropped
    assert third.dropped
    assert list(graph.take(lambda _: 5)) == []


def test_what_is_ready_and_what_waits_for_others_is_counted_by_what_it_needs() -> None:
    graph = Graph()
    segmented = [Handle(stage="a", rank=0, number=number, needs=(), pool="GPU") for number in range(3)]
    measured = [Handle(stage="b", rank=1, number=first.number, needs=(first,), pool="CPU") for first in segmented]
    for handle in [*segmented, *measured]:
        graph.add(handle)
    assert (graph.ready, graph.waiting) == ({"GPU": 3}, {"CPU": 3})
    (first,) = graph.take(lambda _: 1)
    assert (graph.ready, graph.waiting) == ({"GPU": 2}, {"CPU": 3})
    graph.finish(first, StageResult(key="a", folder="", run_id="", counts={}, seconds=0.0, peak_bytes=0))
    assert (graph.ready, graph.waiting) == ({"GPU": 2, "CPU": 1}, {"CPU": 2})
    graph.drop_all_but(None)
    assert graph.waiting == {}
