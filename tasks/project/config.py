"""The configuration's section ``project``."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from tasks.core.errors import ConfigError, InputError
from tasks.core.section import Section


class Project(Section):
    """How one image is made of the planes of a z-stack; flat images are left as they are."""

    method: Literal["max", "mean", "sum", "best_focus"] = Field(
        description="Of each pixel the largest value (max), the mean or the sum over all planes; or each channel's "
        "sharpest plane (best_focus), the one whose Laplacian varies most."
    )


def check_stacks(config: Project | None, *, depth: int, groups: Sequence[str]) -> None:
    """Refuse z-stacks that nothing projects, and a projection that finds its planes as separate images.

    Parameters
    ----------
    config
        The section ``project``; None: left out.
    depth
        Planes of the deepest stack; 1 where there is none.
    groups
        Metadata columns from the pattern.

    Raises
    ------
    InputError
        There are z-blocks and no section ``project``.
    ConfigError
        There is one, but the pattern's group ``z`` puts no stacks together.
    """
    if config is None and depth > 1:
        raise InputError(
            f"the images are z-stacks of {depth} planes; add project: {{method: max}} (or mean, sum, best_focus) to "
            "the configuration, or make load.pattern match one plane only"
        )
    if config is not None and depth == 1 and "z" in groups:
        raise ConfigError(
            "project: got a group 'z' in load.pattern, but no group 'channel'; z-stacks are put together from files of "
            "one channel each, so name the channel's text too, as in _w(?P<channel>\\d)"
        )
