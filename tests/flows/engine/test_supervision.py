"""What becomes of tasks whose workers die: the state machine alone, then with tasks that die in this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from flows.config import TimeLimit
from flows.engine import supervision
from flows.engine.convictions import Conviction, Convictions
from flows.engine.dispatch import Dispatcher, Order
from flows.engine.investigation import Culprit, investigate
from flows.engine.pace import Pace
from flows.engine.submission import WorkerDiedError
from flows.engine.supervision import GiveUp, Investigate, SendAgain, Supervisor
from tasks.core.culprits import Death, find_culprits
from tasks.core.errors import NoGpuError, RunError
from tasks.core.work import Partition, StageResult
from tests.flows.engine.conftest import INDEX
from tests.flows.engine.in_process import InProcess, task

FOUR = Partition(number=0, index="", start=0, stop=4, digest="four")


def test_a_task_is_sent_again_with_leniency_then_its_images_are_looked_into() -> None:
    supervisor = Supervisor()
    assert supervisor.died("mask 1", divisible=True) == SendAgain(after=1.0, leniency=2)
    assert supervisor.died("mask 1", divisible=True) == Investigate()
    assert supervisor.died("mask 2", divisible=True) == SendAgain(after=1.0, leniency=2)  # another task's affair
    assert supervisor.investigated("mask 1", culprits=0) == SendAgain(after=2.0, leniency=4)
    assert supervisor.died("mask 1", divisible=True) == SendAgain(after=4.0, leniency=8)
    assert supervisor.died("mask 1", divisible=True) == Investigate()
    assert supervisor.investigated("mask 1", culprits=2) == SendAgain(after=0.0, leniency=1)
    assert supervisor.died("mask 1", divisible=True) == SendAgain(after=1.0, leniency=2)  # as if nothing had happened


def test_a_scheduler_that_tries_again_itself_counts_for_as_many_deaths() -> None:
    assert Supervisor().died("mask 1", divisible=True, deaths=4) == Investigate()


def test_a_task_without_images_is_sent_again_until_it_is_hopeless() -> None:
    supervisor = Supervisor()
    verdicts = [supervisor.died("merge", divisible=False) for _ in range(supervision.MOST_DEATHS)]
    assert all(isinstance(verdict, SendAgain) for verdict in verdicts[:-1])
    assert isinstance(verdicts[-1], GiveUp)
    assert "12 workers died" in verdicts[-1].reason


def test_pauses_end_in_their_order() -> None:
    supervisor = Supervisor()
    supervisor.postpone("late", SendAgain(after=5.0, leniency=4), now=10.0)
    supervisor.postpone("soon", SendAgain(after=1.0, leniency=2), now=10.0)
    assert supervisor.pause(10.5) == pytest.approx(0.5)
    assert supervisor.due(10.5) == []
    assert supervisor.due(20.0) == [("soon", 2), ("late", 4)]
    assert supervisor.pause(20.0) is None


@pytest.mark.parametrize("deadly", [set(), {0}, {6}, {2, 3}, {0, 3, 6}])
def test_bisection_finds_exactly_the_deadly(deadly: set[int]) -> None:
    def attempt(some: Any) -> Death | None:  # noqa: ANN401
        return Death("crash", "exit status 1") if deadly.intersection(some) else None

    assert set(find_culprits(range(7), attempt)) == deadly


def test_an_item_that_once_survives_alone_is_no_culprit() -> None:
    ends = iter([None, Death("memory", "1 GB"), Death("memory", "1 GB"), None])

    def attempt(some: Any) -> Death | None:  # noqa: ANN401
        return next(ends) if len(some) == 1 and some[0] == 1 else None

    assert find_culprits([0, 1], attempt) == {}
    assert find_culprits([1], attempt) == {}


class Deadly(InProcess):
    """Workers die whenever they touch some image; an investigation finds it."""

    def __init__(self, deadly: int) -> None:
        super().__init__()
        self.deadly = deadly
        self.seconds: list[float | None] = []

    def submit(self, ticket: object, task: Any, **given: Any) -> None:  # noqa: ANN401
        self.seconds.append(given["seconds"])
        arguments: Mapping[str, Any] = given["arguments"]
        if task is investigate:
            culprit = Culprit(position=self.deadly, cause="time", detail="62 s", memory_bytes=10**9)
            self.answer(ticket, [culprit], name=given["name"])
        elif self.deadly in {image.position for image in arguments["partition"].excluded}:
            super().submit(ticket, task, **given)
        else:
            self.answer(ticket, WorkerDiedError("KilledWorker"), name=given["name"])


def test_a_deadly_image_is_excluded_and_the_key_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "BACK_OFF_SECONDS", (0.01,))
    limit = TimeLimit()
    sent = Deadly(2)

    def dispatcher() -> Dispatcher:
        convictions = Convictions(tmp_path, index=INDEX, memory_bytes=10**9, time_limit=limit)
        pace = Pace([1, 1, 1, 1], bytes_per_image=0, limit=limit)
        return Dispatcher(cast("Any", sent), work=tmp_path, convictions=convictions, pace=pace, tell=print)

    order = Order(task=task("mask"), label="mask images 1-4", stage="mask", resources={}, arguments={"partition": FOUR})
    first = dispatcher()
    first.send("a", order)
    ticket, result = first.next_done()
    assert ticket == "a"
    assert sent.sent == ["mask images 1-4", "mask images 1-4", "investigation of mask images 1-4", "mask images 1-4"]
    assert sent.seconds == [68.0, 136.0, None, 68.0]  # 60 s and 2 s an image; then twice that
    sent.sent.clear()
    second = dispatcher()  # a resumed run
    second.send("b", order)
    _, again = second.next_done()
    assert sent.sent == ["mask images 1-4"]
    assert isinstance(result, StageResult)
    assert isinstance(again, StageResult)
    assert again.key == result.key
    sent.deadly = -1
    limit = TimeLimit(image=3)  # a larger limit tries it again: the image is not excluded, and this time nothing dies
    monkeypatch.setattr(Deadly, "submit", InProcess.submit)
    third = dispatcher()
    third.send("c", order)
    _, anew = third.next_done()
    assert isinstance(anew, StageResult)
    assert anew.key != result.key


class WithoutGpu(InProcess):
    """The first workers that have a task lack their GPU."""

    def __init__(self, lacking: int) -> None:
        super().__init__()
        self.lacking = lacking

    def submit(self, ticket: object, task: Any, **given: Any) -> None:  # noqa: ANN401
        if len(self.retired) < self.lacking:
            self.answer(ticket, NoGpuError("node1 cannot", f"tls://{len(self.retired)}"), name=given["name"])
        else:
            super().submit(ticket, task, **given)


@pytest.mark.parametrize(("lacking", "free", "given_up"), [(1, 1, False), (3, 1, False), (1, 0, True), (99, 1, True)])
def test_a_task_whose_worker_lacks_its_gpu_goes_to_another_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lacking: int,
    free: int,
    given_up: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(supervision, "BACK_OFF_SECONDS", (0.01,))
    sent, lines = WithoutGpu(lacking), list[str]()
    sent.free = free
    convictions = Convictions(tmp_path, index=INDEX, memory_bytes=10**9, time_limit=TimeLimit())
    pace = Pace([1, 1, 1, 1], bytes_per_image=0, limit=TimeLimit())
    dispatcher = Dispatcher(cast("Any", sent), work=tmp_path, convictions=convictions, pace=pace, tell=lines.append)
    dispatcher.send(
        "a",
        Order(
            task=task("segment"),
            label="segment images 1-4",
            stage="segment",
            resources={},
            arguments={"partition": FOUR},
        ),
    )
    if given_up:
        with pytest.raises(RunError, match="node1 cannot; no worker is left that could"):
            dispatcher.next_done()
    else:
        _, outcome = dispatcher.next_done()
        assert isinstance(outcome, StageResult)
    attempts = 1 if free == 0 else min(lacking, supervision.MOST_DEATHS)
    assert sent.retired == [f"tls://{number}" for number in range(attempts)]
    assert lines == ["node1 cannot; its worker is closed"] * attempts
    assert sent.sent == ["segment images 1-4"] * (attempts + (not given_up))  # its images are not looked into


@pytest.mark.parametrize(
    ("cause", "memory", "image", "holds"),
    [
        ("crash", 99, 9, True),
        ("memory", 10, 2, True),
        ("memory", 11, 2, False),
        ("time", 99, 2, True),
        ("time", 10, 3, False),
    ],
)
def test_a_conviction_holds_under_the_limits_it_was_learnt_under(
    cause: Any,  # noqa: ANN401
    memory: int,
    image: float,
    holds: bool,  # noqa: FBT001
) -> None:
    conviction = Conviction(
        image="a", size=1, mtime_ns=0, task="mask 1", cause=cause, detail="", memory_bytes=10, time_limit=TimeLimit()
    )
    assert conviction.holds(memory_bytes=memory, time_limit=TimeLimit(image=image)) is holds


def test_a_changed_file_is_tried_again(tmp_path: Path) -> None:
    convictions = Convictions(tmp_path, index=INDEX, memory_bytes=10, time_limit=TimeLimit())
    convictions.add("mask 1", FOUR, [Culprit(position=1, cause="crash", detail="SIGSEGV", memory_bytes=10)])
    (excluded,) = convictions.apply("mask 1", FOUR).excluded
    assert (excluded.position, excluded.stage, excluded.error) == (1, "mask", "ProcessDied")
    assert "SIGSEGV" in excluded.message
    assert convictions.apply("features 1", FOUR) == FOUR
    changed = INDEX.with_columns(mtime_ns=INDEX["mtime_ns"] + 1)
    later = Convictions(tmp_path, index=changed, memory_bytes=10, time_limit=TimeLimit())
    assert later.apply("mask 1", FOUR) == FOUR


def test_what_others_took_is_what_a_task_is_granted() -> None:
    limit = TimeLimit(start=10, image=2, megabyte=0)
    pace = Pace([100, 100, 300, 100], bytes_per_image=0, limit=limit)
    assert pace.limit("mask", FOUR) == 10 + 2 * 6  # the third counts as three
    for _ in range(3):
        assert pace.limit("mask", FOUR) == 10 + 2 * 6
        pace.add("mask", FOUR, seconds=0.6)
    assert pace.limit("mask", FOUR) == pytest.approx(10 + 10 * 0.6)
    pace = Pace([100] * 4, bytes_per_image=0, limit=limit)
    for _ in range(3):
        pace.add("mask", FOUR, seconds=0.01)
    assert pace.limit("mask", FOUR) == 10 + 0.25 * 2 * 4  # blank images tell little
    for seconds in (60, 60, 60):
        pace.add("mask", FOUR, seconds=seconds)
    assert pace.limit("mask", FOUR) == 10 + 10 * 60
    pace = Pace([100] * 4, bytes_per_image=0, limit=limit)
    for _ in range(3):
        pace.add("mask", FOUR, seconds=0.4)
    assert pace.bound("mask").seconds([3.0]) == 10 + 2 * 3  # alone, the longer of both
    assert pace.limit("features", FOUR) == 10 + 2 * 4  # another stage's affair
