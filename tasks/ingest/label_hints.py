"""Noticing label images among the pictures: a folder ``labels/`` beside ``images/`` is easily given along with it."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from tasks.core.channels import Channels
from tasks.core.types import AnyArray
from tasks.ingest.load import load_images
from tasks.ingest.references import ImageReference

KINDS = 20
"""Kinds of names that are looked at: names of one folder that differ in numbers only are of one kind."""

NUMBER = re.compile(r"[0-9a-fA-F]*\d[0-9a-fA-F]*")
"""Decimal or hexadecimal."""

SMALLEST = 9
"""Pixels that a labelled object has at least, on average; of noise and of smooth shades neighbours rarely agree."""


def label_hints(references: Sequence[ImageReference], *, channels: Channels) -> tuple[str, ...]:
    """Name images that look like the integer labels or masks that a segmentation writes, a sentence per folder.

    Up to two images of each kind of name are read, of at most 20 kinds evenly spaced in the table. z-stacks are passed
    over.
    """
    kinds: dict[tuple[PurePosixPath, str], list[ImageReference]] = {}
    for reference in references:
        if reference.depth == 1:
            path = PurePosixPath(reference.image)
            kinds.setdefault((path.parent, NUMBER.sub("#", path.name)), []).append(reference)
    names = list(kinds)
    suspects: dict[PurePosixPath, list[ImageReference]] = {}
    for place in np.unique(np.linspace(0, len(names) - 1, min(KINDS, len(names))).round().astype(int)):
        own = kinds[names[place]]
        images = load_images(own[:: max(len(own) - 1, 1)], channels=channels).images
        seen = [image for image in images if image is not None and image.any()]
        if seen and all(is_label_image(image) for image in seen):
            suspects.setdefault(names[place][0], []).extend(own)
    return tuple(
        f"{folder}: {len(own):,} {'image looks' if len(own) == 1 else 'images look'} like labels that a segmentation "
        f"wrote, not like pictures of cells ({PurePosixPath(own[0].image).name}); to leave them out, give only the "
        "folders of pictures, or a load.pattern that does not match them"
        for folder, own in suspects.items()
    )


def is_label_image(image: AnyArray) -> bool:
    """Whether every plane of an image (C, H, W) consists of objects of one whole number each on a ground of 0.

    A mask, with one value other than 0, is one too. Objects are pieces of equal value, connected along rows and
    columns; there are at most twice as many of them as values, except of a mask, and they have at least 9 pixels on
    average.
    """
    from skimage.measure import label

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
