"""Reader ``bioio``: formats of microscopes' makers, by the library of this name and its plug-ins."""

import logging
import math
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import ConfigError, Fault, PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray
from tasks.ingest.limits import check_compression, check_pixels
from tasks.ingest.readers.base import (
    STAGE,
    FileReader,
    Header,
    ReaderListing,
    Source,
    catch,
    checked_region,
    positions,
    reason,
    register,
    scene_names,
)
from tasks.ingest.references import ImageReference

SUFFIXES = (".czi", ".lif", ".nd2")
"""Suffixes for which the extra brings all that is needed; with other plug-ins the library reads many more."""

MADE_UP = ("Channel:", "Channel_")
"""How names of channels begin that the libraries make up."""

LOGGERS = ("bioio", "bioio_base", "bioio_czi", "bioio_lif", "bioio_nd2")
"""Loggers of the library and of the plug-ins that the extra brings."""

OPEN = 4
"""Files that are kept open."""


@dataclass(frozen=True)
class BioioReader(FileReader):
    """Every scene and time point is an image; z-stacks are projected, mosaics put together."""

    name: str = "bioio"
    accepted: str = f"{', '.join(SUFFIXES)} and others"

    def accepts(self, source: Source) -> bool:
        """Whether it is a file: which ones can be read is for the library's plug-ins to say."""
        return not source.store

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether it has the suffix of a maker's format."""
        return not by_channel and not source.store and source.suffix in SUFFIXES

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Refer to every time point of every scene of each file.

        Raises
        ------
        ConfigError
            The library is not installed.
        """
        del pattern, wanted
        _library()
        references, faults = [], []
        for source in sources:
            own = catch(list, _references(source))
            if isinstance(own, Exception):
                error = PixelError(reason(own))
                faults.append(Fault.of(error, image=source.relative, stage=STAGE, metadata=source.metadata))
            else:
                references += own
        return ReaderListing(references=references, faults=faults)

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Ask for the dimensions of the scene."""
        del pattern
        with _quiet():
            image = _scene(reference)
            labels = _labels(image)
            return Header(
                channels=_channels(image),
                height=int(image.dims.Y),
                width=int(image.dims.X),
                dtype=np.dtype(image.dtype),
                names=labels,
            )

    def read(self, reference: ImageReference, *, channels: Channels, z: int) -> AnyArray:
        """Read the channels in use."""
        return self.read_region(reference, channels=channels, region=None, z=z)

    def read_region(
        self, reference: ImageReference, *, channels: Channels, region: PixelWindow | None, z: int
    ) -> AnyArray:
        """Read a window of the channels in use; of a mosaic those tiles that it lies in."""
        with _quiet():
            image = _scene(reference)
            height, width, count = int(image.dims.Y), int(image.dims.X), _channels(image)
            check_pixels(height, width)
            size = height * width * np.dtype(image.dtype).itemsize
            check_compression(size, stored=reference.size)
            top, bottom, left, right = checked_region(region, height=height, width=width)
            labels = _labels(image) if channels.labels else None
            chosen = positions(channels, count=count, labels=labels) or range(count)
            part = (list(chosen), slice(top, bottom), slice(left, right))
            return _pixels(image, time=reference.index or 0, z=z, part=part)


def _references(source: Source) -> Iterator[ImageReference]:
    """Refer to the time points of all scenes of a file."""
    with _quiet():
        image = _opened(source.path, state=(source.size, source.mtime_ns), thread=threading.get_ident())
        names = scene_names([str(scene) for scene in image.scenes])
        several = len(names) > 1
        for scene, name in enumerate(names):
            image.set_scene(scene)
            times, depth = (int(getattr(image.dims, axis, 1)) for axis in "TZ")
            metadata, measures = _known(image)
            for time in range(times):
                parts = [source.relative, *([name] if several else []), *([str(time)] if times > 1 else [])]
                yield ImageReference(
                    image="#".join(parts),
                    reader="bioio",
                    paths=(source.path,),
                    relative=(source.relative,),
                    scene=scene if several else None,
                    index=time if times > 1 else None,
                    depth=depth,
                    metadata=metadata | ({"scene": name} if several else {}) | source.metadata,
                    measures=measures | ({"time": float(time)} if times > 1 else {}),
                    sizes=(source.size,),
                    mtimes_ns=(source.mtime_ns,),
                )


def _scene(reference: ImageReference) -> Any:  # noqa: ANN401 - of a library without types
    """Open a file, or take one that this thread has open in the same state, and turn to the scene of an image."""
    (path,) = reference.paths
    stat = Path(path).stat()
    image = _opened(path, state=(stat.st_size, stat.st_mtime_ns), thread=threading.get_ident())
    scene = reference.scene or 0
    if scene >= len(image.scenes):
        raise PixelError(f"holds {len(image.scenes)} scenes now; it was changed")
    image.set_scene(scene)
    return image


@lru_cache(maxsize=OPEN)
def _opened(path: str, *, state: tuple[int, int], thread: int) -> Any:  # noqa: ANN401
    del state, thread
    return _library()(path)


def _library() -> Any:  # noqa: ANN401
    """Return the library's class of images.

    Raises
    ------
    ConfigError
        It is not installed.
    """
    try:
        from bioio import BioImage
    except ImportError as error:
        raise ConfigError(
            f"load.reader: bioio reads {', '.join(SUFFIXES)}, and cannot be imported ({error}); "
            "pip install 'scip-flows[bioio]'"
        ) from error
    return BioImage


def _channels(image: Any) -> int:  # noqa: ANN401
    """Count channels; of colours each is one."""
    return int(getattr(image.dims, "C", 1)) * int(getattr(image.dims, "S", 1))


def _labels(image: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    """Return the names of the channels, if the file gives each one of its own."""
    names = [name.strip() if isinstance(name, str) else "" for name in image.channel_names or ()]
    good = all(name and not name.startswith(MADE_UP) for name in names) and len(set(names)) == len(names)
    return tuple(names) if good and len(names) == _channels(image) else None


def _pixels(image: Any, *, time: int, z: int, part: tuple[list[int], slice, slice]) -> AnyArray:  # noqa: ANN401
    """Read channels, rows and columns of a plane in this thread, and no others where the format allows that."""
    axes = "CSYX" if int(getattr(image.dims, "S", 1)) > 1 else "CYX"
    planes = image.get_image_dask_data(axes, T=time, Z=z)
    planes = planes.reshape(-1, *planes.shape[-2:])
    return np.stack([np.asarray(planes[own, part[1], part[2]].compute(scheduler="synchronous")) for own in part[0]])


def _known(image: Any) -> tuple[dict[str, str], dict[str, float]]:  # noqa: ANN401
    """Gather what is known of a scene; where a library fails to tell it, nothing is."""
    metadata: dict[str, str] = {}
    measures: dict[str, float] = {}
    sizes = catch(lambda: image.physical_pixel_sizes)
    for axis in "XYZ":
        _measure(measures, f"pixel_size_{axis.lower()}", getattr(sizes, axis, None), positive=True)
    standard = catch(lambda: image.standard_metadata)
    for axis in "xyz":
        _measure(measures, f"stage_{axis}", getattr(standard, f"stage_position_{axis}", None))
    acquired, objective = (getattr(standard, name, None) for name in ("imaging_datetime", "objective"))
    if isinstance(acquired, datetime):
        metadata["acquired"] = acquired.isoformat()
    if isinstance(objective, str) and objective.strip():
        metadata["objective"] = objective.strip()
    return metadata, measures


def _measure(measures: dict[str, float], name: str, value: object, *, positive: bool = False) -> None:
    if isinstance(value, int | float | np.number) and math.isfinite(float(value)) and (value > 0 or not positive):
        measures[name] = float(value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries from telling at length, in warnings and logs, what metadata they could not make out."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger in loggers:
            logger.propagate = True


for _name in LOGGERS:
    logging.getLogger(_name).addHandler(logging.NullHandler())
register(BioioReader())
