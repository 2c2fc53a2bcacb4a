"""The configuration as a form: what the Prefect UI shows of it, and what its API takes.

Prefect's UI draws a form from the JSON schema of the flow's parameters, and its server refuses parameters that the same
schema does not admit. The form should offer one way to say a thing; the server has to admit all of them, such as
``channels: {BF: 0}`` beside a list of entries. Both are made from the one model, `flows.config.Config`:

`shown` is what the UI draws. A union is tabs (``anyOf``), a step that is off is a tab without fields, what may be left
out is a plain field without a default. Mappings of any names, which the UI could only show as JSON, are left to files.

`admitted` is what the server checks, method by method, so that a mistake is reported at its field.

A section has both: `shown` as its ``anyOf``, `admitted` as its ``then``. The UI knows only ``anyOf``; Prefect's server
puts ``anyOf: [type, null]`` in its place where an optional property has a ``type`` and no default
(`prefect.utilities.schema_tools.validation.preprocess_schema`).
"""

from functools import cache

from flows.config import Config
from flows.form.admitted import admitted
from flows.form.json_schema import Schema, may_be_null, resolved
from flows.form.shown import tabs, words

OFF: Schema = {"type": ["object", "string", "boolean"], "else": {"enum": ["off", False, None]}}
"""Of a section that is there unless it is off; YAML's off is false."""


@cache
def config_schema() -> Schema:
    """Return the JSON schema of the parameter ``config``, without references."""
    schema = Config.model_json_schema()
    definitions = schema.get("$defs", {})
    sections = {key: resolved(value, definitions) for key, value in schema["properties"].items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: {
                "title": words(key),
                "description": section["description"],
                "position": position,
                "type": "object",
                "anyOf": list(tabs(section)),
                "if": {"type": "object"},
                "then": admitted(section),
            }
            | (OFF if may_be_null(section) and section["default"] is not None else {})
            for position, (key, section) in enumerate(sections.items())
        },
    }
