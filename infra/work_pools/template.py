"""What a work pool says of its flow runs, and what of it can be changed for one deployment or run."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENGINE = ("-m", "prefect.engine")
"""What Python runs for a flow run."""

COMMAND = ("-m", "infra.work_pools.job")
"""What it runs in place of one that a batch system's job carries out."""

WORKING_DIR = {
    "title": "Folder",
    "type": "string",
    "description": "Relative paths of inputs and outputs begin here.",
}

ENVIRONMENT = {
    "title": "Environment variables",
    "type": "object",
    "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "description": "Set for the flow run, besides those of the worker.",
}

CLUSTER_FILE = {
    "title": "Cluster file",
    "type": "string",
    "description": "Says in what kind of job the flow run is carried out: a name or YAML file of infra/clusters.",
}

JOB_POOL = {
    "title": "Pool of the cluster file",
    "type": "string",
    "description": "Whose cores, memory and walltime the job has.",
}


def workstation_template(*, folder: Path) -> dict[str, Any]:
    """Describe flow runs that are processes of the worker's machine.

    Parameters
    ----------
    folder
        Where relative paths begin, unless a deployment says otherwise.
    """
    variables = {"env": ENVIRONMENT, "working_dir": WORKING_DIR | {"default": str(folder)}}
    # Without a command Prefect would copy the folder into one of the run's own.
    return _template(shlex.join([sys.executable, *ENGINE]), variables=variables)


def hpc_template(*, folder: Path, cluster: str, pool: str) -> dict[str, Any]:
    """Describe flow runs that are jobs of a batch system, which a small process of the worker's machine submits.

    The command is no variable: who may start a run chooses among the pools of cluster files, not among programs.

    Parameters
    ----------
    folder
        As of a workstation's; nodes have to see it.
    cluster, pool
        Cluster file, and the pool of it whose jobs flow runs are.
    """
    variables = {
        "env": ENVIRONMENT,
        "working_dir": WORKING_DIR | {"default": str(folder)},
        "cluster_file": CLUSTER_FILE | {"default": cluster},
        "job_pool": JOB_POOL | {"default": pool},
    }
    command = f"{shlex.join([sys.executable, *COMMAND])} --cluster '{{{{ cluster_file }}}}' --pool '{{{{ job_pool }}}}'"
    return _template(command, variables=variables)


def _template(command: str, *, variables: Mapping[str, Any]) -> dict[str, Any]:
    job = {"command": command, "env": "{{ env }}", "working_dir": "{{ working_dir }}"}
    return {"job_configuration": job, "variables": {"type": "object", "properties": dict(variables)}}
