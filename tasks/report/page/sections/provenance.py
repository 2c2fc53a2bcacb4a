"""From what, with what and how the tables were made, and how to make them again."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tasks.report.page.gather import Gathered
from tasks.report.page.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceSection:
    """Facts with their names, versions of packages, the configuration as YAML, and the command that repeats the run."""

    facts: Sequence[tuple[str, str]]
    versions: Mapping[str, str]
    configuration: str
    command: str


def provenance_section(gathered: Gathered) -> ProvenanceSection:
    """Tell where the tables come from."""
    record = gathered.facts.record
    inputs = [str(path) for path in record.get("inputs") or ()]
    limit = record.get("limit")
    devices = record.get("devices") or {}
    facts = [
        ("input", ", ".join(inputs) or "the generated example"),
        ("sample", f"{count(limit)} images at random" if limit else "all images"),
        ("began", str(record.get("started", "")).replace("T", " ").replace("+00:00", " UTC")),
        ("workers", str(record.get("cluster", ""))),
        ("device", ", ".join(f"{name}: {kind}" for name, kind in devices.items()) or record.get("device")),
        ("run", str(record.get("run", ""))),
        ("digest of the configuration", str(record.get("digest", ""))),
    ]
    command = ["python", "-m", "flows.preprocess", "--config", "run.json", "--output", "repeated"]
    return ProvenanceSection(
        facts=tuple((name, str(value)) for name, value in facts if value),
        versions={"python": str(record.get("python", "")), **record.get("versions", {})},
        configuration=yaml.safe_dump(
            _without_nothing(gathered.facts.configuration), sort_keys=False, allow_unicode=True, width=96
        ),
        command=shlex.join(command),
    )


def _without_nothing(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    """Leave out keys without a value, which are the default."""
    if isinstance(value, Mapping):
        return {key: _without_nothing(own) for key, own in value.items() if own is not None}
    return [_without_nothing(own) for own in value] if isinstance(value, list) else value
