"""A tree of tasks that joins what all partitions have to say."""

from collections.abc import Sequence
from typing import TypeVar

from prefect import Task

from flows.stages import Resources, Result, Stages
from tasks.core.digest import digest
from tasks.core.work import Made

T = TypeVar("T")

FAN_IN = 32
"""Partitions, or results, that one task takes together."""


def batches(items: Sequence[T]) -> list[Sequence[T]]:
    """Cut into runs of what one task takes together."""
    return [items[start : start + FAN_IN] for start in range(0, len(items), FAN_IN)]


def joined(
    stages: Stages,
    stage: str,
    merge: Task[..., Made],
    *,
    results: Sequence[Result],
    version: int,
    resources: Resources,
    **common: object,
) -> Result:
    """Merge results, 32 at a time, until one is left.

    Parameters
    ----------
    merge
        Task that takes `parts`, folders of results, and writes their merged result.
    results
        At least one.
    version
        Of the code that merges.
    common
        Further arguments of the merging task.
    """
    while len(results) > 1:
        together = batches(results)
        results = stages.map(
            stage,
            merge,
            keys=[digest(version, [one.state for one in batch]) for batch in together],
            each=[{"parts": [one.folder for one in batch]} for batch in together],
            resources=resources,
            **common,
        )
    return results[0]
