"""The pipeline, from images of cells to one row of features per cell.

``python -m flows.preprocess --help`` tells how it is run from a terminal.
"""

import os
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from uuid import uuid4

from distributed import Client
from prefect import flow
from prefect.context import FlowRunContext
from prefect_dask import DaskTaskRunner

from flows.config import Config
from flows.correct import correct_over_all
from flows.decide import decide_over_all
from flows.example import example_inputs
from flows.groups import listed_images
from flows.lock import only_run_in
from flows.progress import current_progress
from flows.quarantine import check_quarantined, too_many
from flows.record import Record
from flows.reuse import check_reused, find_rules
from flows.scale import scale_over_all
from flows.stages import Result, Stages
from flows.summary import Summary, summarise
from flows.warm import warm_workers
from infra.cluster import find_cluster
from infra.running import running, settle_resources
from tasks.core.decision import Decision
from tasks.core.digest import digest
from tasks.core.errors import InputChangedError, RunError
from tasks.core.work import discard_unfinished
from tasks.export.publish import PartitionFolders, check_output
from tasks.export.task import export, export_quarantine
from tasks.features.families import feature_columns
from tasks.features.regions import region_list
from tasks.features.task import VERSION as FEATURES_VERSION
from tasks.features.task import extract_partition
from tasks.ingest.listing import Ingested
from tasks.ingest.task import ingest
from tasks.mask.task import VERSION as MASK_VERSION
from tasks.mask.task import mask_partition
from tasks.pixels import Reading
from tasks.quality.task import VERSION as QUALITY_VERSION
from tasks.quality.task import measure_partition
from tasks.segment.task import VERSION as SEGMENT_VERSION
from tasks.segment.task import segment_partition


@flow(name="preprocess", persist_result=False)
def preprocess(
    config: Config,
    inputs: list[str] | None = None,
    output: str = "./output",
    cluster: str = "local",
    workers: int | None = None,
    limit: int | None = None,
) -> Summary:
    """Turn images of cells into one row of features per cell.

    Parameters
    ----------
    config
        What is done to the images.
    inputs
        Files, folders or glob patterns; none: a small example data set is generated.
    output
        Folder of the results; a run into the same folder resumes.
    cluster
        `local`, a cluster of infra/clusters, a YAML file, or a scheduler's address.
    workers
        Worker processes; default one per core.
    limit
        Work on a random sample of so many images.
    """
    folder = Path(output).resolve()
    # Workers may run elsewhere: what is relative is relative to this process. A pattern keeps its wildcards.
    inputs = [os.path.abspath(Path(one).expanduser()) for one in inputs or []]  # noqa: PTH100
    run = uuid4().hex[:12]
    with (
        only_run_in(folder),
        running(find_cluster(cluster), workers=workers, segment=config.run.resources.segment) as runner,
    ):
        check_output(folder)
        discard_unfinished(folder / "work")
        run_pipeline = pipeline.with_options(
            task_runner=runner,  # type: ignore[arg-type] # prefect-dask's futures are not declared as Prefect's
            result_storage=folder / "work" / "results",
        )
        where = inputs or example_inputs(folder, seed=config.run.seed)
        record = Record(folder, run=run, config=config, inputs=where, cluster=cluster, limit=limit)
        try:
            try:
                summary = run_pipeline(config=config, inputs=where, output=str(folder), limit=limit, run=run)
            except InputChangedError:
                summary = run_pipeline(config=config, inputs=where, output=str(folder), limit=limit, run=run)
            check_quarantined(summary.quarantined, images=summary.images, config=config, output=str(folder))
        except BaseException as error:
            record.failed(error)
            raise
        record.done(summary)
    return summary


@flow(name="pipeline", validate_parameters=False, persist_result=False)
def pipeline(*, config: Config, inputs: list[str], output: str, limit: int | None, run: str) -> Summary:
    """Ingest, mask or segment, decide on quality, extract features, export: each stage in tasks of one partition."""
    needs = config.run.resources
    client, progress = _dask_client(), current_progress()
    settle_resources(client, needed=config.needed_resources, devices={})
    warm_workers(client, config=config, progress=progress)
    work = Path(output) / "work"
    stages = Stages(work=work, run=run, retries=config.run.retries, progress=progress)

    # Which images there are, cut into partitions. No pixel is read.
    listed = stages.once(
        "ingest",
        ingest,
        resources=needs.files,
        inputs=inputs,
        config=config.load,
        partition_size=config.run.partition_size,
        limit=limit,
        seed=config.run.seed,
        work=str(work),
    )
    layout = config.layout(channels=listed.channels, groups=listed.groups, numbered=listed.numbered)
    images = listed_images(listed)
    check_reused(config, listed=listed, images=images, layout=layout)
    partitions = [{"partition": one} for one in listed.partitions]
    reading = Reading(channels=listed.channels, layout=layout)

    # The light's shading that all fields have in common.
    corrections = correct_over_all(stages, listed, config=config, reading=reading, output=output)
    reading = reading.model_copy(update={"illumination": corrections})

    # The cells in every image: a mask per stamp, or the objects of a field.
    if config.mask is not None:
        keys = [digest(MASK_VERSION, one.digest, reading.state, config.mask) for one in listed.partitions]
        found = stages.map(
            "mask",
            mask_partition,
            keys=keys,
            each=partitions,
            resources=needs.mask,
            config=config.mask,
            reading=reading,
        )
    else:
        keys = [digest(SEGMENT_VERSION, one.digest, reading.state, config.segment) for one in listed.partitions]
        found = stages.map(
            "segment",
            segment_partition,
            keys=keys,
            each=partitions,
            resources=needs.segment,
            config=config.segment,
            reading=reading,
        )
    _stop_if_too_many_quarantined(stages, config, listed=listed, found=found, output=output)

    # Which of them are kept: metrics of every cell, then one decision over the whole data set.
    decision = Decision(rules=())
    measured: list[Result] = []
    if config.quality is not None:
        quality, known = find_rules(config.quality, images=images, layout=layout)
        keys = [digest(QUALITY_VERSION, one.state, quality.measured) for one in found]
        measured = stages.map(
            "quality metrics",
            measure_partition,
            keys=keys,
            each=[{**own, "found": one.folder} for own, one in zip(partitions, found, strict=True)],
            resources=needs.quality,
            config=quality,
            reading=reading,
        )
        decision = decide_over_all(
            stages, measured, config=quality, known=known, layout=layout, resources=needs.quality
        )

    # What the stages below read of each partition, and what they depend on.
    metrics = [one.folder for one in measured] if measured else [None for _ in found]
    judged = [(one.state, metric.key if metric else "") for one, metric in zip_longest(found, measured)]
    cells = [
        {**own, "found": one.folder, "metrics": folder}
        for own, one, folder in zip(partitions, found, metrics, strict=True)
    ]

    # The scale of their pixels.
    scaled = scale_over_all(
        stages,
        listed,
        states=judged,
        cells=cells,
        decision=decision,
        config=config,
        reading=reading,
        output=output,
    )
    reading = reading.model_copy(update={"scaling": scaled})

    # What they look like.
    features = stages.map(
        "features",
        extract_partition,
        keys=[digest(FEATURES_VERSION, one, decision.thresholds, reading.state, config.features) for one in judged],
        each=cells,
        resources=needs.features,
        config=config.features,
        decision=decision,
        reading=reading,
    )

    # The tables that people read.
    folders = [
        PartitionFolders(number=number, found=one.folder, metrics=metric, features=feature.folder)
        for number, (one, metric, feature) in enumerate(zip(found, metrics, features, strict=True))
    ]
    exported = stages.once(
        "export",
        export,
        resources=needs.files,
        output=output,
        listed=listed.folder,
        partitions=folders,
        decision=decision,
        layout=layout,
        config=config.export,
        run=run,
    )
    columns = feature_columns(config=config.features, channels=layout.channels, regions=region_list(layout))
    return summarise(exported, listed=listed, output=output, columns=len(columns), stages=stages.counts)


def _dask_client() -> Client:
    context = FlowRunContext.get()
    if context is None or not isinstance(context.task_runner, DaskTaskRunner):
        raise RunError("the pipeline needs a DaskTaskRunner; call preprocess, which makes one")
    return context.task_runner.client


def _stop_if_too_many_quarantined(
    stages: Stages, config: Config, *, listed: Ingested, found: Sequence[Result], output: str
) -> None:
    """Stop before the costly part where too many images could not be read, but tell which and why."""
    quarantined = listed.faults + sum(one.made.counts["quarantined"] for one in found)
    images = listed.images + listed.faults
    if too_many(quarantined, images=images, config=config):
        stages.once(
            "quarantine",
            export_quarantine,
            resources=config.run.resources.files,
            output=output,
            listed=listed.folder,
            found=[one.folder for one in found],
        )
        check_quarantined(quarantined, images=images, config=config, output=output)


if __name__ == "__main__":
    from flows.cli import main

    main()
