"""Checking a run before anything is started, and keeping others out of its folder."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from flows.config import Config
from flows.engine.example import example_inputs
from flows.engine.lock import only_run_in
from flows.engine.preparation import Preparation, RunSpec
from flows.engine.stage import Stage
from infra.clusters.check import check_cluster
from infra.clusters.find import find_cluster
from tasks.core.errors import InputError
from tasks.core.work import discard_temporary, discard_unfinished
from tasks.export.published import discard_half_written, mend_published
from tasks.ingest.listing import list_images


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
    layout = spec.config.layout(
        channels=images.channels, groups=images.groups, measures=images.measures, numbered=images.numbered
    )
    return Preparation(
        spec=spec,
        inputs=tuple(os.path.abspath(Path(given).expanduser()) for given in inputs),  # noqa: PTH100
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
    existing = next(folder for folder in (output, *output.parents) if folder.exists())
    if not existing.is_dir():
        raise InputError(f"--output: {existing} is a file; give a folder, which need not exist")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"--output: you may not write into {existing}; give a folder of your own")
    for published in (item for stage in stages for item in stage.published(config)):
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
        mend_published(spec.output)
        token = _reserved.set(preparation)
        try:
            yield preparation
        finally:
            _reserved.reset(token)
            with suppress(OSError):  # the disk may be gone, which is told otherwise
                discard_temporary(spec.output / "work")
                discard_half_written(spec.output)
