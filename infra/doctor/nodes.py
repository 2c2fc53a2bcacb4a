"""What the jobs of the doctor tell of a pool, as checks."""

from collections.abc import Iterator, Mapping

from infra.clusters.model import Batch
from infra.doctor.batch_system import QUEUE_LISTS
from infra.doctor.check import Check
from infra.doctor.jobs import Outcome
from infra.doctor.machine import INSTALL, check_computing, node_gpus, node_scratch, same_packages, same_python
from infra.doctor.probe import Report

TARGETS: Mapping[str, str] = {
    "scheduler": "name as `interface` of the cluster file the network interface of this machine that nodes share (ip "
    "address), and as `ports` a range that the firewall lets through",
    "Prefect API": "set PREFECT_API_URL to an address that nodes reach, with the host's name in place of localhost; or "
    "leave it unset, and the run starts its own beside its scheduler, on another of `ports`",
}
"""What a node has to reach on this machine, and what to do where it does not."""


def judge(batch: Batch, outcome: Outcome, *, here: Report) -> list[Check]:
    """Tell what a job says of its pool."""
    name = f"pool {outcome.pool.name}"
    return [
        Check(name=f"{name}: {check.name}", ok=check.ok, seen=check.seen, remedy=check.remedy)
        for check in _checks(batch, outcome, here=here)
    ]


def _checks(batch: Batch, outcome: Outcome, *, here: Report) -> Iterator[Check]:
    node = outcome.report
    if node is None:
        yield _failure(batch, outcome)
        return
    yield Check(name="a job starts", ok=True, seen=f"it reported from {node['host']} after {outcome.seconds:.0f} s")
    yield same_python(here, node)
    yield same_packages(here, node)
    if outcome.pool.gpus:
        yield node_gpus(node, asked=outcome.pool.gpus)
    yield from check_computing(node)
    yield node_scratch(node)
    for target, problem in node["unreachable"].items():
        yield Check(
            name=f"reaches the {target}",
            ok=not problem,
            seen=f"{node['host']}: {problem or 'yes'}",
            remedy=TARGETS[target],
        )
    yield from sees(node)


def sees(node: Report) -> Iterator[Check]:
    """Check that a node sees what it was asked for."""
    for path, problem in node["unseen"].items():
        yield Check(
            name=f"sees {path}",
            ok=not problem,
            seen=f"{node['host']}: {problem or 'yes'}",
            remedy="move it to a folder that nodes see under the same path, such as one in your home folder",
        )


def _failure(batch: Batch, outcome: Outcome) -> Check:
    """Tell why a job did not report, and what to do about it."""
    queues = QUEUE_LISTS[batch.kind]
    unseen = (
        f"nodes may not see {batch.folder}: name as `folder` of the cluster file one that they see under the same "
        "path, such as one in your home folder, not in /tmp"
    )
    if outcome.state == "rejected":
        seen = outcome.words
        remedy = (
            "compare queue, account, qos, cores, memory, walltime and directives of the pool with what your site "
            f"allows ({queues} lists queues); python -m infra.job_script prints the script"
        )
    elif outcome.state == "waiting":
        seen = f"{outcome.words} still waits in {outcome.pool.queue or 'the queue'}"
        remedy = f"wait longer (--wait 3600), or choose another queue ({queues}) or a smaller job"
    elif outcome.state == "running":
        seen = f"{outcome.words} runs, but has not reported"
        remedy = f"wait longer (--wait 3600), or see whether `prologue` or `python` hangs; {unseen}"
    elif outcome.words:
        seen = f"the job ended without a report; its log says: {outcome.words}"
        remedy = "mend `prologue` or `python` of the pool; the project has to be installed in that Python: " + INSTALL
    else:
        seen, remedy = f"the job ended without a report, and left no log in {batch.folder}", unseen
    return Check(name="a job starts", ok=False, seen=seen, remedy=remedy)
