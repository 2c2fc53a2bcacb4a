"""What Prefect's server admits: each section in its long and its short forms, and tells a mistake at its field."""

from flows.form.json_schema import Schema, choices, is_per_channel, method_of


def admitted(schema: Schema) -> Schema:
    """Return what the server checks of a schema without references: its long form, and shorter ones."""
    branches = choices(schema)
    if all(map(method_of, branches)):
        return _one_method(branches)
    if len(branches) > 1:
        return {"anyOf": [admitted(branch) for branch in branches]}
    return _one_type(branches[0])


def _one_type(branch: Schema) -> Schema:
    if "items" in branch:
        return _list(branch)
    if is_per_channel(branch):
        return {"if": {"type": "object"}, "else": admitted(branch["properties"]["default"])}
    if "properties" in branch:
        return _object(branch)
    if branch.get("const") == "off":
        return {"enum": ["off", False]}  # YAML's off is false
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
    names = [method_of(method) for method in methods]
    by_name = [
        {
            "if": {"properties": {"method": {"const": name}}, "required": ["method"]},
            "then": _object(method, named=named),
        }
        for name, method in zip(names, methods, strict=True)
    ]
    whole = {"type": "object", "properties": {"method": {"enum": names}}, "allOf": by_name}
    return {"if": {"type": "string"}, "then": {"enum": names}, "else": whole}


def _list(schema: Schema) -> Schema:
    """Check a list; a single entry does, too, and a mapping from the names of entries."""
    items = schema["items"]
    branches = choices(items)
    if not all("name" in branch.get("properties", {}) for branch in branches):
        long = {"type": "array", "items": admitted(items)} | _length(schema)
        return {"if": {"type": "array"}, "then": long, "else": admitted(items)}
    methods = all(map(method_of, branches))
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
