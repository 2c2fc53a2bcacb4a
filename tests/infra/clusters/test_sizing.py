"""How many jobs a pool should have, case by case."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.clusters.sizing import (
    LEAD_SHARE,
    Decision,
    JobObservation,
    Policy,
    PoolBounds,
    PoolObservation,
    decide,
    drain_seconds,
    lead_seconds,
    needed_jobs,
)

POLICY = Policy(target_seconds=300, presumed_seconds=30, patience=120, hysteresis=0.25, lead_seconds=60)
BOUNDS = PoolBounds(minimum=0, maximum=10, lifetime=3600)


def job(
    name: str, *, state: str = "running", idle: float = 0, left: float | None = 3000, age: float = 100
) -> JobObservation:
    if state == "pending":
        return JobObservation(name=name, state="pending", age=age)
    return JobObservation(name=name, state="running", age=age, idle=idle, left=left)


def pool(*jobs: JobObservation, running: int = 0, waiting: int = 0, **more: object) -> PoolObservation:
    return replace(PoolObservation(running=running, waiting=waiting, slots=16, jobs=jobs), **more)  # type: ignore[arg-type]


def test_an_empty_pool_gets_what_does_its_work_within_the_target() -> None:
    # 400 tasks of 30 s are 12,000 s of work; 16 slots do 4,800 of that in 300 s
    assert decide(pool(waiting=4, ahead=396), bounds=BOUNDS, policy=POLICY) == Decision(add=3)


def test_no_more_jobs_than_have_a_task_for_every_slot() -> None:
    assert decide(pool(waiting=33, seconds=3000.0), bounds=BOUNDS, policy=POLICY) == Decision(add=3)


def test_never_more_than_the_maximum_nor_less_than_the_minimum() -> None:
    assert decide(pool(waiting=10_000), bounds=BOUNDS, policy=POLICY) == Decision(add=10)
    assert decide(pool(), bounds=replace(BOUNDS, minimum=2), policy=POLICY) == Decision(add=2)
    idle = [job(name, idle=1000) for name in "abc"]
    assert len(decide(pool(*idle), bounds=replace(BOUNDS, minimum=2), policy=POLICY).stop) == 1


def test_pending_jobs_go_first_then_idle_ones_with_the_shortest_life_left() -> None:
    jobs = [
        job("works", left=100),
        job("long", idle=200, left=3000),
        job("short", idle=200, left=500),
        job("just idle", idle=5, left=400),
        job("old in the queue", state="pending", age=900),
        job("young in the queue", state="pending", age=10),
    ]
    stopped = decide(pool(*jobs, running=1, seconds=10.0), bounds=BOUNDS, policy=POLICY).stop
    assert stopped == ("young in the queue", "old in the queue", "short", "long")


def test_a_job_near_its_end_is_succeeded_before_beyond_the_maximum_but_once() -> None:
    full = [job(f"{number}") for number in range(9)]
    load = {"waiting": 10_000, "running": 160}
    assert decide(pool(*full, job("old", left=59), **load), bounds=BOUNDS, policy=POLICY) == Decision(add=1)
    followed = pool(*full, job("old", left=50), job("new", state="pending"), **load)
    assert decide(followed, bounds=BOUNDS, policy=POLICY) == Decision()


def test_the_successor_is_submitted_so_early_as_jobs_take_to_start_but_not_after_a_fraction_of_a_life() -> None:
    def lead(start: float | None) -> float:
        return lead_seconds(pool(start_seconds=start), bounds=BOUNDS, policy=POLICY)

    assert [lead(None), lead(30), lead(600), lead(10_000)] == [60, 60, 600, LEAD_SHARE * 3600]


def test_what_comes_slowly_from_another_pool_needs_only_the_jobs_that_keep_up_with_it() -> None:
    # 1,000 tasks of 16 s come within 2,000 s: 8 at a time, half a job
    trickle = pool(running=8, coming=1000, coming_seconds=2000.0, seconds=16.0)
    assert needed_jobs(trickle, policy=POLICY) == pytest.approx(0.502)
    assert needed_jobs(replace(trickle, coming_seconds=None), policy=POLICY) < 0.02
    assert needed_jobs(replace(trickle, coming_seconds=0.0), policy=POLICY) == pytest.approx(8 / 16)


def test_how_long_a_pool_takes_for_its_tasks_counts_the_jobs_that_it_will_have() -> None:
    # 10,000 tasks of 30 s need all 10 jobs, none of which is there
    assert drain_seconds(pool(waiting=10_000), bounds=BOUNDS, policy=POLICY) == pytest.approx(10_000 * 30 / 160)


def test_a_pool_whose_jobs_are_just_succeeded_is_not_taken_for_one_of_twice_the_size() -> None:
    load = {"running": 160, "waiting": 10_000}
    jobs = [job(f"{number}") for number in range(10)]
    before = drain_seconds(pool(*jobs, **load), bounds=BOUNDS, policy=POLICY)
    ending = [replace(running, left=30.0) for running in jobs]
    successors = [job(f"new {number}", state="pending") for number in range(10)]
    assert drain_seconds(pool(*ending, *successors, **load), bounds=BOUNDS, policy=POLICY) == before


def test_lost_jobs_are_replaced() -> None:
    load = {"running": 160, "waiting": 10_000}
    assert decide(pool(*(job(f"{number}") for number in range(7)), **load), bounds=BOUNDS) == Decision(add=3)


counts = st.integers(0, 5000)
jobs = st.builds(
    JobObservation,
    name=st.uuids().map(str),
    state=st.sampled_from(["pending", "starting", "running"]),
    age=st.floats(0, 1e5),
    idle=st.floats(0, 1e4),
    left=st.none() | st.floats(0, 4000),
).map(lambda job: replace(job, left=None) if job.state == "pending" else job)
pools = st.builds(
    PoolObservation,
    running=counts,
    waiting=counts,
    ahead=counts,
    coming=counts,
    coming_seconds=st.none() | st.just(0.0) | st.floats(0.1, 1e5),
    seconds=st.none() | st.floats(0.001, 1e4),
    slots=st.integers(1, 64),
    start_seconds=st.none() | st.floats(0, 1e4),
    jobs=st.lists(jobs, max_size=15, unique_by=lambda job: job.name).map(tuple),
)


@given(pools)
def test_whatever_is_seen_the_pool_stays_within_its_bounds_and_what_works_goes_on(seen: PoolObservation) -> None:
    bounds = replace(BOUNDS, minimum=2)
    decision = decide(seen, bounds=bounds, policy=POLICY)
    lead = lead_seconds(seen, bounds=bounds, policy=POLICY)
    lasting = {job.name for job in seen.jobs if job.left is None or job.left > lead}
    by_name = {job.name: job for job in seen.jobs}
    stopped = [by_name[name] for name in decision.stop]
    assert all(job.state == "pending" or job.idle >= POLICY.patience for job in stopped)
    assert not (decision.add and decision.stop)
    after = len(lasting.difference(decision.stop)) + decision.add
    assert after >= 2
    assert not decision.add or after <= 10


@given(pools)
def test_a_decision_that_was_carried_out_is_not_followed_by_another(seen: PoolObservation) -> None:
    """But that idle jobs which are about to end go once their successors are submitted."""
    decision = decide(seen, bounds=BOUNDS, policy=POLICY)
    new = tuple(JobObservation(name=f"new {number}", state="pending", age=0.0) for number in range(decision.add))
    kept = tuple(job for job in seen.jobs if job.name not in decision.stop)
    following = decide(replace(seen, jobs=(*kept, *new)), bounds=BOUNDS, policy=POLICY)
    lead = lead_seconds(seen, bounds=BOUNDS, policy=POLICY)
    ending = {job.name for job in kept if job.left is not None and job.left <= lead}
    assert not following.add
    assert ending.issuperset(following.stop)
