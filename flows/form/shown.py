"""What the form shows: one way to say a thing, each as a field of its own."""

import re
from collections.abc import Iterator

from flows.form.json_schema import Schema, choices, is_per_channel, may_be_null, method_of

TITLES = {
    "load": "Load images",
    "project": "Project z-stacks",
    "illumination": "Correct the illumination",
    "segment": "Segment fields",
    "mask": "Mask stamps",
    "quality": "Filter by quality",
    "normalize": "Normalize pixels",
    "features": "Measure features",
    "allow_none": "Allow no cells",
    "dtype": "Type of numbers",
    "mad": "Median and MAD",
    "names": "Names of columns",
    "n": "Number of deviations",
    "p": "p-value",
    "q": "Share below",
    "use": "From another run",
    "integer": "Number",
    "number": "Number",
    "string": "Text",
    "array": "List",
}
"""Titles of keys, methods and types that say too little by themselves."""

FOR_FILES = re.compile(r" (?:Short form: |As YAML, ).*?\.(?= |$)")
"""What descriptions say to those who write a file."""

FIRST = ("li", "model", "mad")
"""Methods that suit most data: the first of their tabs, which is the one that a new entry has."""

OFF: Schema = {"type": "object", "title": "Off", "maxProperties": 0}
"""A tab without fields."""


def words(key: str) -> str:
    """Return what a key, method or type is called in the form."""
    return TITLES.get(key, key.replace("_", " ").capitalize())


def tabs(section: Schema) -> Iterator[Schema]:
    """Yield the choices of a section: as it is when nothing is said, then what can be said."""
    default = section.get("default")
    yield OFF if default is None else OFF | {"title": "Defaults", "description": _defaults(default)}
    if default is not None and may_be_null(section):
        yield {"type": "null", "title": "Off"}
    for branch in choices(section):
        method = method_of(branch)
        tab = shown(branch) | {"title": words(method or ("On" if default is None else "Change"))}
        if method is None:  # the section's description is above the tabs
            tab.pop("description", None)
        yield tab


def _defaults(default: object) -> str:
    if not isinstance(default, dict):
        return f"As when left out: {default}."
    parts = [f"{words(key).lower()} {_plain(value)}" for key, value in default.items() if _plain(value)]
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
    branches = [branch for branch in choices(schema) if not _is_free(branch)]
    default = schema.get("default")
    if isinstance(default, str) and len(branches) > 1:  # a word for: leave it to the program
        others = [branch for branch in branches if branch.get("const") != default]
        if len(others) == 1 and "properties" not in others[0]:
            description = f"{told.get('description', '')} Left empty: {default}.".strip()
            return shown(others[0]) | told | {"description": description}
    if "anyOf" in schema:
        ordered = sorted(branches, key=lambda branch: method_of(branch) not in FIRST)
        off = [OFF] if may_be_null(schema) and any("properties" in branch for branch in branches) else []
        union = [*off, *(shown(branch) | {"title": _tab_title(branch)} for branch in ordered)]
        if len(union) > 1:
            return told | {"anyOf": union} | ({} if default is None else {"default": default})
    (branch,) = branches
    kept = {key: value for key, value in branch.items() if key not in {"default", "properties", "items", "const"}}
    if "const" in branch:
        kept |= {"enum": [branch["const"]], "default": branch["const"]}
    elif default is not None and "properties" not in branch:
        kept["default"] = default
    if "items" in branch:
        kept["items"] = shown(branch["items"])
    if "properties" in branch:
        if is_per_channel(branch):
            return told | _per_channel(branch, default=default)
        kept["properties"] = _fields(branch)
    return kept | told


def _told(schema: Schema) -> Schema:
    """Return title and description, of which the first paragraph is for users."""
    told: Schema = {key: schema[key] for key in ("title", "description") if key in schema}
    if "description" in told:
        told["description"] = FOR_FILES.sub("", " ".join(told["description"].partition("\n\n")[0].split()))
    return told


def _tab_title(branch: Schema) -> str:
    """Name a choice by its method or word, an object by its first field, anything else by its type."""
    name = branch.get("const", method_of(branch)) or next(iter(branch.get("properties", {})), branch.get("type"))
    return words(str(name))


def _is_free(schema: Schema) -> bool:
    """Whether it is a mapping of anything, or an object of nothing else, or a word in place of one."""
    free = [
        branch.get("type") == "object" and all(map(_is_free, branch.get("properties", {}).values()))
        for branch in choices(schema)
    ]
    return any(free) and all(
        is_free or "const" in branch for is_free, branch in zip(free, choices(schema), strict=True)
    )


def _fields(schema: Schema) -> Schema:
    """Return the fields of an object in order: its method, what it needs, what it may have."""
    required = schema.get("required", [])
    fields = {key: field for key, field in schema["properties"].items() if not _is_free(field)}
    order = sorted(fields, key=lambda key: (key != "method", key not in required))
    about = {"description": _told(schema).get("description", "")}  # of a method that does not describe itself
    return {
        key: (about if key == "method" else {}) | shown(fields[key]) | {"title": words(key), "position": place}
        for place, key in enumerate(order)
    }


def _per_channel(schema: Schema, *, default: object) -> Schema:
    """Offer one number for all channels beside a list of channels."""
    one = default["default"] if isinstance(default, dict) else None
    number = shown(schema["properties"]["default"]) | {"title": "All channels alike"}
    number.pop("description", None)
    listed: Schema = {key: schema[key] for key in ("type", "required", "additionalProperties") if key in schema}
    fields = _fields(schema)
    listed |= {"title": "By channel", "properties": fields}
    if one is not None:
        fields["default"]["default"] = one
    return {"anyOf": [number, listed]} | ({} if one is None else {"default": one})
