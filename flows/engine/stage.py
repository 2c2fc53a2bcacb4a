"""What a stage says of itself, in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from flows.config import Config
from tasks.core.layout import Layout
from tasks.core.published import Published
from tasks.ingest.listing import ImageListing

if TYPE_CHECKING:  # --plan shows stages and needs neither Prefect nor Dask
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution

PreparedT = TypeVar("PreparedT")

Job = Callable[[], object]
"""Compiles a kernel, or loads what was compiled before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """What a stage would do.

    Parameters
    ----------
    per_partition
        Names of its tasks of which every partition has one.
    single_tasks
        Number of its tasks for the whole run.
    more
        Others, in words.
    """

    per_partition: tuple[str, ...] = ()
    single_tasks: int = 0
    more: str = ""


def no_kernels(config: Config) -> dict[str, Job]:
    """Need nothing compiled."""
    del config
    return {}


def no_files(config: Config) -> tuple[Published, ...]:
    """Publish nothing."""
    del config
    return ()


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[PreparedT]):
    """A step of the pipeline.

    Parameters
    ----------
    name
        As progress, run.json and the fields of run.resources have it.
    row
        What it would do; None where the configuration leaves it out.
    prepare
        Looks at what it needs besides the images, such as another run's decision, before anything is computed; raises
        a `UserError` where that does not fit.
    run
        Submits its tasks, or decides; returns at once where it need not decide over all data.
    kernels
        What has to be compiled for its tasks.
    published
        What it puts into the output folder.
    """

    name: str
    row: Callable[[Config], PlanRow | None]
    prepare: Callable[[Config, ImageListing, Layout], PreparedT]
    run: Callable[["Execution", "Dataset", PreparedT], "Dataset"]
    kernels: Callable[[Config], Mapping[str, Job]] = no_kernels
    published: Callable[[Config], tuple[Published, ...]] = no_files

    def __call__(self, execution: "Execution", data: "Dataset") -> "Dataset":
        """Take the data one step further."""
        prepared: PreparedT = execution.preparation.stages[self.name]  # type: ignore[assignment]
        return self.run(execution, data, prepared)


def nothing(config: Config, listing: ImageListing, layout: Layout) -> None:
    """Need nothing besides the images."""
    del config, listing, layout
