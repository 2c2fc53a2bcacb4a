"""The base of every part of the configuration, and the shorthand of named entries."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.core.errors import as_yaml


class Section(BaseModel):
    """A frozen part of the configuration; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Method(Section):
    """A plug-in's configuration, told apart from its siblings by a field ``method: Literal["…"]``."""


def named_entries(value: object, *, inner: str | None = None) -> object:
    """Turn the shorthand ``{name: entry}`` into a list of entries with a ``name``; leave anything else as it is.

    An entry that is not a mapping itself becomes the field `inner`: ``{BF: 0}`` with inner ``source`` is
    ``[{"name": "BF", "source": 0}]``.

    Raises
    ------
    ValueError
        An entry is not a mapping, and there is no `inner`.
    """
    if not isinstance(value, Mapping):
        return value
    entries: list[dict[str, Any]] = []
    for name, entry in value.items():
        if isinstance(entry, Mapping):
            entries.append({"name": name, **entry})
        elif inner is not None:
            entries.append({"name": name, inner: entry})
        else:
            raise ValueError(f"{name}: got {as_yaml(entry)}, expected its settings, as in {name}: {{key: value}}")
    return entries


def check_name(name: str) -> str:
    """Refuse names that would make column names ambiguous.

    Raises
    ------
    ValueError
        The name is empty, contains ``__``, or starts or ends with an underscore.
    """
    if not name or "__" in name or name.startswith("_") or name.endswith("_"):
        raise ValueError(
            f"the name {name!r} cannot be used: '__' separates the parts of a column name, so a name may not contain "
            "it, nor start or end with '_'"
        )
    return name
