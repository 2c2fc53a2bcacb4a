"""Label images that come from files of the user's: how a configuration names them, and how tasks get at them."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from tasks.core.errors import ConfigError, suggestion
from tasks.core.types import AnyArray

OWN = ("folder", "name", "stem")
"""Placeholders that every image has: its folder relative to the input's parent, its file's name, and that without its
last suffix. The others are the groups of load.pattern."""

_PLACEHOLDER = re.compile(r"\{(\w*)\}")


def check_template(template: str) -> str:
    """Return a path with placeholders as it is.

    Raises
    ------
    ValueError
        It is empty, or a brace belongs to no placeholder.
    """
    if not template.strip():
        raise ValueError("got no path, expected one such as 'masks/{stem}_cp_masks.tif'")
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)) or "{}" in template:
        raise ValueError(f"got {template!r}, in which a brace belongs to no name; write names as {{stem}}")
    return template


def check_placeholders(template: str, *, key: str, groups: Sequence[str]) -> None:
    """Check that all placeholders of a template are known.

    Raises
    ------
    ConfigError
        One is not; `key` is the key of the configuration that has the template.
    """
    known = (*OWN, *groups)
    for name in _PLACEHOLDER.findall(template):
        if name not in known:
            raise ConfigError(
                f"{key}: got the placeholder {{{name}}} in {template!r}, which is none of an image nor a group of "
                f"load.pattern; {suggestion(name, known)}"
            )


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """Put values in place of placeholders; a group that matched nothing is empty text.

    Examples
    --------
    >>> fill_template("../masks/{well}_{stem}.png", {"well": "B07", "stem": "a"})
    '../masks/B07_a.png'
    """
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], ""), template)


class LabelSource(Protocol):
    """Reads the label images that belong to the images of one partition; travels with its task."""

    @property
    def identity(self) -> object:
        """What results depend on: which files, and their state."""

    def __call__(self, position: int) -> Mapping[str, AnyArray]:
        """Return by object the plane (H, W) of the image in that row of the partition, as the file holds it.

        Raises
        ------
        PixelError
            A file is missing, cannot be read, or holds more than one plane.
        """
