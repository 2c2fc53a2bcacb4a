"""The configuration as a form: what the Prefect UI shows of it, and what its API takes.

Prefect's UI draws a form from the JSON schema of the flow's parameters, and its server refuses parameters that the same
schema does not admit. The form should offer one way to say a thing; the server has to admit all of them, such as
``channels: {BF: 0}`` beside a list of entries. Both are made from the one model, `flows.config.Config`:

`shown` is what the UI draws. A union is tabs (``anyOf``), a step that is off is a tab without fields, what may be left
out is a plain field without a default. Mappings of anything, which the UI could only show as JSON, are left to files.

`admitted` is what the server checks: each section in its long and its short forms, method by method, so that a mistake
is reported at its field.

A section has both: `shown` as its ``anyOf`` and `admitted` as its ``allOf``. The UI looks at ``anyOf`` first, and
Prefect's server puts ``anyOf: [type, null]`` in its place in an optional property that has a ``type`` and no default
(`prefect.utilities.schema_tools.validation.preprocess_schema`).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import core_schema

import deployments
from flows.config import Config, load_config, parse_config
from tasks.core.errors import ConfigError, suggestion

Schema = dict[str, Any]

CONFIGS = Path(deployments.__file__).with_name("configs")
"""Configurations that come with the program."""

PLAIN = {"integer": "Number", "number": "Number", "string": "Text", "array": "List", "boolean": "Yes or no"}
"""Names of tabs whose choice has none of its own."""

OFF: Schema = {"type": "object", "title": "Off", "maxProperties": 0}
"""A tab without fields."""


@cache
def config_schema() -> Schema:
    """Return the JSON schema of the parameter ``config``, without references."""
    schema = Config.model_json_schema()
    definitions = schema.get("$defs", {})
    sections = {key: _resolved(value, definitions) for key, value in schema["properties"].items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: {
                "title": section.get("title", _words(key)),
                "description": section["description"],
                "position": position,
                "type": "object",
                "anyOf": list(_tabs(section)),
                "if": {"type": "object"},
                "then": admitted(section),
            }
            for position, (key, section) in enumerate(sections.items())
        },
    }


def _resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any part of a schema
    """Put definitions in the place of references to them; what stands beside a reference has precedence."""
    if isinstance(schema, list):
        return [_resolved(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: part if key == "default" else _resolved(part, definitions) for key, part in schema.items()}
    reference = schema.pop("$ref", None)
    return schema if reference is None else _resolved(definitions[reference.rpartition("/")[2]], definitions) | schema


def _branches(schema: Schema) -> list[Schema]:
    """Return the choices of a union but null; of anything else itself."""
    return [branch for branch in schema.get("anyOf", [schema]) if branch.get("type") != "null"]


def _may_be_null(schema: Schema) -> bool:
    return any(branch.get("type") == "null" for branch in schema.get("anyOf", []))


def _method(schema: Schema) -> str | None:
    """Return the name of the method that a schema is of; None where it is of none."""
    name: str | None = schema.get("properties", {}).get("method", {}).get("const")
    return name


def _is_per_channel(schema: Schema) -> bool:
    return set(schema.get("properties", {})) == {"default", "channels"}


def _words(key: str) -> str:
    return key.replace("_", " ").capitalize()


# What the UI draws.


def _tabs(section: Schema) -> Iterator[Schema]:
    """Yield the choices of a section: as it is when nothing is said, then what can be said."""
    default = section.get("default")
    yield OFF if default is None else OFF | {"title": "Defaults", "description": _defaults(default)}
    for branch in _branches(section):
        title = _method(branch) or ("On" if default is None else "Change")
        yield shown(branch) | {"title": _words(title)}


def _defaults(default: object) -> str:
    if not isinstance(default, dict):
        return f"As when left out: {default}."
    parts = [f"{_words(key).lower()} {_plain(value)}" for key, value in default.items() if _plain(value)]
    return f"{'; '.join(parts).capitalize()}."


def _plain(value: object) -> str:
    """Show a default, as far as it can be said in a word or two."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_plain, value)))
    if isinstance(value, dict):
        return str(value.get("method", ""))
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    return f"{value:,.10g}" if isinstance(value, (int, float)) else str(value)


def shown(schema: Schema) -> Schema:
    """Return what the form shows of a schema without references."""
    told = _told(schema)
    branches = [branch for branch in _branches(schema) if not _is_free(branch)]
    default = schema.get("default")
    if isinstance(default, str) and len(branches) > 1:  # a word for: leave it to the program
        others = [branch for branch in branches if branch.get("const") != default]
        if len(others) == 1 and "properties" not in others[0]:
            description = f"{told.get('description', '')} Left empty: {default}.".strip()
            return shown(others[0]) | told | {"description": description}
    if "anyOf" in schema:
        off = [OFF] if _may_be_null(schema) and any("properties" in branch for branch in branches) else []
        tabs = [*off, *(shown(branch) | {"title": _tab_title(branch)} for branch in branches)]
        if len(tabs) > 1:
            return told | {"anyOf": tabs} | ({} if default is None else {"default": default})
    (branch,) = branches
    kept = {key: value for key, value in branch.items() if key not in {"default", "properties", "items", "const"}}
    if "const" in branch:
        kept |= {"enum": [branch["const"]], "default": branch["const"]}
    elif default is not None and "properties" not in branch:
        kept["default"] = default
    if "items" in branch:
        kept["items"] = shown(branch["items"])
    if "properties" in branch:
        if _is_per_channel(branch):
            return told | _per_channel(branch, default=default)
        kept["properties"] = _fields(branch)
    return kept | told


def _told(schema: Schema) -> Schema:
    """Return title and description, of which the first paragraph is for users."""
    told = {key: schema[key] for key in ("title", "description") if key in schema}
    if "description" in told:
        told["description"] = " ".join(told["description"].partition("\n\n")[0].split())
    return told


def _tab_title(branch: Schema) -> str:
    if "const" in branch:
        return _words(str(branch["const"]))
    name = _method(branch)
    return _words(name) if name else branch.get("title", PLAIN.get(branch.get("type", ""), "Other"))


def _is_free(schema: Schema) -> bool:
    """Whether it is a mapping of anything, or an object of nothing else, or a word in place of one."""
    free = [
        branch.get("type") == "object" and all(map(_is_free, branch.get("properties", {}).values()))
        for branch in _branches(schema)
    ]
    return any(free) and all(
        is_free or "const" in branch for is_free, branch in zip(free, _branches(schema), strict=True)
    )


def _fields(schema: Schema) -> Schema:
    """Return the fields of an object in order: its method, what it needs, what it may have."""
    required = schema.get("required", [])
    fields = {key: field for key, field in schema["properties"].items() if not _is_free(field)}
    order = sorted(fields, key=lambda key: (key != "method", key not in required))
    return {
        key: {"title": _words(key)} | shown(fields[key]) | {"title": _field_title(key, fields[key]), "position": place}
        for place, key in enumerate(order)
    }


def _field_title(key: str, field: Schema) -> str:
    """Return the title that a field was given, or its key in words: pydantic makes one of each key itself."""
    title: str = field.get("title", "")
    return title if title and title != key.replace("_", " ").title() and "[" not in title else _words(key)


def _per_channel(schema: Schema, *, default: object) -> Schema:
    """Offer one number for all channels beside a list of channels."""
    one = default["default"] if isinstance(default, dict) else None
    number = shown(schema["properties"]["default"]) | {"title": "All channels alike"}
    number.pop("description", None)
    listed = {key: schema[key] for key in ("type", "required", "additionalProperties") if key in schema}
    listed |= {"title": "By channel", "properties": _fields(schema)}
    return {"anyOf": [number, listed]} | ({} if one is None else {"default": one})


# What the server admits.


def admitted(schema: Schema) -> Schema:
    """Return what the server checks of a schema without references: its long form, and shorter ones."""
    branches = _branches(schema)
    if all(map(_method, branches)):
        return _one_method(branches)
    if len(branches) > 1:
        return {"anyOf": [admitted(branch) for branch in branches]}
    (branch,) = branches
    if branch.get("const") == "off":
        return {"enum": ["off", False]}  # YAML's off is false
    if "items" in branch:
        return _list(branch)
    if _is_per_channel(branch):
        return {"if": {"type": "object"}, "else": admitted(branch["properties"]["default"])}
    if "properties" in branch:
        long = _object(branch)
        short = branch.get("list_of")
        return {"if": {"type": "array"}, "then": admitted(branch["properties"][short]), "else": long} if short else long
    return {key: value for key, value in branch.items() if key not in {"title", "description", "default"}}


def _or_null(schema: Schema) -> Schema:
    return {"if": {"type": "null"}, "then": {}, "else": schema}


def _object(schema: Schema, *, named: bool = True) -> Schema:
    """Check an object; without `named` its name may stand before it, as the key of a mapping."""
    required = [key for key in schema.get("required", []) if named or key != "name"]
    return {
        "type": "object",
        "additionalProperties": schema.get("additionalProperties", False),
        "required": required,
        "properties": {
            key: admitted(field) if key in required else _or_null(admitted(field))
            for key, field in schema["properties"].items()
        },
    }


def _one_method(methods: list[Schema], *, named: bool = True) -> Schema:
    """Check a method by its name, so that a mistake is one of its fields; the bare name does, too."""
    names = [_method(method) for method in methods]
    choices = [
        {
            "if": {"properties": {"method": {"const": name}}, "required": ["method"]},
            "then": _object(method, named=named),
        }
        for name, method in zip(names, methods, strict=True)
    ]
    whole = {"type": "object", "properties": {"method": {"enum": names}}, "allOf": choices}
    return {"if": {"type": "string"}, "then": {"enum": names}, "else": whole}


def _list(schema: Schema) -> Schema:
    """Check a list; a single entry does, too, and a mapping from the names of entries."""
    items = schema["items"]
    branches = _branches(items)
    if not all("name" in branch.get("properties", {}) for branch in branches):
        long = {"type": "array", "items": admitted(items)} | _length(schema)
        return {"if": {"type": "array"}, "then": long, "else": admitted(items)}
    methods = all(map(_method, branches))
    one = {
        named: _one_method(branches, named=named) if methods else _object(branches[0], named=named)
        for named in (True, False)
    }
    entry = {"if": {"type": "object"}, "then": one[False], "else": {"type": ["string", "number"]}}
    by_name = {"type": "object", "additionalProperties": entry, "minProperties": schema.get("minItems", 0)}
    single = {"properties": {"method": {"type": "string"}}, "required": ["method"]}
    return {
        "if": {"type": "array"},
        "then": {"type": "array", "items": one[True]} | _length(schema),
        "else": {
            "if": {"type": "string"},
            "then": one[True],
            "else": {"if": single, "then": one[True], "else": by_name},
        },
    }


def _length(schema: Schema) -> Schema:
    return {key: schema[key] for key in ("minItems", "maxItems") if key in schema}


# The parameters of a flow.


class _ConfigSchema:
    """Reads the parameter ``config`` as a file is read, and describes it to Prefect."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(read_config)

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        del schema, handler
        return config_schema()


ConfigField = Annotated[Config | None, _ConfigSchema()]
"""A configuration, or plain data of its long or short form; None or empty: none."""

ListField = Annotated[list[str] | None, WithJsonSchema({"type": "array", "items": {"type": "string"}})]
CountField = Annotated[int | None, Field(ge=0), WithJsonSchema({"type": "integer", "minimum": 0})]


def read_config(value: object) -> Config | None:
    """Make a configuration of a parameter; None where nothing was said.

    Raises
    ------
    ConfigError
        With a line per mistake.
    """
    return value if isinstance(value, Config) else parse_config(value) if value else None


def chosen_config(config: Config | None, file: str) -> Config:
    """Return the configuration of a run, which is given either in full or by a file.

    Parameters
    ----------
    file
        A YAML file, or the name of one of deployments/configs; may be empty.

    Raises
    ------
    ConfigError
        Neither is given, or both; or the file cannot be read.
    """
    if config is not None and file:
        raise ConfigError(
            f"got a configuration and a configuration file, {file!r}; give one of them: empty the field of the file, or "
            "set every step of the configuration to Off or Defaults"
        )
    if config is not None:
        return config
    if not file:
        raise ConfigError(
            "got no configuration; name a configuration file, or switch on mask (for images of one cell each) or "
            "segment (for images of many cells)"
        )
    return load_config(_path_of(file))


def _path_of(file: str) -> Path:
    """Return the path of a configuration file; a bare name is that of one that comes with the program."""
    if Path(file).name != file or Path(file).suffix:
        return Path(file).expanduser()
    names = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
    if file not in names:
        raise ConfigError(f"there is no configuration named {file!r}; {suggestion(file, names)}; or give a YAML file")
    return CONFIGS / f"{file}.yaml"
