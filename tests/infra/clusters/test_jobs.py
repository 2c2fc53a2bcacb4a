"""Job scripts against references that were written by hand from the manuals of the batch systems.

sbatch(1) of Slurm 22.05, qsub(1B) of OpenPBS, qsub(1) of Grid Engine 8.1.9, bsub of IBM Spectrum LSF 10.1, oarsub(1) of
OAR 2.5.9, condor_submit(1) of HTCondor.
"""

import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import dask
import pytest
from distributed.security import Security

from infra.clusters.jobs import CLASSES, describe_job, job_script, job_spec
from infra.clusters.model import Batch
from tests.infra.clusters.standin import condor_arguments

HERE = Path(__file__).parent
KINDS = get_args(Batch.model_fields["kind"].annotation)
SHARED = Path("/home/me/.scip-flows/r1")
SCHEDULER = "tls://10.0.0.1:40000"
PLAIN: dict[str, Any] = {"name": "cpu", "memory": "8 GB"}
RICH: dict[str, Any] = {
    "name": "gpu",
    "queue": "a100",
    "cores": 8,
    "memory": "64 GB",
    "gpus": 2,
    "walltime": "1-12:30:00",
    "account": "lab",
    "interface": "ib0",
    "ports": "40000:40100",
    "resources": {"TPU": 2},
    "prologue": ["module load cuda"],
    "python": "apptainer exec my.sif python",
    "scratch": "/local/$USER",
}
OWN: dict[str, dict[str, Any]] = {
    "slurm": {"qos": "high", "memory_per_core": True, "directives": ["--constraint=ssd"]},
    "pbs": {"directives": ["-l place=scatter"]},
    "sge": {
        "core_directive": "-pe openmp {cores}",
        "memory_directive": "-l h_vmem={mib_per_core}M",
        "directives": ["-R y"],
    },
    "lsf": {"qos": "high", "memory_per_core": True, "directives": ["-app imaging"]},
    "oar": {"memory_directive": '-p "memcore >= {mib_per_core}"', "directives": ["-t besteffort"]},
    "htcondor": {"queue": None, "directives": ["requirements = HasSsd =?= true"]},
}


def batch(kind: str, *pools: dict[str, Any]) -> Batch:
    return Batch.model_validate({"kind": kind, "pools": pools})


def security(folder: Path = SHARED) -> Security:
    paths = {name: str(folder / f"{file}.pem") for name, file in FILES.items()}
    return Security(require_encryption=True, **paths)


FILES = {"tls_ca_file": "ca", "tls_worker_cert": "worker", "tls_worker_key": "key"}


def script(kind: str, pool: dict[str, Any], *, name: str) -> str:
    cluster = batch(kind, pool)
    spec = describe_job(cluster, cluster.pools[0], run="r1", security=security(), shared=SHARED)
    return job_script(spec, scheduler=SCHEDULER, name=name)


def reference(file: str) -> str:
    """Read a reference; in a long command a line that begins with a dash belongs to the one before."""
    text = (HERE / "scripts" / file).read_text(encoding="utf-8").replace("PYTHON", shlex.quote(sys.executable))
    return re.sub(r"\n(?=--)", " ", text).rstrip("\n")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "htcondor"])
@pytest.mark.parametrize(("like", "name"), [("plain", "cpu-0"), ("rich", "gpu-3")])
def test_a_script_asks_what_the_manual_says(kind: str, like: str, name: str) -> None:
    pool = {**RICH, **OWN[kind]} if like == "rich" else PLAIN
    expected = f"#!/bin/bash\n\n{reference(f'{kind}.{like}')}\n{reference(f'{like}.body')}\n"
    assert script(kind, pool, name=name) == expected


@pytest.mark.parametrize(("like", "name"), [("plain", "cpu-0"), ("rich", "gpu-3")])
def test_htcondor_is_given_one_command_line(like: str, name: str) -> None:
    pool = {**RICH, **OWN["htcondor"], "prologue": ["# modules", "module load cuda"]} if like == "rich" else PLAIN
    *head, arguments, executable, queue = filter(None, script("htcondor", pool, name=name).splitlines())
    assert head == ["#!/usr/bin/env condor_submit", *reference(f"htcondor.{like}").splitlines()]
    command = "; ".join(reference(f"{like}.body").splitlines())
    assert condor_arguments(arguments.removeprefix("Arguments = ")) == ["-c", command]
    assert (executable, queue) == ("Executable = /bin/bash", "Queue")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("like", ["plain", "rich"])
def test_the_shell_understands_a_script(kind: str, like: str) -> None:
    pool = {**RICH, **OWN[kind]} if like == "rich" else PLAIN
    text = script(kind, pool, name="x-0")
    if kind == "htcondor":
        (arguments,) = re.findall(r"^Arguments = (.*)$", text, flags=re.MULTILINE)
        text = condor_arguments(arguments)[1]
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@pytest.mark.filterwarnings("ignore:.* has been renamed:FutureWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_users_jobqueue_yaml_changes_our_jobs(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [script(kind, pool, name="x-0") for pool in (PLAIN, {**RICH, **OWN[kind]})]
    section = dask.config.get(f"jobqueue.{kind}")
    lists = {"extra", "job-extra", "env-extra", "header-skip", "worker-extra-args", "job-script-prologue"}
    lists |= {"job-extra-directives", "job-directives-skip", "submit-command-extra", "cancel-command-extra"}
    theirs: dict[str, Any] = {name: ["--theirs"] if name in lists else "theirs" for name in section}
    theirs |= dict.fromkeys(section.keys() & {"cores", "processes", "ncpus", "job-cpu", "mem", "death-timeout"}, 77)
    theirs |= dict.fromkeys(section.keys() & {"memory", "disk", "job-mem"}, "77 GB")
    theirs |= {"project": "theirs", "use-stdin": False, "scheduler-options": {"port": 77}}
    monkeypatch.setenv("PBS_ACCOUNT", "theirs")
    with dask.config.set({f"jobqueue.{kind}": theirs}):
        assert [script(kind, pool, name="x-0") for pool in (PLAIN, {**RICH, **OWN[kind]})] == expected
        cluster = batch(kind, PLAIN)
        spec = describe_job(cluster, cluster.pools[0], run="r1", security=None, shared=SHARED)
        job = spec.cls(scheduler=SCHEDULER, name="x-0", **spec.options)
        assert getattr(job, "use_stdin", True)
        commands = shlex.split(job.submit_command) + shlex.split(job.cancel_command)
        assert commands == [CLASSES[kind].submit_command, CLASSES[kind].cancel_command]


def test_the_memory_limit_is_the_workers_share_not_the_jobs_memory() -> None:
    text = script("slurm", {"name": "cpu", "cores": 4, "memory": "40 GB"}, name="cpu-0")
    assert "#SBATCH --mem=38147M" in text  # 40e9 / 2**20, rounded up
    assert "--memory-limit 8.38GiB --nworkers 4" in text  # 0.9 * 40e9 / 4 / 2**30


def test_a_site_that_wants_no_memory_named_is_not_told() -> None:
    text = script(
        "slurm", {**PLAIN, "memory_directive": "", "gpus": 1, "gpu_directive": "--gpus=a100:{gpus}"}, name="x"
    )
    assert "--mem" not in text.replace("--memory-limit", "")
    assert "#SBATCH --gpus=a100:1\n" in text


def test_variables_are_in_a_file_of_this_user_only_and_arrive_as_they_are(tmp_path: Path) -> None:
    variables = {"PREFECT_API_AUTH_STRING": 'user:it\'s "$HOME" `id`\\', "PREFECT_API_URL": "https://api:4200/api"}
    cluster = batch("slurm", PLAIN)
    spec = job_spec(cluster, cluster.pools[0], run="r1", security=None, shared=tmp_path / "run", environment=variables)
    text = job_script(spec, scheduler=SCHEDULER, name="cpu-0")
    assert "it's" not in text
    file = tmp_path / "run" / "environment.sh"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert (file.parent / "logs").is_dir()
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == ["environment.sh"]
    body = text.replace(f"exec {shlex.quote(sys.executable)}", "env; exit #")
    around = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    ran = subprocess.run(["bash"], input=body, capture_output=True, text=True, check=True, env=around)
    arrived = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    assert {name: arrived[name] for name in variables} == variables
    assert (arrived["OMP_NUM_THREADS"], arrived["TMPDIR"]) == ("1", str(tmp_path))


def test_a_key_that_is_no_path_is_kept_out_of_the_script() -> None:
    cluster = batch("slurm", PLAIN)
    with pytest.raises(ValueError, match="expected paths of certificate, key and authority"):
        describe_job(cluster, cluster.pools[0], run="r1", security=Security.temporary(), shared=SHARED)


def test_a_job_whose_run_is_gone_ends_at_once(tmp_path: Path) -> None:
    cluster = batch("slurm", PLAIN)
    spec = describe_job(cluster, cluster.pools[0], run="r1", security=None, shared=tmp_path / "gone")
    text = job_script(spec, scheduler="tcp://127.0.0.1:1", name="cpu-0")
    ran = subprocess.run(["bash"], input=text, capture_output=True, text=True, check=False, timeout=20)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "gone/environment.sh: No such file or directory" in ran.stderr
