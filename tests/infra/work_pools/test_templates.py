"""What work pools say of their flow runs, as Prefect reads it; the files of deployments; the unit of a worker."""

import configparser
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate
from prefect.utilities.templating import apply_values
from prefect.workers.process import ProcessJobConfiguration
from typer.testing import CliRunner

from flows.preprocess import preprocess
from infra.work_pools.__main__ import app
from infra.work_pools.automations import FLOWS
from infra.work_pools.template import hpc_template, workstation_template

PROJECT = Path(__file__).resolve().parents[3]
FILES = ("prefect.yaml", "hpc.yaml")


def configured(template: dict[str, Any], **values: Any) -> ProcessJobConfiguration:  # noqa: ANN401
    """Fill in a template as a worker does, by its variables alone."""
    variables = template["variables"]["properties"]
    defaults = {name: variable["default"] for name, variable in variables.items() if "default" in variable}
    return ProcessJobConfiguration.model_validate(apply_values(template["job_configuration"], {**defaults, **values}))


def deployments(name: str) -> list[dict[str, Any]]:
    content = yaml.safe_load((PROJECT / "deployments" / name).read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = content["deployments"]
    return found


def test_a_workstations_flow_runs_are_processes_in_the_folder(tmp_path: Path) -> None:
    job = configured(workstation_template(folder=tmp_path), env={"A": "b"})
    assert (job.command, job.working_dir, job.env["A"]) == (f"{sys.executable} -m prefect.engine", tmp_path, "b")


def test_those_of_a_batch_system_are_submitted_by_its_cluster_file(tmp_path: Path) -> None:
    template = hpc_template(folder=tmp_path, cluster="/shared/my slurm.yaml", pool="cpu")
    job = configured(template)
    assert job.command is not None
    assert shlex.split(job.command)[1:] == [
        *("-m", "infra.work_pools.job", "--cluster", "/shared/my slurm.yaml", "--pool", "cpu")
    ]
    other = configured(template, job_pool="gpu", command="rm -rf /")
    assert other.command is not None
    assert other.command.endswith("--pool 'gpu'")
    assert "rm" not in shlex.split(other.command)


@pytest.mark.parametrize("name", FILES)
def test_parameters_of_deployments_are_such_as_the_server_takes(name: str) -> None:
    schema = parameter_schema(preprocess).model_dump_for_openapi()
    given = [entry["parameters"] for entry in deployments(name) if "parameters" in entry]
    assert len(given) == 1
    assert [validate(parameters, schema, raise_on_error=True) for parameters in given] == [[]]


@pytest.mark.parametrize("name", FILES)
def test_nothing_runs_at_night_before_somebody_has_said_what(name: str) -> None:
    schedules = [schedule for entry in deployments(name) for schedule in entry.get("schedules", [])]
    assert [schedule["active"] for schedule in schedules] == [False]


def test_deployments_have_names_of_their_own_and_a_flow_that_automations_are_about() -> None:
    entries = [entry for name in FILES for entry in deployments(name)]
    assert [entry["name"] for entry in entries] == ["workstation", "nightly", "hpc", "hpc-nightly"]
    assert {entry["entrypoint"].rpartition(".")[2] for entry in entries} <= set(FLOWS)


def test_the_unit_starts_the_worker_of_the_pool(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["workstation", "--unit", "--name", "mine", "--folder", str(tmp_path)])
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(ran.stdout)
    assert parser["Service"]["WorkingDirectory"] == str(tmp_path)
    program, *arguments = shlex.split(parser["Service"]["ExecStart"])
    assert Path(program).is_file()
    assert arguments == ["worker", "start", "--pool", "mine"]
    assert parser["Install"]["WantedBy"] == "default.target"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["workstation"], "expected one of --up, --down and --unit"),
        (["workstation", "--up", "--down"], "expected one of --up, --down and --unit"),
        (["workstation", "--up", "--folder", "nowhere"], "which is no folder"),
        (["hpc", "--up"], "hpc needs a cluster file"),
        (["hpc", "--up", "--cluster", "local"], "expected one of a batch system"),
        (["hpc", "--up", "--cluster", "slurm", "--pool", "gpus"], "did you mean 'gpu'?"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments: list[str], message: str) -> None:
    ran = CliRunner().invoke(app, arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert message in " ".join(ran.stderr.split())
