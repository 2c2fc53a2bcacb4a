"""The examples of cluster files, and the command that prints their job scripts without submitting any."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.clusters.find import CLUSTERS, find_cluster
from infra.clusters.model import Batch, Local
from infra.job_script import app

PROJECT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted(path.stem for path in CLUSTERS.glob("*.yaml"))


def test_there_is_an_example_for_each_of_these() -> None:
    assert EXAMPLES == ["local", "lsf", "pbs", "sge", "slurm", "workstation_gpu"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid_and_says_what_to_change(name: str) -> None:
    cluster = find_cluster(name)
    text = (CLUSTERS / f"{name}.yaml").read_text(encoding="utf-8")
    if isinstance(cluster, Batch):
        assert cluster.kind == name
        assert [bool(pool.gpus) for pool in cluster.pools] == [False, True]
    else:
        assert isinstance(cluster, Local)
    assert ("<-" in text) == (name != "local")
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("name", ["lsf", "pbs", "sge", "slurm"])
def test_the_scripts_of_all_pools_are_printed_and_no_folder_is_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ran = CliRunner().invoke(app, [name])
    assert ran.exit_code == 0, ran.output
    assert re.findall(r"^# pool (\w+)$", ran.stdout, flags=re.MULTILINE) == ["cpu", "gpu"]
    assert ran.stdout.count("#!/bin/bash") == ran.stdout.count("tls://SCHEDULER:PORT") == 2
    assert ran.stdout.count("--resources CPU=1 ") == ran.stdout.count("--resources GPU=1 ") == 1
    assert not (tmp_path / ".scip-flows").exists()


def test_one_script_is_printed_as_it_would_be_submitted() -> None:
    ran = CliRunner().invoke(app, ["slurm", "--pool", "gpu"])
    assert ran.stdout.startswith("#!/bin/bash\n\n#SBATCH --job-name=scip-RUN-gpu\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["local"], "the cluster 'local' is of kind local, which has no jobs"),
        (["slurm", "--pool", "gpus"], "--pool: got 'gpus'; allowed: cpu, gpu; did you mean 'gpu'?"),
        (["nowhere.yaml"], "got 'nowhere.yaml', which is no file"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments: list[str], message: str) -> None:
    ran = CliRunner().invoke(app, arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert message in ran.stderr


def test_help_needs_neither_prefect_nor_dask() -> None:
    code = "import sys, infra.job_script; print({'prefect', 'dask', 'distributed'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
