"""What is read off the JSON schema of a configuration."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]


def resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any part of a schema
    """Put definitions in the place of references to them; what stands beside a reference has precedence."""
    if isinstance(schema, list):
        return [resolved(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: part if key == "default" else resolved(part, definitions) for key, part in schema.items()}
    reference = schema.pop("$ref", None)
    return schema if reference is None else resolved(definitions[reference.rpartition("/")[2]], definitions) | schema


def choices(schema: Schema) -> list[Schema]:
    """Return the choices of a union but null; of anything else itself."""
    return [branch for branch in schema.get("anyOf", [schema]) if branch.get("type") != "null"]


def may_be_null(schema: Schema) -> bool:
    """Whether null is one of the choices of a union."""
    return any(branch.get("type") == "null" for branch in schema.get("anyOf", []))


def method_of(schema: Schema) -> str | None:
    """Return the name of the method that a schema is of; None where it is of none."""
    name: str | None = schema.get("properties", {}).get("method", {}).get("const")
    return name


def is_per_channel(schema: Schema) -> bool:
    """Whether it is a `PerChannel`: a value for all channels, and others for some."""
    return set(schema.get("properties", {})) == {"default", "channels"}
