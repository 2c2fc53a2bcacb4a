"""What is wrong with a configuration, a line per mistake, in the words of the file that the user wrote."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tasks.core.errors import as_yaml, suggestion
from tasks.core.registry import Registry

ENTRY = re.compile(r"(?P<key>\w[^\s:]*): (?P<rest>.*)", flags=re.DOTALL)
"""A message that names a key below the place where it was raised."""

EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "names and values, as in {{name: value}}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "literal_error": "{expected}",
}


ABOUT_KEYS = frozenset({"missing", "extra_forbidden", "invalid_key"})
"""Kinds of mistakes whose location ends in a key that the model, or the user, does not have."""


NUMBER_IN_UNION = {"float_type": "float", "int_type": "int"}
"""The last part of a location where a number is one of several types that a value may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the user's file a mistake is.

    Parameters
    ----------
    path
        Keys and positions as the user wrote them.
    value
        What stands there; `Missing` where nothing does.
    models
        The models that may describe it.
    """

    path: tuple[str, ...]
    value: object
    models: tuple[type[BaseModel], ...]


class Missing:
    """Stands for a value that the file does not have."""


def explain(error: ValidationError, *, data: object, model: type[BaseModel]) -> list[str]:
    """Tell every mistake: ``key.path: what was got; what is allowed; did you mean``.

    Parameters
    ----------
    error
        What validating `data` as `model` gave. Its locations are those of the models; shorthands, such as ``0.5`` for
        ``{default: 0.5}`` or a mapping for a list of named entries, are undone so that the keys are the user's.
    """
    details = error.errors(include_url=False)
    reported = [detail for detail in details if not _follows_from_another(detail, details)]
    mistakes: dict[tuple[str, ...], list[tuple[ErrorDetails, Place]]] = {}
    for detail in reported:
        *above, last = detail["loc"] or (None,)
        if detail["type"] in ABOUT_KEYS:
            parent = locate(above, data=data, model=model)
            place = Place(path=(*parent.path, str(last)), value=Missing, models=parent.models)
        else:
            place = locate(detail["loc"], data=data, model=model)
        mistakes.setdefault(place.path, []).append((detail, place))
    return [line for path, group in mistakes.items() for line in _lines(path, group)]


def _follows_from_another(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether a list counts as too short, or a mapping as no word or number, only because its entries are faulty."""
    alternative = detail["type"] == "literal_error" or detail["loc"][-1:] == (NUMBER_IN_UNION.get(detail["type"]),)
    mapping = alternative and isinstance(detail["input"], Mapping)
    loc = detail["loc"][:-1] if mapping else detail["loc"]
    inner = (other["loc"] for other in details if other is not detail)
    return (mapping or detail["type"] == "too_short") and any(inner_loc[: len(loc)] == loc for inner_loc in inner)


def locate(location: Sequence[int | str], *, data: object, model: type[BaseModel]) -> Place:
    """Find the place in the user's data that a location in the model means."""
    path: list[str] = []
    value, types = data, [model]
    inserted = False  # whether the level passed last is the model's, not the user's
    for number, part in enumerate(location):
        named = any(get_origin(_plain(annotation)) is dict for annotation in types)
        types = _step(types, part, value=value)
        rest = location[number + 1 :]
        if isinstance(value, Mapping):
            if isinstance(part, int) and not named:
                keys = [key for key in value if not (inserted and key == "default")]
                if isinstance(value.get("method"), str) or part >= len(keys):  # one entry in place of a list
                    continue
                key = keys[part]
                path.append(str(key))
                value = value[key]
                if list(rest) == ["name"] and not (isinstance(value, Mapping) and "name" in value):
                    return Place(path=tuple(path), value=key, models=())
            elif part in value:
                path.append(str(part))
                value = value[part]
            elif rest:
                inserted = True
                continue
        elif isinstance(value, (list, tuple)):
            if not isinstance(part, int):
                continue
            path.append(str(part))
            value = value[part]
        else:
            break
        inserted = False
    return Place(path=tuple(path), value=value, models=tuple(_models(types, value=value)))


def _step(types: Sequence[Any], part: int | str, *, value: object) -> list[Any]:
    """Return the types of a key, of entries of a list, or of a model of a union, which pydantic tells by its name."""
    if isinstance(part, int):
        return [
            inner for annotation in types for inner in get_args(_plain(annotation)) if inner is not Ellipsis
        ] or list(types)
    annotations: list[Any] = []
    for model in _models(types, value=value):
        if part == model.__name__:
            annotations.append(model)
        for name, field in model.model_fields.items():
            if part in {name, field.alias}:
                annotations.append(
                    Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
                )
    return annotations


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - any type annotation
    """Strip what an annotation carries beside the type."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _models(types: Sequence[Any], *, value: object) -> Iterator[type[BaseModel]]:
    """Yield the models in annotations; of plug-ins the one whose method `value` names."""
    for annotation in types:
        registries = [meta for meta in getattr(annotation, "__metadata__", ()) if isinstance(meta, Registry)]
        if registries:
            name = registries[0].method_of(value)
            if (config := registries[0].config(name)) is not None:
                yield config
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        else:
            yield from _models(get_args(annotation), value=value)


def _lines(path: tuple[str, ...], mistakes: Sequence[tuple[ErrorDetails, Place]]) -> Iterator[str]:
    expectations = []
    for detail, place in mistakes:
        kind = detail["type"]
        if kind == "missing":
            yield f"{_join(path)}: {_missing(path[-1], place.models)}"
        elif kind in ABOUT_KEYS:
            yield f"{_join(path)}: unknown key; {suggestion(path[-1], _keys(place.models))}"
        elif kind in EXPECTED or kind == "model_type":
            expectations.append((detail, place))
        else:
            yield _own_words(path, detail["msg"].removeprefix("Value error, "), place=place)
    if expectations:
        yield f"{_join(path)}: {_expected(expectations)}"


def _join(path: Sequence[str]) -> str:
    return ".".join(path) or "top level"


def _own_words(path: tuple[str, ...], message: str, *, place: Place) -> str:
    """Tell a message of ours; a key at its beginning continues the path."""
    entry = ENTRY.fullmatch(message)
    known = (*_keys(place.models), *(place.value if isinstance(place.value, Mapping) else ()))
    if entry and entry["key"].split(".")[0] in known:
        return f"{_join((*path, entry['key']))}: {entry['rest']}"
    return f"{_join(path)}: {message}"


def _keys(models: Sequence[type[BaseModel]]) -> list[str]:
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _missing(key: str, models: Sequence[type[BaseModel]]) -> str:
    fields = [field for model in models for name, field in model.model_fields.items() if key in {name, field.alias}]
    description = next((field.description for field in fields if field.description), "")
    return "this key is missing" + (f" ({description[0].lower()}{description[1:].rstrip('.')})" if description else "")


def _expected(mistakes: Sequence[tuple[ErrorDetails, Place]]) -> str:
    """Say what was got, and what would do; a value that may be of several types has a detail for each."""
    detail, place = mistakes[0]
    got = detail["input"] if place.value is Missing or detail["loc"][-1:] == ("[key]",) else place.value
    words = list(dict.fromkeys(_words(detail, place) for detail, place in mistakes))
    message = f"got {as_yaml(got)}; expected {' or '.join(words)}"
    names = [
        name for detail, _ in mistakes for name in re.findall(r"'([^']*)'", str(_context(detail).get("expected", "")))
    ]
    if isinstance(got, str) and names and len(words) == 1:
        return f"got {as_yaml(got)}; {suggestion(got, names)}"
    if words == ["a list"] and isinstance(got, (str, int, float)):
        return f"{message}: [{got}]"
    if "text" in words and isinstance(got, bool):
        return f"{message}; YAML reads yes, no, on and off as true and false, so put the word in quotes"
    if "text" in words and isinstance(got, (int, float)):
        return f"{message}; put it in quotes: '{got}'"
    return message


def _words(detail: ErrorDetails, place: Place) -> str:
    if detail["type"] == "model_type":
        return f"keys and values; the keys allowed are {', '.join(_keys(place.models))}"
    return EXPECTED[detail["type"]].format_map(_context(detail))


def _context(detail: ErrorDetails) -> dict[str, Any]:
    context = detail.get("ctx", {})
    return {name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()}
