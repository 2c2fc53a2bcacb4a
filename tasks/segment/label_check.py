"""What a method returns is a label image, whoever wrote it."""

import numpy as np

from tasks.core.types import AnyArray

EXACT = 2.0**53
"""Floats of this size and more no longer tell whole numbers apart."""


def check_labels(labels: object, *, shape: tuple[int, ...], source: str) -> AnyArray:
    """Return labels as an array (H, W) of whole numbers from 0 on.

    Floats that are whole numbers are taken for these: ImageJ writes label images of 32-bit floats.

    Parameters
    ----------
    shape
        Of the field.
    source
        Where they come from, for messages.

    Raises
    ------
    ValueError, TypeError
        Saying what was got and what was expected.

    Examples
    --------
    >>> check_labels(np.array([[0, 7]]), shape=(1, 2), source="mine")
    array([[0, 7]])
    >>> check_labels(np.array([[False, True]]), shape=(1, 2), source="mine")
    Traceback (most recent call last):
    ValueError: mine: got an array of bool, expected whole numbers: 0 for background, a number per object
    """
    if not isinstance(labels, np.ndarray):
        raise TypeError(f"{source}: got a {type(labels).__name__}, expected labels as a numpy array of shape {shape}")
    if labels.shape != shape:
        raise ValueError(f"{source}: got labels of shape {labels.shape}, expected that of the image, {shape}")
    if labels.dtype.kind == "f" and bool((np.abs(labels) < EXACT).all()) and bool((labels == np.trunc(labels)).all()):
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"{source}: got an array of {labels.dtype}, expected whole numbers: 0 for background, a number per object"
        )
    if labels.size and int(labels.min()) < 0:
        raise ValueError(f"{source}: got the label {int(labels.min())}, expected no negative ones: 0 is the background")
    return labels
