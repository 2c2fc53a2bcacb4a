"""Objects that something else than this program outlines: matched, if asked for, to those found before."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, LabelArray
from tasks.segment.cpu import raster_order
from tasks.segment.label_check import check_labels
from tasks.segment.placing import on_device
from tasks.segment.registry import ObjectMethod


class MatchedMethod(ObjectMethod):
    """Base of methods that know nothing of earlier objects: they make the first object, or are matched to one."""

    REFERENCES: ClassVar[tuple[str, ...]] = ("match",)

    match: str | None = Field(
        default=None,
        description="Earlier object to which these belong, one to one, by the largest overlap; those that overlap none "
        "are left out. Not for the first object, nor beside within.",
    )

    def fit(self, labels: object, *, earlier: Mapping[str, LabelArray], shape: tuple[int, ...]) -> LabelArray:
        """Return labels as the stage expects them: matched, or in raster order.

        Raises
        ------
        ValueError, TypeError
            They are no label image of the field.
        """
        checked = raster_order(check_labels(labels, shape=shape, source=self.described))
        if self.match is None:
            return checked
        return match_labels(checked, reference=on_device(earlier[self.match], device="cpu"))


def match_labels(labels: LabelArray, *, reference: LabelArray) -> LabelArray:
    """Give objects the numbers of those of another label image that they overlap, one to one.

    Pairs are made in the order of their overlap in pixels, the largest first; of equal ones that of the lower
    reference, then of the lower label.

    Parameters
    ----------
    labels, reference
        (H, W), 0 for background.

    Returns
    -------
    (H, W) int32
        Objects without a partner are left out; a reference without one has no pixel.

    Examples
    --------
    >>> labels = np.array([[5, 5, 5, 6, 0, 7]], dtype=np.int32)
    >>> match_labels(labels, reference=np.array([[0, 1, 1, 1, 2, 0]], dtype=np.int32))
    array([[1, 1, 1, 0, 0, 0]], dtype=int32)
    """
    both = (labels > 0) & (reference > 0)
    span = int(labels.max(initial=0)) + 1
    pairs, overlaps = np.unique(reference[both].astype(np.int64) * span + labels[both], return_counts=True)
    partner = np.zeros(span, dtype=np.int32)
    taken: set[int] = set()
    for pair in pairs[np.argsort(-overlaps, kind="stable")].tolist():
        number, label = divmod(pair, span)
        if number not in taken and not partner[label]:
            partner[label] = number
            taken.add(number)
    return partner[labels]


def select_channels(image: AnyArray, *, names: Sequence[str], channels: Sequence[str]) -> AnyArray:
    """Copy the named ones of an image's channels, in the order of the names: (c, H, W); all where none is named."""
    return image[[list(channels).index(name) for name in names]] if names else image.copy()
