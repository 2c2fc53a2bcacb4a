"""From a run that was found possible to one that goes on: its workers, its record, its way of submitting tasks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from prefect.context import FlowRunContext

from flows.engine.execution import Execution
from flows.engine.flow_run import FlowRunPlace, close_predecessor, watching_for_cancel
from flows.engine.kernels import WarmKernels
from flows.engine.preparation import Preparation
from flows.engine.progress import current_progress
from flows.engine.record import Record
from flows.engine.stage import Stage
from flows.engine.stop import current_stop
from flows.engine.submission import PrefectSubmitter
from infra.running import running, settle_resources
from tasks.core.errors import RunError
from tasks.core.work import RESULTS


@contextmanager
def started(preparation: Preparation, *, stages: Sequence[Stage[object]]) -> Iterator[tuple[Execution, Record]]:
    """Start the workers of a run inside its flow run, and stop them at the end; keep run.json.

    The task runner is chosen by the flow's parameters, which a decorator cannot know, so it takes the place of the one
    that Prefect gave the flow run.

    Raises
    ------
    ConfigError
        No worker offers what a stage needs.
    RunError
        There is no flow run.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RunError("a run needs a Prefect flow run around it; call preprocess, which is a flow")
    spec, config = preparation.spec, preparation.spec.config
    close_predecessor(spec.output)
    run_id = uuid4().hex[:12]
    record = Record(preparation, run_id=run_id, flow_run=FlowRunPlace.here(context.flow_run))
    submitter = PrefectSubmitter(storage=spec.output / "work" / RESULTS, run_id=run_id, retries=config.run.retries)
    stop = current_stop()
    try:
        with (
            watching_for_cancel(context.flow_run, interrupt=stop.interrupt if stop else submitter.interrupt),
            running(preparation.cluster, workers=spec.workers, segment=config.run.resources.segment) as runner,
            runner,
            context.model_copy(update={"task_runner": runner}),
            current_progress() as progress,
        ):
            resources = settle_resources(runner.client, needed=config.needed_resources, devices=config.devices)
            kernels = progress.stage("kernels", total=1)
            kernels.begin()
            runner.client.register_plugin(WarmKernels([stage.kernels for stage in stages], config=config))
            kernels.advance()
            yield (
                Execution(
                    preparation, run_id=record.run_id, resources=resources, submitter=submitter, progress=progress
                ),
                record,
            )
    except BaseException as error:
        if stop is not None and stop.error is not None:  # whatever that made of the interrupt
            record.ended(stop.error)
            raise stop.error from error
        record.ended(error)
        raise
