"""The pixels of a batch of images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tasks.core.digest import pixel_digest
from tasks.core.errors import Fault, PixelError
from tasks.core.types import AnyArray
from tasks.ingest.channels import Channels
from tasks.ingest.readers import get_reader
from tasks.ingest.readers.base import STAGE, attempt
from tasks.ingest.references import ImageReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A batch of images.

    Parameters
    ----------
    images
        For each reference its pixels (C, H, W), C-contiguous, in native byte order and of the file's dtype (of a
        bilevel file uint8); None where the image cannot be used.
    faults
        Why images cannot be used, in the order of the references.
    digests
        For each reference the digest of the pixels in `images`, or None.
    """

    images: list[AnyArray | None]
    faults: list[Fault]
    digests: list[str | None]


def load_images(references: Sequence[ImageReference], *, channels: Channels) -> Loaded:
    """Read a batch of images at once; of each store, every chunk is read once.

    An image is set aside with a fault if it cannot be read or is cut short, has another number of channels than the
    data set, channels of different size, no pixels, or pixels that are complex, NaN or infinite. Only the channels in
    use are looked at.

    Parameters
    ----------
    references
        Images of any readers.
    channels
        Which channels to return.
    """
    read: list[AnyArray | Exception] = [PixelError("was not read")] * len(references)
    for name in dict.fromkeys(reference.reader for reference in references):
        slots = [slot for slot, reference in enumerate(references) if reference.reader == name]
        batch = get_reader(name).load(
            [references[slot] for slot in slots], count=channels.count, sources=channels.sources
        )
        for slot, image in zip(slots, batch, strict=True):
            read[slot] = image

    images: list[AnyArray | None] = []
    faults: list[Fault] = []
    for reference, image in zip(references, read, strict=True):
        checked = image if isinstance(image, Exception) else attempt(usable, image, channels.names)
        if isinstance(checked, Exception):
            faults.append(_fault(checked, image=reference.image))
            images.append(None)
        else:
            images.append(checked)
    digests = [None if image is None else pixel_digest(image) for image in images]
    return Loaded(images=images, faults=faults, digests=digests)


def usable(image: AnyArray, names: Sequence[str]) -> AnyArray:
    """Return an image (C, H, W) C-contiguous and in native byte order, bool as uint8.

    Raises
    ------
    PixelError
        It has no pixels, or pixels that are no numbers, complex, NaN or infinite.
    """
    channels, height, width = image.shape
    if not image.size:
        raise PixelError(f"has no pixels ({channels} channels of {height}×{width})")
    kind = image.dtype.kind
    if kind == "b":
        return np.ascontiguousarray(image, dtype=np.uint8)
    if kind not in "iuf":
        raise PixelError(f"has pixels of type {image.dtype.name}, expected integers or floating-point numbers")
    if kind == "f" and not all(np.isfinite(plane).all() for plane in image):
        bad = [int(np.count_nonzero(~np.isfinite(plane))) for plane in image]
        listed = ", ".join(f"channel {name!r} has {n}" for name, n in zip(names, bad, strict=True) if n)
        raise PixelError(f"has pixels that are NaN or infinite: {listed} of {height * width}")
    return np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("="))


def _fault(error: Exception, *, image: str) -> Fault:
    """Describe why an image cannot be used; a decoder's own words are put into a sentence."""
    fault = Fault.of(error, image=image, stage=STAGE)
    if isinstance(error, PixelError):
        return fault
    if isinstance(error, FileNotFoundError):
        message = "is not there any more"
    elif isinstance(error, PermissionError):
        message = "may not be read; ask for its permissions to be changed"
    else:
        message = (
            f"cannot be read; it is cut short, damaged or of another format ({str(error) or type(error).__name__})"
        )
    return replace(fault, message=message)
