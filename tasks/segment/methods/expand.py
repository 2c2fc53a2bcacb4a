"""Rings and collars: objects grown by a distance."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, LabelArray
from tasks.segment.registry import ObjectMethod, segmenters


class Expand(ObjectMethod):
    """An earlier object grown by a distance, without looking at the image."""

    REFERENCES: ClassVar[tuple[str, ...]] = ("from_",)

    method: Literal["expand"] = "expand"
    from_: str = Field(alias="from", description="Earlier object that is grown, such as nucleus.")
    distance: float = Field(
        ge=0,
        allow_inf_nan=False,
        description="How far, in pixels. Where two objects would meet, each keeps the pixels nearer to it.",
    )


@segmenters.register(Expand)
def expand(image: AnyArray, *, labels: Mapping[str, LabelArray], config: Expand, channels: Sequence[str]) -> LabelArray:
    """Grow objects by a distance, as scikit-image's ``expand_labels``.

    Parameters
    ----------
    image, channels
        Ignored: only labels matter.
    labels
        Objects found before.
    config
        The name of one of them, and the Euclidean distance in pixels between centers of pixels.

    Returns
    -------
    (H, W) int32
        Each object has the label of that which it contains.

    Examples
    --------
    >>> labels = {"nucleus": np.array([[0, 1, 0, 0, 0, 2, 0, 0]], np.int32)}
    >>> config = Expand(**{"name": "cell", "from": "nucleus", "distance": 1.5})
    >>> expand(np.zeros((1, 1, 8)), labels=labels, config=config, channels=["DNA"])
    array([[1, 1, 1, 0, 2, 2, 2, 0]], dtype=int32)
    """
    from skimage.segmentation import expand_labels

    del image, channels
    return np.asarray(expand_labels(labels[config.from_], distance=config.distance), dtype=np.int32)
