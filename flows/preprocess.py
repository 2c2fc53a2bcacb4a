"""The pipeline, from images of cells to one row of features per cell: ``python -m flows.preprocess --help``."""

if __name__ == "__main__":  # before the imports: --help and --plan need neither Prefect nor Dask
    from flows.terminal.cli import main

    main(flow="flows.preprocess:preprocess")

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from prefect import flow

from flows.engine.flow_run import cancelled_state
from flows.engine.image_notes import redone_images
from flows.engine.preparation import Preparation, RunSpec
from flows.engine.prepare import prepare, reserved
from flows.engine.quarantine import QuarantineLimit, TooManyQuarantinedError
from flows.engine.start import started
from flows.engine.stop import Stopped
from flows.engine.summary import Summary, summarize
from flows.form.parameters import (
    CLUSTER,
    CONFIG,
    CONFIG_FILE,
    INPUTS,
    LIMIT,
    OUTPUT,
    WORKERS,
    ConfigField,
    CountField,
    ListField,
    chosen_config,
)
from flows.pipeline import PIPELINE
from flows.stages.cells import find_cells
from flows.stages.export import export_quarantine, export_tables, published_files
from flows.watching.names import flow_run_name
from flows.watching.states import completed_state, failed_state
from flows.watching.watching import conclude, introduce
from tasks.core.errors import InputChangedError, RunError, UserError


@flow(name="preprocess", flow_run_name=flow_run_name, persist_result=False)
def preprocess(
    config: ConfigField = CONFIG,
    config_file: str = CONFIG_FILE,
    inputs: ListField = INPUTS,
    output: str = OUTPUT,
    cluster: str = CLUSTER,
    workers: CountField = WORKERS,
    limit: CountField = LIMIT,
) -> Summary:
    """Turn images of cells into one row of features per cell.

    Parameters
    ----------
    config
        What is done to the images: a configuration, or what parse_config takes.
    config_file
        In place of it: a YAML file, or the name of one in deployments/configs.
    inputs
        Files, folders or glob patterns; none: a small example data set is generated.
    output
        Folder of the results; a run into the same folder resumes.
    cluster
        `local`, a cluster of infra/clusters, a YAML file, or a scheduler's address.
    workers
        Worker processes; none or 0: one per core.
    limit
        Work on a random sample of so many images; none or 0: all.

    Raises
    ------
    ConfigError
        There is no configuration, or both.
    """
    spec = RunSpec(
        config=chosen_config(config, config_file),
        inputs=tuple(inputs or ()),
        output=Path(output).resolve(),
        cluster=cluster,
        workers=workers or None,
        limit=limit or None,
    )
    introduce(spec)
    try:
        with reserved(spec, stages=PIPELINE) as preparation:
            try:
                summary = run(preparation)
            except InputChangedError as error:  # what depended on those images has been discarded
                again = prepare(spec, stages=PIPELINE)
                summary = run(again, redone=redone_images(preparation.listing, again.listing, error=error))
        conclude(summary)
        state = completed_state(summary)
    except Stopped as stopped:
        state = cancelled_state(stopped)
    except (UserError, RunError) as error:
        state = failed_state(error)
    return cast("Summary", state)  # Prefect takes it as the flow run's own, and gives callers what it holds


def run(preparation: Preparation, *, redone: Sequence[str] = ()) -> Summary:
    """Send a data set through the pipeline, inside a flow run; `redone` names images that changed meanwhile."""
    data = preparation.dataset
    with started(preparation, stages=PIPELINE) as (execution, record):
        try:
            for stage in PIPELINE:
                if stage is export_tables:
                    execution.wait(data.handles)
                    record.publishing()
                data = stage(execution, data)
                if stage is find_cells and data.devices is not None:
                    record.found_on(data.devices, tell=execution.progress.note)
            record.published(published_files(execution, data, stages=PIPELINE))
        except TooManyQuarantinedError:
            QuarantineLimit.of(preparation).check(export_quarantine(execution, data))  # those on their way count too
            raise
        summary = summarize(execution, data, redone=redone)
        QuarantineLimit.of(preparation).check(summary.quarantined)
        record.done(summary, hardware=execution.hardware)
    return summary
