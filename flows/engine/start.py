"""From a run that was found possible to one that goes on: its workers, its record, its way of submitting tasks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from uuid import uuid4

from distributed import Client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from flows.engine.convictions import Convictions
from flows.engine.dispatch import Dispatcher
from flows.engine.execution import Execution
from flows.engine.flow_run import FlowRunPlace, close_predecessor, close_tasks, watching_for_cancel
from flows.engine.forecast import watch_outlasting
from flows.engine.kernels import WarmKernels, prepare_workers
from flows.engine.pace import Pace
from flows.engine.preparation import Preparation
from flows.engine.progress import Progress
from flows.engine.record import Record
from flows.engine.stage import Stage
from flows.engine.stop import current_stop
from flows.engine.submission import PrefectSubmitter, Submitter
from flows.engine.timeline import write_timeline
from flows.watching.watching import watching
from infra.clusters.check import worker_memory
from infra.clusters.model import Batch, Cluster
from infra.pool_worker import OUTLASTING
from infra.resources import Offer
from infra.running import Workers, running, settle_resources
from tasks.core.errors import RunError
from tasks.core.storage_errors import StorageError
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
    record = Record(preparation, run_id=run_id, flow_run=FlowRunPlace.of(context.flow_run))
    warm_up = WarmKernels([stage.kernels for stage in stages], config=config)
    stop = current_stop()
    try:
        with (
            running(
                preparation.cluster,
                workers=spec.workers,
                segment=config.run.resources.segment,
                run_id=run_id,
                prepare=warm_up.compile,
            ) as workers,
            workers.runner as runner,
            context.model_copy(update={"task_runner": runner}),
            watching(preparation, run_id=run_id, stages=stages) as (progress, watcher),
            progress,
        ):
            workers.on_line(progress.note)
            submitter = _submitter(preparation, workers=workers, run_id=run_id)
            with _interruptible(submitter, flow_run=context.flow_run, workers=workers, cluster=preparation.cluster):
                resources = _get_ready(preparation, client=runner.client, warm_up=warm_up, progress=progress)
                dispatcher = supervised(submitter, preparation=preparation, tell=progress.note)
                execution = Execution(
                    preparation,
                    run_id=run_id,
                    resources=resources,
                    dispatcher=dispatcher,
                    progress=progress,
                    watcher=watcher,
                )
                try:
                    yield execution, record
                finally:
                    with suppress(StorageError):  # how the run ended is what counts
                        write_timeline(spec.output / "work", execution.timeline)
    except BaseException as error:
        close_tasks(context.flow_run)
        if stop is not None and stop.error is not None:  # whatever that made of the interrupt
            record.ended(stop.error)
            raise stop.error from error
        record.ended(error)
        raise


def _submitter(preparation: Preparation, *, workers: Workers, run_id: str) -> PrefectSubmitter:
    return PrefectSubmitter(
        workers.runner.client,
        storage=preparation.spec.output / "work" / RESULTS,
        run_id=run_id,
        retries=preparation.spec.config.run.retries,
        memory_bytes=worker_memory(preparation.cluster),
        ask=workers.ask,
    )


@contextmanager
def _interruptible(
    submitter: PrefectSubmitter, *, flow_run: FlowRun, workers: Workers, cluster: Cluster
) -> Iterator[None]:
    """Within the block what ends a run from outside comes up where it waits for results."""
    stop = current_stop()
    interrupt = stop.interrupt if stop else submitter.interrupt
    with ExitStack() as stack:
        if stop is not None:
            stack.enter_context(stop.handed_to(submitter.interrupt))
        stack.enter_context(watching_for_cancel(flow_run, interrupt=interrupt))
        workers.on_failure(interrupt)
        if isinstance(cluster, Batch):
            watch = watch_outlasting(cluster.pools, give_up=interrupt)
            workers.runner.client.subscribe_topic(OUTLASTING, watch)  # type: ignore[no-untyped-call]
        yield


def _get_ready(
    preparation: Preparation, *, client: Client, warm_up: WarmKernels, progress: Progress
) -> Mapping[str, Offer]:
    """Tell what each stage needs of its workers, and have them make kernels ready."""
    config = preparation.spec.config
    resources = settle_resources(
        client, cluster=preparation.cluster, needed=config.needed_resources, devices=config.devices
    )
    if not isinstance(preparation.cluster, Batch):  # whose workers do so before they connect
        kernels = progress.stage("kernels", total=1)
        kernels.begin()
        prepare_workers(client, warm_up)
        kernels.advance()
    return resources


def supervised(submitter: Submitter, *, preparation: Preparation, tell: Callable[[str], None]) -> Dispatcher:
    """Supervise the tasks of a run, with what earlier runs have learnt of its images."""
    limit, listing = preparation.spec.config.run.time_limit, preparation.listing
    work = preparation.spec.output / "work"
    convictions = Convictions(work, index=listing.index, memory_bytes=submitter.memory_bytes, time_limit=limit)
    sizes, typical = listing.index["size"].to_list(), listing.images.bytes_per_image
    pace = Pace(sizes, bytes_per_image=typical, limit=limit)
    pools = preparation.cluster.pools if isinstance(preparation.cluster, Batch) else ()
    return Dispatcher(submitter, work=work, convictions=convictions, pace=pace, tell=tell, pools=pools)
