"""A run that ends while its jobs are being submitted leaves none in the queue."""

import time
from functools import partial
from pathlib import Path

import dask
import pytest

from infra.clusters.demand import Demand
from infra.clusters.job_states import queued_jobs
from infra.clusters.model import Batch
from infra.clusters.start import pool_cluster
from infra.running import DASK_SETTINGS, WORKER_SETTINGS

pytestmark = pytest.mark.slow

PROGRAMS = {
    # accepts a job when it is nearly too late
    "sbatch": """#!/bin/sh
sleep 2
exec 9>"$QUEUE.lock"; flock 9
number=$(ls "$QUEUE" | wc -l)
sed -n 's/^#SBATCH.*job-name=//p; s/^#SBATCH -J //p' "$1" | head -n 1 > "$QUEUE/$number.job"
touch "$QUEUE/$number.submitted"
echo "Submitted batch job $number"
""",
    "squeue": """#!/bin/sh
for job in "$QUEUE"/*.job; do
    [ -e "$job" ] && echo "$(basename "$job" .job)|PENDING|$(cat "$job")"
done
exit 0
""",
    "scancel": """#!/bin/sh
for number in "$@"; do rm -f "$QUEUE/$number.job"; done
""",
}


@pytest.mark.parametrize("after", [0.5, 2.5, 5.0])
def test_jobs_under_way_are_cancelled_and_the_others_not_submitted(
    after: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs := tmp_path / "bin").mkdir()
    (queue := tmp_path / "queue").mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("QUEUE", str(queue))
    monkeypatch.setattr("infra.clusters.pools.STEP_SECONDS", 0.2)
    pool = {"memory": "1 GB", "maximum": 12}
    batch = Batch.model_validate(
        {"kind": "slurm", "interface": "lo", "folder": str(tmp_path / "jobs"), "pools": {"cpu": pool}}
    )
    with (
        dask.config.set(DASK_SETTINGS),
        pool_cluster(batch, run_id="closing", settings=WORKER_SETTINGS, prepare=partial(int)) as cluster,
    ):
        cluster.ask(Demand(ahead={frozenset({("CPU", 1.0)}): 500}))
        time.sleep(after)
    submitted = len(list(queue.glob("*.submitted")))
    assert list(queued_jobs("slurm")) == []
    time.sleep(3)
    assert len(list(queue.glob("*.submitted"))) == submitted <= (12 if after > 4 else 11)
    assert list((tmp_path / "jobs").glob("scip-flows-*")) == []
