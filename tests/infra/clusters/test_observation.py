"""To which pool a task belongs."""

from infra.clusters.observation import shared_out
from infra.clusters.pool import Pool

CPU, GPU = frozenset({("CPU", 1.0)}), frozenset({("GPU", 1.0)})


def pool(name: str, *, cores: int = 1, gpus: int = 0, maximum: int = 10) -> Pool:
    return Pool.model_validate({"name": name, "cores": cores, "gpus": gpus, "memory": "4 GB", "maximum": maximum})


def test_tasks_go_to_the_pool_that_offers_what_they_need() -> None:
    pools = [pool("cpu"), pool("gpu", gpus=1)]
    assert shared_out({CPU: 5, GPU: 3}, pools=pools, taken={}) == {"cpu": 5, "gpu": 3}


def test_what_a_pool_cannot_have_at_a_time_goes_to_the_next_that_fits() -> None:
    pools = [pool("small", cores=2, maximum=2), pool("large", cores=4, maximum=1)]
    assert shared_out({CPU: 7}, pools=pools, taken={"small": 1}) == {"small": 3, "large": 4}


def test_what_is_more_than_all_can_have_waits_for_the_first() -> None:
    pools = [pool("small", maximum=2), pool("large", maximum=1)]
    assert shared_out({CPU: 10}, pools=pools, taken={}) == {"small": 9, "large": 1}


def test_a_task_that_no_pool_could_do_is_nobodys() -> None:
    assert shared_out({GPU: 3}, pools=[pool("cpu")], taken={}) == {}
