"""From what stands behind ``--cluster`` to a cluster, and what is wrong with its file."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import yaml
from pydantic import ValidationError

from infra.clusters.model import Address, Batch, Cluster, Local
from tasks.core.errors import ConfigError, as_yaml, suggestion
from tasks.core.explain import explain
from tasks.core.yaml_text import parse_yaml

CLUSTERS = Path(__file__).parent

KINDS: Mapping[str, type[Local | Address | Batch]] = {
    kind: model for model in (Local, Address, Batch) for kind in get_args(model.model_fields["kind"].annotation)
}


def find_cluster(name: str) -> Cluster:
    """Read what stands behind ``--cluster``: a scheduler's address, a YAML file, or a name in infra/clusters.

    Raises
    ------
    ConfigError
        There is no such cluster, or its file is wrong.
    """
    if "://" in name:
        return _validated({"kind": "address", "address": name}, where="--cluster")
    named = {path.stem: path for path in sorted(CLUSTERS.glob("*.yaml"))}
    path = named.get(name) or Path(name)
    if not path.is_file():
        raise ConfigError(
            f"--cluster: got {name!r}, which is no file; give a YAML file, an address such as tls://host:8786, or a "
            f"name; {suggestion(name, named)}"
        )
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"--cluster: {path} cannot be read as YAML: {error}") from error
    return _validated(content, where=f"the cluster file {path}")


def _validated(content: object, *, where: str) -> Cluster:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where}: got {as_yaml(content)}; expected keys and values, such as kind: local")
    kind = content.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise ConfigError(f"{where}: kind: got {as_yaml(kind)}; {suggestion(str(kind), KINDS)}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n  ".join([f"{where}:", *explain(error, data=content, model=model)])) from error
