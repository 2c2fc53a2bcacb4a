"""What a reader is, and the list of readers."""

import errno
import stat
import struct
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import ParamSpec, Protocol, TypeVar, runtime_checkable

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import Fault, PixelError
from tasks.core.registry import Parts
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray, BoolArray
from tasks.ingest.references import ImageReference

STAGE = "ingest"
"""Stage named in the faults of this folder."""

CHANNEL_GROUP = "channel"
"""Group of the pattern that tells the channel files of a field apart."""

Z_GROUP = "z"
"""Group of the pattern that tells the planes of a z-stack apart, beside a group for the channel."""

TIFF_SUFFIXES = (".tif", ".tiff")

OME_TIFF_SUFFIXES = (".ome.tif", ".ome.tiff", ".ome.tf2", ".ome.tf8", ".ome.btf")

ResultT = TypeVar("ResultT")
Arguments = ParamSpec("Arguments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file, or a folder that is one store, found in the inputs.

    Parameters
    ----------
    path
        Absolute path.
    relative
        Path relative to the input's parent folder, with forward slashes.
    size, mtime_ns
        Bytes, and modification time in ns since 1970; of a store: of its folder's entry.
    store
        Whether it is a folder that holds a store.
    named
        Whether the user named it itself, so that it may not be passed over.
    inode
        Device and number by which the file system knows it, whatever links lead to it; None where it cannot tell.
    problem
        Why it cannot be an image of the run, whatever it holds; empty where it can.
    metadata
        What the pattern's groups matched in `relative`.
    """

    path: str
    relative: str
    size: int
    mtime_ns: int
    store: bool = False
    named: bool = False
    inode: tuple[int, int] | None = None
    problem: str = ""
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """Last suffix of the name in lower case, with its dot."""
        return PurePosixPath(self.relative).suffix.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderListing:
    """What a reader makes of its sources: images, images that cannot be used, and how many files it has no use for."""

    references: list[ImageReference]
    faults: list[Fault] = field(default_factory=list)
    unused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of an image before its pixels are read.

    Parameters
    ----------
    channels, height, width
        Shape.
    dtype
        dtype of the pixels.
    names
        The file's own names of its channels, None where it has none.
    numbers_are_names
        Whether a number in the configuration is a channel's name (``ch1``, ``ch2``), not its index.
    """

    channels: int
    height: int
    width: int
    dtype: np.dtype[np.generic]
    names: tuple[str, ...] | None = None
    numbers_are_names: bool = False


class Reader(Protocol):
    """A file format, or a way to lay images out in files."""

    @property
    def name(self) -> str:
        """Name in the configuration."""

    @property
    def accepted(self) -> str:
        """What it reads, for messages: ``.tif, .tiff``."""

    def accepts(self, source: Source) -> bool:
        """Whether a source looks like one of its own, judged by its name (a store: by its metadata file)."""

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether the reader ``auto`` leaves a source to this one; at most one reader should say so.

        `by_channel` tells whether the pattern has a group that tells the channel files of a field apart.
        """

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """List the images in sources it accepts, without reading pixels.

        No file is opened but those of formats that may hold several images or z-stacks, of which the metadata are read.

        `pattern` is the configured regular expression, `wanted` the configured channels' sources (empty: all).
        """

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Open one image's header; any exception means that it cannot be read."""

    def load(
        self, references: Sequence[ImageReference], *, channels: Channels, region: PixelWindow | None = None, z: int = 0
    ) -> list[AnyArray | Exception]:
        """Read images at once.

        Parameters
        ----------
        references
            Images of this reader.
        channels
            Which channels to return.
        region
            Part of each image to return; None for all. A reader may read all and cut (`cropped`).
        z
            Which plane of z-stacks, from 0.

        Returns
        -------
        list
            For each image an array (C, H, W) as the file holds it, or why there is none.
        """


@runtime_checkable
class MaskReader(Protocol):
    """A reader of files that hold masks of their images beside the pixels: a second method of such a `Reader`."""

    @property
    def accepted(self) -> str:
        """What it reads, for messages."""

    def load_masks(
        self, references: Sequence[ImageReference], *, channels: Channels, region: PixelWindow | None = None
    ) -> Sequence[BoolArray | Exception]:
        """Return for each image what `load` does, of its masks: bool (C, H, W), or why there are none."""


class RegionReader(ABC):
    """Base of readers that read image by image, and of each no more than is asked for."""

    @abstractmethod
    def read_region(
        self, reference: ImageReference, *, channels: Channels, region: PixelWindow | None, z: int
    ) -> AnyArray:
        """Return the pixels (C, H, W) of a part of one image; any exception means that it cannot be read."""

    def load(
        self, references: Sequence[ImageReference], *, channels: Channels, region: PixelWindow | None = None, z: int = 0
    ) -> list[AnyArray | Exception]:
        """Read image by image."""
        return [catch(self.read_region, reference, channels=channels, region=region, z=z) for reference in references]


class FileReader(RegionReader):
    """Base of readers that read whole images; a reader of its own only tells how to read one."""

    @abstractmethod
    def read(self, reference: ImageReference, *, channels: Channels, z: int) -> AnyArray:
        """Return the pixels (C, H, W) of one image; any exception means that it cannot be read."""

    def read_region(
        self, reference: ImageReference, *, channels: Channels, region: PixelWindow | None, z: int
    ) -> AnyArray:
        """Read all of the image, and cut."""
        return cropped(self.read(reference, channels=channels, z=z), region=region)


readers: Parts[Reader] = Parts("reader", "tasks.ingest.readers")


def register(reader: Reader) -> None:
    """Make a reader known by its name."""
    readers.add(reader.name, reader)


def catch(read: Callable[Arguments, ResultT], *args: Arguments.args, **kwargs: Arguments.kwargs) -> ResultT | Exception:
    """Read something that may be damaged; return the exception instead of raising it."""
    try:
        return read(*args, **kwargs)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise anything on damaged bytes; the image is set aside
        return error


KINDS = {
    stat.S_ISFIFO: "a named pipe (FIFO)",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
"""What a path may be that is neither file nor folder."""


def check_regular(paths: Sequence[str]) -> None:
    """Refuse an image of which some file is no file: to open a pipe is to wait for who writes into it.

    Raises
    ------
    PixelError
        Naming what it is.
    OSError
        It is not there, or may not be looked at.
    """
    for path in paths:
        mode = Path(path).stat().st_mode
        for is_kind, kind in KINDS.items():
            if is_kind(mode):
                raise PixelError(f"is {kind}, expected a file; remove it, or copy what it gives into a file")


def reason(error: Exception) -> str:
    """Say in a sentence why an image cannot be read; a decoder's own words are added, Python's are not."""
    if isinstance(error, PixelError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "is not there any more"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "is a symbolic link that leads back to itself; point it to a file"
    if isinstance(error, PermissionError):
        return "may not be read; ask for its permissions to be changed"
    pythons = isinstance(error, (TypeError, AttributeError, LookupError, ArithmeticError, AssertionError, struct.error))
    words = "" if pythons or not str(error) else f" ({error})"
    return f"cannot be read; it is cut short, damaged or of another format{words}"


def cropped(image: AnyArray, *, region: PixelWindow | None) -> AnyArray:
    """Cut a window out of an image (C, H, W); a copy, so that the image need not stay in memory. None: all of it.

    Raises
    ------
    PixelError
        The window is empty or does not lie within the image.
    """
    if region is None:
        return image
    height, width = image.shape[-2:]
    top, bottom, left, right = checked_region(region, height=height, width=width)
    return image[:, top:bottom, left:right].copy()


def checked_region(region: PixelWindow | None, *, height: int, width: int) -> PixelWindow:
    """Return a window of an image; None: all of it.

    Raises
    ------
    PixelError
        The window is empty or does not lie within the image.
    """
    if region is None:
        return PixelWindow(0, height, 0, width)
    top, bottom, left, right = region
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise PixelError(f"has {height}×{width} pixels; got the window {top}:{bottom}, {left}:{right}, not within them")
    return region


def positions(channels: Channels, *, count: int, labels: Sequence[str] | None = None) -> Sequence[int] | None:
    """Return the indices in a file of the channels in use; None for all in their order.

    Parameters
    ----------
    count, labels
        Number and names of the channels in this file; None: it does not name them, or they are chosen by position.

    Raises
    ------
    PixelError
        The file has another number of channels than the data set, or one of those in use is not among its names.
    """
    if count != channels.count:
        raise PixelError(
            f"has {count} {'channel' if count == 1 else 'channels'}, the other images have {channels.count}; images of "
            "another kind belong into a run of their own"
        )
    if not channels.labels or labels is None or tuple(labels) == channels.labels:
        return channels.sources
    wanted = channels.labels if channels.sources is None else [channels.labels[index] for index in channels.sources]
    if missing := [label for label in wanted if label not in labels]:
        raise PixelError(
            f"names its channels {', '.join(labels)} and lacks {', '.join(missing)}, which the other images have; "
            "images of another kind belong into a run of their own"
        )
    return [labels.index(label) for label in wanted]


def listing_fault(error: Exception, *, source: Source, image: str = "") -> Fault:
    """Tell why a source cannot be listed, or an image of it that is called so."""
    told = PixelError(reason(error))
    return Fault.of(told, image=image or source.relative, stage=STAGE, metadata=source.metadata)


def scene_names(names: Sequence[str]) -> list[str]:
    """Name the scenes of a file in identities: as the file does, else by their numbers; all by these if two were alike.

    Examples
    --------
    >>> scene_names(["left", "right", "right", ""])
    ['left', '1', '2', '3']
    >>> scene_names(["1", ""])
    ['0', '1']
    """
    count, numbers = Counter(names), [str(scene) for scene in range(len(names))]
    own = [
        name if name and count[name] == 1 and "#" not in name else number
        for name, number in zip(names, numbers, strict=True)
    ]
    return own if len(set(own)) == len(own) else numbers


def require_one_shape(shapes: Sequence[tuple[int, int]], *, names: Sequence[str]) -> tuple[int, int]:
    """Return the shape (rows, columns) that all channels share.

    Raises
    ------
    PixelError
        The shapes differ; `names` tells what each channel is called in the message.
    """
    if len(set(shapes)) > 1:
        sizes = ", ".join(f"{name} {rows}×{columns}" for name, (rows, columns) in zip(names, shapes, strict=True))
        raise PixelError(f"its channels differ in size (rows × columns: {sizes})")
    return shapes[0]
