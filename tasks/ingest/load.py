"""The pixels of a batch of images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from tasks.core.channels import Channels
from tasks.core.digest import pixel_digest
from tasks.core.errors import ConfigError, Fault, InputError, PixelError
from tasks.core.transforms import PixelWindow, StackProjection
from tasks.core.types import AnyArray, BoolArray
from tasks.ingest.limits import DEFAULT, Limits, check_pixels, limited
from tasks.ingest.readers import readers
from tasks.ingest.readers.base import STAGE, MaskReader, catch, check_regular, reason
from tasks.ingest.references import ImageReference, from_frame


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBatch:
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
    masks
        For each reference the masks that its file holds, bool of the shape of `images`, or None; None where they were
        not asked for.
    """

    images: list[AnyArray | None]
    faults: list[Fault]
    digests: list[str | None]
    masks: list[BoolArray | None] | None = None


def load_images(
    references: Sequence[ImageReference],
    *,
    channels: Channels,
    region: PixelWindow | None = None,
    projection: StackProjection | None = None,
    limits: Limits = DEFAULT,
    masks: bool = False,
) -> LoadedBatch:
    """Read a batch of images at once; of each store, every chunk is read once.

    An image is set aside with a fault if it cannot be read or is cut short, has another number of channels than the
    data set, channels of different size, no pixels, or pixels that are complex, NaN or infinite; if its header claims
    more than `limits` allow; and if one of its files is a pipe, a socket or a device, of which reading might not end.
    Only the channels in use are looked at.

    Parameters
    ----------
    references
        Images of any readers.
    channels
        Which channels to return.
    region
        Part of each image to return; None for all.
    projection
        What makes one image of a z-stack; flat images are left as they are.
    limits
        What an image may claim to be.
    masks
        Whether the masks in the files are read, too; an image of which that fails is set aside.

    Raises
    ------
    InputError
        There is a z-stack, and no projection.
    ConfigError
        Masks are asked for, and there are files that hold none.
    """
    found: list[BoolArray | None] | None = None
    with limited(limits):
        read = _read(references, channels=channels, region=region, projection=projection)
        if masks:
            read, found = _with_masks(references, read, channels=channels, region=region)
    images = [None if isinstance(image, Exception) else image for image in read]
    faults = [
        replace(Fault.of(error, image=reference.image, stage=STAGE), message=reason(error))
        for reference, error in zip(references, read, strict=True)
        if isinstance(error, Exception)
    ]
    digests = [None if image is None else pixel_digest(image) for image in images]
    return LoadedBatch(images=images, faults=faults, digests=digests, masks=found)


def _read(
    references: Sequence[ImageReference],
    *,
    channels: Channels,
    region: PixelWindow | None,
    projection: StackProjection | None,
) -> list[AnyArray | Exception]:
    """Return the pixels of each image, or why there are none."""
    read: list[AnyArray | Exception | None] = [catch(check_regular, reference.paths) for reference in references]
    for name in dict.fromkeys(reference.reader for reference in references):
        slots = [
            slot
            for slot, reference in enumerate(references)
            if reference.reader == name and reference.depth == 1 and read[slot] is None
        ]
        batch = readers[name].load([references[slot] for slot in slots], channels=channels, region=region)
        for slot, image in zip(slots, batch, strict=True):
            read[slot] = image if isinstance(image, Exception) else catch(validated_pixels, image, channels)
    for slot, reference in enumerate(references):
        if reference.depth > 1 and read[slot] is None:
            if projection is None:
                raise InputError(
                    f"{reference.image} is a z-stack of {reference.depth} planes; add project: {{method: max}} to the "
                    "configuration"
                )
            z_planes = read_planes(reference, channels=channels, region=region)
            image = catch(projection, z_planes)
            lit = replace(channels, offsets=())  # of its planes the dark levels were subtracted
            read[slot] = image if isinstance(image, Exception) else catch(validated_pixels, image, lit)
    return [PixelError("was not read") if image is None else image for image in read]


def _with_masks(
    references: Sequence[ImageReference],
    read: Sequence[AnyArray | Exception],
    *,
    channels: Channels,
    region: PixelWindow | None,
) -> tuple[list[AnyArray | Exception], list[BoolArray | None]]:
    """Return the images, instead of one whose masks cannot be read why not; and the masks of the others."""
    check_file_masks(references)
    images: list[AnyArray | Exception] = list(read)
    masks: list[BoolArray | None] = [None] * len(images)
    for name in dict.fromkeys(reference.reader for reference in references):
        slots = [
            slot
            for slot, reference in enumerate(references)
            if reference.reader == name and not isinstance(images[slot], Exception)
        ]
        reader = readers[name]
        own = [references[slot] for slot in slots]
        batch = reader.load_masks(own, channels=channels, region=region) if isinstance(reader, MaskReader) else []
        for slot, mask in zip(slots, batch, strict=True):
            checked = mask if isinstance(mask, Exception) else catch(_checked_mask, mask, image=images[slot])
            if isinstance(checked, Exception):
                images[slot] = checked
            else:
                masks[slot] = checked
    return images, masks


def _checked_mask(mask: AnyArray, *, image: AnyArray | Exception) -> BoolArray:
    if isinstance(image, Exception):
        raise image
    if mask.shape != image.shape or mask.dtype != np.bool_:
        raise PixelError(f"its mask is {mask.shape} {mask.dtype}, its image {image.shape}; expected bool of one shape")
    return np.ascontiguousarray(mask)


def check_file_masks(references: Sequence[ImageReference]) -> None:
    """See whether files are of a kind that holds masks.

    Raises
    ------
    ConfigError
        Some are not; naming the first.
    """
    first = {reference.reader: reference for reference in reversed(references)}
    for name, reference in first.items():
        if not isinstance(readers[name], MaskReader):
            able = ", ".join(
                own.accepted for own in map(readers.__getitem__, readers.names) if isinstance(own, MaskReader)
            )
            raise ConfigError(
                f"mask.methods: the method 'file' takes masks from the files, but files such as {reference.image} hold "
                f"none (reader '{name}'); expected {able}. Choose another method, such as li"
            )


def read_planes(
    reference: ImageReference, *, channels: Channels, region: PixelWindow | None = None
) -> Iterator[AnyArray]:
    """Yield the planes (C, H, W) of a z-stack, from the first to the last, each read when it is asked for.

    Raises
    ------
    PixelError
        A plane cannot be used, or differs from the first in size or dtype.
    Exception
        Whatever a decoder raises on a damaged file.
    """
    first: tuple[tuple[int, ...], np.dtype[Any]] | None = None
    for z in range(reference.depth):
        (plane,) = readers[reference.reader].load([reference], channels=channels, region=region, z=z)
        if isinstance(plane, Exception):
            raise plane
        plane = validated_pixels(plane, channels)
        own = plane.shape, plane.dtype
        if own != (first := first or own):
            raise PixelError(
                f"its z planes differ: the first is {'×'.join(map(str, first[0]))} {first[1]}, plane {z + 1} is "
                f"{'×'.join(map(str, own[0]))} {own[1]} (channels × rows × columns)"
            )
        yield plane


def validated_pixels(image: AnyArray, of: Channels) -> AnyArray:
    """Return an image (C, H, W) C-contiguous and in native byte order, bool as uint8, less the channels' dark levels.

    Raises
    ------
    PixelError
        It has no pixels, too many, or pixels that are no numbers, complex, NaN or infinite.
    """
    channels, height, width = image.shape
    check_pixels(height, width)
    if not image.size:
        raise PixelError(f"has no pixels ({channels} channels of {height}×{width})")
    kind = image.dtype.kind
    if kind == "b":
        image, kind = image.astype(np.uint8), "u"  # bytes of True may be any but 0
    if kind not in "iuf":
        raise PixelError(f"has pixels of type {image.dtype.name}, expected integers or floating-point numbers")
    if kind == "f" and not all(np.isfinite(plane).all() for plane in image):
        bad = [int(np.count_nonzero(~np.isfinite(plane))) for plane in image]
        counts = ", ".join(f"channel {name!r} has {n}" for name, n in zip(of.names, bad, strict=True) if n)
        raise PixelError(f"has pixels that are NaN or infinite: {counts} of {height * width}")
    image = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("="))
    return _above_dark(image, offsets=of.offsets) if of.offsets else image


def _above_dark(image: AnyArray, *, offsets: Sequence[float]) -> AnyArray:
    """Subtract each channel's dark level, in the image's dtype: what it cannot hold becomes its smallest or largest."""
    if image.dtype.kind == "f":
        light: AnyArray = image - np.array(offsets, dtype=image.dtype)[:, np.newaxis, np.newaxis]
        return light
    limits = np.iinfo(image.dtype)
    planes = [
        np.clip(np.rint(plane - offset), limits.min, limits.max) for plane, offset in zip(image, offsets, strict=True)
    ]
    return np.stack(planes).astype(image.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLoader:
    """Loads the images that rows of the index stand for.

    Parameters
    ----------
    channels
        Which channels are read.
    projection
        What makes one image of a z-stack.
    limits
        What an image may claim to be.
    """

    channels: Channels
    projection: StackProjection | None = None
    limits: Limits = DEFAULT

    @property
    def identity(self) -> object:
        """The projection; channels and limits are part of every partition's digest."""
        return self.projection

    def __call__(self, index: pl.DataFrame, *, masks: bool = False) -> LoadedBatch:
        """Load images, and the masks in their files where they are asked for."""
        return load_images(
            from_frame(index), channels=self.channels, projection=self.projection, limits=self.limits, masks=masks
        )

    def projected_by(self, projection: StackProjection) -> "PartitionLoader":
        """Return the loader that makes one image of each z-stack."""
        return replace(self, projection=projection)
