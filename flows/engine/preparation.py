"""What is checked and known before anything is started: images, columns, what other runs decided."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from flows.config import Config
from flows.engine.dataset import Dataset
from flows.engine.example import example_inputs
from flows.engine.lock import only_run_in
from flows.engine.stage import Stage
from infra.cluster import Address, Local, check_cluster, find_cluster
from tasks.core.errors import InputError
from tasks.core.layout import Layout
from tasks.core.pixel_source import PixelSource
from tasks.core.work import discard_unfinished
from tasks.ingest.listing import ImageListing, list_images
from tasks.ingest.load import PartitionLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What a user asks for: the parameters of the flow."""

    config: Config
    inputs: tuple[str, ...]
    output: Path
    cluster: str = "local"
    workers: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """A run that was found possible.

    Parameters
    ----------
    inputs
        As given, or the example images; absolute. A pattern keeps its wildcards.
    cluster
        Where it will run.
    listing
        Its images.
    layout
        Columns of its tables.
    stages
        What each stage prepared, by its name.
    """

    spec: RunSpec
    inputs: tuple[str, ...]
    cluster: Local | Address
    listing: ImageListing
    layout: Layout
    stages: Mapping[str, object]

    @property
    def dataset(self) -> Dataset:
        """What flows into the pipeline."""
        images = self.listing.images
        return Dataset(
            partitions=images.partitions,
            source=PixelSource(load=PartitionLoader(channels=images.channels), layout=self.layout),
        )


def prepare(spec: RunSpec, *, stages: Sequence[Stage[object]]) -> Preparation:
    """Check a run; nothing is computed or started.

    Raises
    ------
    UserError
        The configuration, an input, the output, the cluster or another run's decision does not do.
    """
    check_output(spec.output, config=spec.config, stages=stages)
    cluster = find_cluster(spec.cluster)
    run = spec.config.run
    inputs = spec.inputs or tuple(example_inputs(spec.output, seed=run.seed))
    listing = list_images(
        inputs,
        config=spec.config.load,
        partition_size=run.partition_size,
        limit=spec.limit,
        seed=run.seed,
        work=spec.output / "work",
    )
    images = listing.images
    layout = spec.config.layout(channels=images.channels, groups=images.groups, numbered=images.numbered)
    return Preparation(
        spec=spec,
        inputs=tuple(os.path.abspath(Path(one).expanduser()) for one in inputs),  # noqa: PTH100
        cluster=cluster,
        listing=listing,
        layout=layout,
        stages={stage.name: stage.prepare(spec.config, listing, layout) for stage in stages},
    )


def check_output(output: Path, *, config: Config, stages: Sequence[Stage[object]]) -> None:
    """Refuse an output folder that cannot be written, or in which other programs' files have the names of ours.

    Raises
    ------
    InputError
        Naming the path.
    """
    existing = next(one for one in (output, *output.parents) if one.exists())
    if not existing.is_dir():
        raise InputError(f"--output: {existing} is a file; give a folder, which need not exist")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"--output: you may not write into {existing}; give a folder of your own")
    for published in (one for stage in stages for one in stage.published(config)):
        published.check(output)


_reserved: ContextVar[Preparation | None] = ContextVar("reserved", default=None)


@contextmanager
def reserved(spec: RunSpec, *, stages: Sequence[Stage[object]]) -> Iterator[Preparation]:
    """Check a run and keep others out of its output folder; the same run inside the block is checked already.

    The command line checks before it starts a server, and the flow, which may come from elsewhere, at its beginning.

    Raises
    ------
    UserError, RunError
        The run is not possible; nothing was started.
    """
    known = _reserved.get()
    if known is not None and known.spec == spec:
        yield known
        return
    preparation = prepare(spec, stages=stages)
    check_cluster(
        preparation.cluster,
        workers=spec.workers,
        needed=spec.config.needed_resources,
        devices=spec.config.devices,
    )
    with only_run_in(spec.output):
        discard_unfinished(spec.output / "work")
        token = _reserved.set(preparation)
        try:
            yield preparation
        finally:
            _reserved.reset(token)
