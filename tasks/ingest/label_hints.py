"""Noticing label images among the pictures: a folder ``labels/`` beside ``images/`` is easily given along with it."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from skimage.measure import label

from tasks.core.channels import Channels
from tasks.core.types import AnyArray
from tasks.ingest.load import load_images
from tasks.ingest.references import ImageReference

KINDS = 20
"""Kinds of names that are looked at: names that differ in their numbers only are of one kind."""

SAMPLED = 2
"""Images of each kind that are opened."""

SMALLEST = 9
"""Pixels that a labelled object has at least, on average; of noise and of smooth shades neighbours rarely agree."""


def label_hints(references: Sequence[ImageReference], *, channels: Channels) -> tuple[str, ...]:
    """Name images that look like the integer labels or masks that a segmentation writes, a sentence per kind of name.

    Two images of each kind of name are read, of at most 20 kinds evenly spaced in the table; z-stacks are passed over.
    """
    kinds: dict[str, list[ImageReference]] = {}
    for reference in references:
        if reference.depth == 1:
            kinds.setdefault(re.sub(r"\d+", "#", reference.image), []).append(reference)
    names = list(kinds)
    hints = []
    for place in np.unique(np.linspace(0, len(names) - 1, min(KINDS, len(names))).round().astype(int)):
        own = kinds[names[place]]
        chosen = [own[0], own[len(own) // 2]][: min(SAMPLED, len(own))]
        images = load_images(chosen, channels=channels).images
        seen = [image for image in images if image is not None and image.any()]
        if seen and all(is_label_image(image) for image in seen):
            folder = PurePosixPath(own[0].image).parent
            hints.append(
                f"{own[0].image}{f' and {len(own) - 1:,} of the like' if len(own) > 1 else ''}: looks like a label "
                f"image, as a segmentation writes it, not like a picture of cells; if {folder} holds no pictures, give "
                "only the folders that do, or write a load.pattern that does not match it"
            )
    return tuple(hints)


def is_label_image(image: AnyArray) -> bool:
    """Whether every plane of an image (C, H, W) consists of objects of one whole number each on a ground of 0.

    A mask, with one value other than 0, is one too. Objects are pieces of equal value, connected along rows and columns;
    there are at most twice as many of them as values, except of a mask, and they have at least 9 pixels on average.
    """
    if image.dtype.kind not in "iu":
        return False
    for plane in image:
        foreground = plane != 0
        covered = np.count_nonzero(foreground)
        if not covered or foreground.all():
            return False
        values = len(np.unique(plane[foreground]))
        objects = int(label(plane, background=0, connectivity=1).max())
        if objects * SMALLEST > covered or (values > 1 and objects > 2 * values):
            return False
    return True
