"""What a run has to do besides what it has sent to the scheduler."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Need = frozenset[tuple[str, float]]
"""Dask resources of a task, as something that can be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Tasks by what they need.

    Parameters
    ----------
    ahead
        Those that could begin.
    coming
        Those that can once others are done.
    """

    ahead: Mapping[Need, int] = field(default_factory=dict)
    coming: Mapping[Need, int] = field(default_factory=dict)


NONE = Demand()
