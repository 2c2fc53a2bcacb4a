"""Cytoplasm: the part of a larger object that a smaller one does not cover."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, LabelArray
from tasks.segment.registry import ObjectMethod, segmenters


class Subtract(ObjectMethod):
    """What remains of one object without another."""

    REFERENCES: ClassVar[tuple[str, ...]] = ("from_", "remove")

    method: Literal["subtract"] = "subtract"
    from_: str = Field(alias="from", description="Earlier object of which a part is taken, such as cell.")
    remove: str = Field(description="Earlier object that is cut out, such as nucleus.")


@segmenters.register(Subtract)
def subtract(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    config: Subtract,
    channels: Sequence[str],
) -> LabelArray:
    """Take one object away from another: ``from`` where ``remove`` is background.

    Parameters
    ----------
    image, channels
        Ignored: only labels matter.
    labels
        Objects found before.
    config
        The names of two of them.

    Returns
    -------
    (H, W) int32
        Labels of ``from``. An object that is wholly covered has no pixel left.

    Examples
    --------
    >>> labels = {"cell": np.array([[1, 1, 1, 2]], np.int32), "nucleus": np.array([[0, 1, 0, 2]], np.int32)}
    >>> config = Subtract(**{"name": "cytoplasm", "from": "cell", "remove": "nucleus"})
    >>> subtract(np.zeros((1, 1, 4)), labels=labels, config=config, channels=["DNA"])
    array([[1, 0, 1, 0]], dtype=int32)
    """
    del image, channels
    from_, remove = labels[config.from_], labels[config.remove]
    return np.asarray(from_ * (remove == 0), dtype=np.int32)
