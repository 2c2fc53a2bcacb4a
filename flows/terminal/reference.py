"""docs/configuration.md, made from the models that check a configuration and from the registered parts.

``python -m flows.terminal.reference > docs/configuration.md`` writes it anew.
"""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from flows.config import Config
from tasks.features import Features, feature_columns
from tasks.features.family import Profile, families_of
from tasks.ingest.readers import readers
from tasks.quality.registry import metrics

Schema = Mapping[str, Any]
"""A JSON schema, or a part of one."""

HEAD = """\
# Configuration

Every key of the YAML that `--config` takes, in the order of the pipeline. This file is generated: change a description
beside the code, then run `.venv/bin/python -m flows.terminal.reference > docs/configuration.md`.

A section left out is a step left out, but for `load`, `features`, `export` and `run`, which have defaults. Either
`mask` (stamps of one cell each) or `segment` (fields of many) is needed. Short forms:

- a method that needs no parameter may be its bare name: `methods: [li]` is `methods: [{method: li}]`;
- entries that have a `name` may be a mapping: `channels: {BF: 0}` is `channels: [{name: BF, source: 0}]`;
- a value that may differ between channels is one number, or `{BF: 0, SSC: 1}`; channels not listed keep the default.
"""

PICTURES = {
    "illumination": [("illumination.png", "`polynomial`: planted light, its correction, and what is left of it")],
    "segment.objects": [
        ("watershed.png", "`watershed`: a low, the default and a high value of four parameters (nuclei of BBBC038)"),
        ("seeded_watershed.png", "`seeded_watershed`: three parameters (cells: NF1, of CytoDataFrame)"),
    ],
}
"""Pictures in docs/ that are shown where a key is described: file name and text."""

BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true`, `false`"}

USE = "use"
"""The method that takes over what another run decided; it shares no parameter with the others of its kind."""


def reference() -> str:
    """Return the text of docs/configuration.md."""
    return "\n".join([HEAD, *_Walk(Config.model_json_schema()).sections()])


class _Walk:
    """A walk through the schema of the configuration, which remembers the methods it has described."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._described: dict[str, Schema] = {}

    def sections(self) -> Iterator[str]:
        for section, field in self._schema["properties"].items():
            yield f"## {section}\n\n{_text(field) or _text(self._inner(field))}\n"
            yield from self._below(section, field)

    def _below(self, path: str, field: Schema) -> Iterator[str]:
        """Describe the keys of a field's model, or the methods that it can be."""
        inner = self._inner(field)
        if _is_union(inner):
            yield from self._methods(inner["anyOf"])
        else:
            yield _table(["key", "value", "default", "meaning"], self._rows(inner))
        for file, text in PICTURES.get(path, ()):
            yield f"![{text.replace('`', '')}]({file})\n\n*{text}*\n"
        for key, child in inner.get("properties", {}).items():
            yield from self._child(f"{path}.{key}", child)

    def _child(self, path: str, field: Schema) -> Iterator[str]:
        inner = self._inner(field)
        equal = [known for known, schema in self._described.items() if schema == inner]
        if path in LISTS:
            yield f"### {path}\n\n{LISTS[path]()}"
        elif _is_union(inner) and equal:
            yield f"### {path}\n\nAs [{equal[0]}](#{equal[0].replace('.', '')}).\n"
        elif _is_union(inner) or ("properties" in inner and not _is_per_channel(inner)):
            self._described[path] = inner
            yield f"### {path}\n\n{_text(inner) or _text(field)}\n"
            yield from self._below(path, field)

    def _inner(self, field: Schema) -> Schema:
        """Return the schema of a field's value, or of the entries of a list."""
        field = self._resolved(field)
        if field.get("type") == "array" and "items" in field:
            return self._inner(field["items"])
        options = [self._resolved(option) for option in field.get("anyOf", ()) if option.get("type") != "null"]
        if len(options) == 1:
            return self._inner(options[0])
        return {"anyOf": options} if options else field

    def _resolved(self, field: Schema) -> Schema:
        """Return the schema to which one refers; any other as it is."""
        return self._schema["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field

    def _methods(self, methods: Sequence[Schema]) -> Iterator[str]:
        """Describe methods, then their parameters: those that all have, and each one's own."""
        by_name: dict[str, Schema] = {schema["properties"]["method"]["const"]: schema for schema in methods}
        rows = [
            [f"`{name}`", _text(schema["properties"]["method"]) or _text(schema)] for name, schema in by_name.items()
        ]
        yield _table(["method", "is"], rows)
        like = [schema["properties"] for name, schema in by_name.items() if name != USE]
        shared = [key for key in like[0] if all(schema.get(key) == like[0][key] for schema in like) and len(like) > 1]
        everyone = f"all but `{USE}`" if USE in by_name else "all"
        rows = [[everyone, *row] for row in self._rows(methods[0], keys=shared)]
        for name, schema in by_name.items():
            own = [key for key in schema["properties"] if key not in (*shared, "method")]
            rows += [[f"`{name}`", *row] for row in self._rows(schema, keys=own)]
        if rows:
            yield _table(["method", "key", "value", "default", "meaning"], rows)

    def _rows(self, model: Schema, *, keys: Sequence[str] | None = None) -> list[list[str]]:
        return [
            [
                f"`{key}`",
                self._type(field),
                "needed" if key in model.get("required", ()) else _default(field.get("default")),
                _text(field),
            ]
            for key, field in model["properties"].items()
            if keys is None or key in keys
        ]

    def _type(self, field: Schema) -> str:
        """Tell what a key's value may be."""
        inner = self._inner(field)
        many = field.get("type") == "array"
        if _is_union(inner):
            return "list of methods" if many else "a method"
        if _is_per_channel(inner):
            return f"{_leaf(inner['properties']['default'])}; or one per channel"
        if "anyOf" in inner:
            return " or ".join(self._type(option) for option in inner["anyOf"])
        if "properties" in inner:
            return "list of entries" if many else "keys, see below"
        return f"list of {_leaf(inner)}" if self._is_list(field) else _leaf(inner)

    def _is_list(self, field: Schema) -> bool:
        return field.get("type") == "array" or any(self._is_list(option) for option in field.get("anyOf", ()))


def _leaf(field: Schema) -> str:
    """Tell what a value without keys may be, with its bounds."""
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field["type"] == "object":
        values = field["additionalProperties"]
        return f"`{{name: {values['type'] if isinstance(values, Mapping) and 'type' in values else 'value'}}}`"
    return " ".join(
        [TYPES[field["type"]], ", ".join(f"{sign} {field[key]:g}" for key, sign in BOUNDS.items() if key in field)]
    ).strip()


def _is_union(schema: Schema) -> bool:
    return all("method" in option.get("properties", ()) for option in schema.get("anyOf", ())) and "anyOf" in schema


def _is_per_channel(schema: Schema) -> bool:
    return str(schema.get("title", "")).startswith("PerChannel")


def _default(value: object) -> str:
    if isinstance(value, Mapping):
        if set(value) == {"default", "channels"}:  # of a value per channel
            return _default(value["default"])
        if "method" in value:
            return f"`{value['method']}`"
        return ", ".join(f"`{{{key}: {inner:g}}}`" for key, inner in value.items() if isinstance(inner, (int, float)))
    if isinstance(value, list):
        return ", ".join(_default(item) for item in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "" if value in (None, "") else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _text(schema: Schema) -> str:
    """Return a description as a table's cell has it: on one line, without what Markdown takes for markup."""
    text = " ".join(inspect.cleandoc(str(schema.get("description", ""))).split("\n\n")[0].split())
    return text.replace("``", "`").replace("|", "\\|").replace("<", "&lt;")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines) + "\n"


def _reader_list() -> str:
    rows = [[f"`{name}`", readers[name].accepted, _first_line(type(readers[name]))] for name in readers.names]
    return _table(["reader", "files", "reads"], rows)


def _metric_list() -> str:
    rows = [[f"`{name}`", _first_line(metrics[name].function)] for name in metrics.names]
    return _table(["metric", "is"], rows)


def _family_list() -> str:
    profiles: tuple[Profile, ...] = get_args(Profile)
    described = {name: family.description for profile in profiles for name, family in families_of(profile).items()}
    rows = [[f"`{n}`", *(_width(n, profile=profile) for profile in profiles), described[n]] for n in sorted(described)]
    return _table(["family", *(f"columns, `{profile}`" for profile in profiles), "measures"], rows)


def _width(name: str, *, profile: Profile) -> str:
    """Tell how many columns a family has: per object, channel or pair of channels."""
    family = families_of(profile).get(name)
    if family is None:
        return ""
    config = Features(profile=profile, families=(name,))
    regions = [("a", False), ("a.combined", True)] if family.frame else [("cell", True)]
    per_channel, two = (len(feature_columns(config=config, channels=c, regions=regions)) for c in (["a"], ["a", "b"]))
    if per_channel == 0:
        return f"{two} per pair of channels"
    return f"{per_channel} per channel" if two > per_channel else f"{per_channel} per mask or object"


def _first_line(documented: object) -> str:
    """Return the first line of a docstring, as what it describes rather than what it does."""
    line = (inspect.getdoc(documented) or "").split("\n")[0]
    text = re.sub("^Return the ", "", line)
    return _text({"description": f"{text[0].upper()}{text[1:]}"})


LISTS = {"load.reader": _reader_list, "features.families": _family_list, "quality.rules.metric": _metric_list}
"""Keys whose values are names of parts."""


if __name__ == "__main__":
    sys.stdout.write(reference())
