"""1,000 simulated workers: `decide` starts few jobs too many, does not oscillate, and lets no pool wait."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import pytest

from infra.clusters.sizing import DEFAULT_POLICY, PoolBounds
from tests.infra.clusters.simulation import BatchSystem, Look, SimulatedPool, Simulation, drawn, lower_bound

BATCH = BatchSystem()
UNDISTURBED = BatchSystem(rejected=0.0, preempted=0.0)
LIFETIME = 1800.0


def pools(*, lifetime: float = LIFETIME, gpu: int = 52, cpu: int = 56) -> list[SimulatedPool]:
    """1,000 workers: 104 with a GPU, two in a job, and 896 on cores, 16 in a job."""
    return [
        SimulatedPool(name="gpu", slots=2, bounds=PoolBounds(minimum=0, maximum=gpu, lifetime=lifetime)),
        SimulatedPool(name="cpu", slots=16, bounds=PoolBounds(minimum=0, maximum=cpu, lifetime=lifetime)),
    ]


@lru_cache
def mixed(seed: int, lifetime: float = LIFETIME) -> tuple[Simulation, Mapping[str, Sequence[float]]]:
    """Run both pools at full size for an hour: features of a partition follow its segmentation."""
    chain = drawn({"gpu": 15.0, "cpu": 120.0}, partitions=24_000, seed=seed)
    simulation = Simulation(pools(lifetime=lifetime), chain=chain, batch=BATCH, seed=seed)
    simulation.run()
    return simulation, chain


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mixed_load_is_done_within_a_tenth_of_the_bound(seed: int) -> None:
    simulation, chain = mixed(seed)
    assert simulation.now <= 1.1 * lower_bound(pools(), chain=chain, batch=BATCH).seconds


@pytest.mark.parametrize("seed", SEEDS)
def test_few_more_jobs_are_started_than_the_best_schedule_needs(seed: int) -> None:
    """Those that were preempted and their successors are among them."""
    simulation, chain = mixed(seed)
    needed = lower_bound(pools(), chain=chain, batch=BATCH).jobs
    for name, pool in simulation.pools.items():
        assert needed[name] <= pool.begun <= 1.2 * needed[name]


@pytest.mark.parametrize("seed", SEEDS)
def test_both_stages_run_at_the_same_time(seed: int) -> None:
    simulation, _ = mixed(seed)
    looks = zip(simulation.looks["gpu"], simulation.looks["cpu"], strict=True)
    both = sum(gpu.observation.running > 0 and cpu.observation.running > 0 for gpu, cpu in looks)
    assert both > 0.85 * len(simulation.looks["gpu"])


@pytest.mark.parametrize("seed", SEEDS)
def test_pools_keep_to_their_maximum_and_are_gone_soon_after_the_last_task(seed: int) -> None:
    simulation, _ = mixed(seed)
    for name, looks in simulation.looks.items():
        assert max(look.lasting for look in looks) == simulation.pools[name].bounds.maximum
    idle = DEFAULT_POLICY.patience + 2 * 5.0
    simulation.run(until=simulation.now + idle)
    assert not any(pool.jobs for pool in simulation.pools.values())


@pytest.mark.parametrize("batch", [UNDISTURBED, BATCH], ids=["undisturbed", "with losses"])
def test_at_constant_load_jobs_are_only_succeeded_or_replaced(batch: BatchSystem) -> None:
    """For half an hour, in which all jobs end once, the GPUs bring work for about half of the other pool."""
    chain = drawn({"gpu": 15.0, "cpu": 60.0}, partitions=24_000, seed=1)
    simulation = Simulation(pools(), chain=chain, batch=batch, seed=1)
    simulation.run()
    for looks in simulation.looks.values():
        check_steady([look for look in looks if 1200 < look.time < 3200])


@pytest.mark.slow
@pytest.mark.parametrize("batch", [UNDISTURBED, BATCH], ids=["undisturbed", "with losses"])
def test_so_it_is_where_no_pool_knows_what_is_to_come(batch: BatchSystem) -> None:
    """Each partition that is done comes anew, for hours."""
    chain = drawn({"gpu": 15.0, "cpu": 60.0}, partitions=1000, seed=1)
    simulation = Simulation(pools(), chain=chain, batch=batch, seed=1, closed=True)
    simulation.run(until=4 * 3600.0)
    for looks in simulation.looks.values():
        check_steady([look for look in looks if look.time > 3600])


def check_steady(looks: Sequence[Look]) -> None:
    """See that nothing is stopped, the size moves by a tenth at most, and jobs are added for such as end."""
    assert not any(look.decision.stop for look in looks)
    sizes = [look.lasting + look.decision.add for look in looks]
    assert max(sizes) - min(sizes) <= max(1, 0.1 * max(sizes))
    added = sum(look.decision.add for look in looks)
    assert min(sizes) <= added <= gone(looks) + 1


def gone(looks: Sequence[Look]) -> int:
    """Count the jobs that ended, were lost or are about to end."""
    jobs = {job.name for look in looks for job in look.observation.jobs}
    last = looks[-1]
    return len(jobs) - last.lasting - last.decision.add


def test_a_pool_that_another_one_feeds_slowly_stays_small() -> None:
    """Eight GPUs for 67 minutes; what follows keeps one job of 16 cores busy for less than half of its slots."""
    chain = drawn({"gpu": 20.0, "cpu": 15.0}, partitions=1600, seed=2)
    slow = pools(lifetime=7200.0, gpu=4)
    simulation = Simulation(slow, chain=chain, batch=UNDISTURBED, seed=2)
    assert simulation.run() <= 1.1 * lower_bound(slow, chain=chain, batch=UNDISTURBED).seconds
    assert simulation.pools["cpu"].begun == 1
    assert simulation.pools["gpu"].begun == 4


def test_a_pool_of_lives_of_a_minute_loses_nothing() -> None:
    chain = drawn({"gpu": 2.0, "cpu": 4.0}, partitions=500, seed=3)
    quick = BatchSystem(wait=(1.0, 3.0), boot=2.0, grace=5.0)
    short = pools(lifetime=40.0, gpu=2, cpu=1)
    simulation = Simulation(short, chain=chain, batch=quick, seed=3)
    simulation.run(until=600.0)
    assert simulation.left == 0
    assert simulation.pools["gpu"].begun > 10
