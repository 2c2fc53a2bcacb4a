"""Readers ``bioio`` and ``aicsimageio``: formats of microscopes' makers, by the libraries of these names.

The libraries read in processes of their own (`tasks.ingest.library`): a damaged file that ends such a process is set
aside like any other, and aicsimageio, which needs older versions of others, may be installed elsewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray
from tasks.ingest.library.client import Scene, library
from tasks.ingest.limits import check_compression, check_pixels
from tasks.ingest.readers.base import (
    Header,
    ReaderListing,
    RegionReader,
    Source,
    catch,
    checked_region,
    listing_fault,
    positions,
    register,
    scene_names,
)
from tasks.ingest.references import ImageReference, time_points

SUFFIXES = (".czi", ".lif", ".nd2")
"""Suffixes for which the extra bioio brings all that is needed; with other plug-ins it reads many more."""


@dataclass(frozen=True)
class LibraryReader(RegionReader):
    """Every scene and time point is an image; z-stacks are projected, mosaics put together.

    Parameters
    ----------
    name
        Of the reader and of the library.
    preferred
        Whether ``auto`` leaves files to this reader.
    """

    name: str
    preferred: bool
    accepted: str = f"{', '.join(SUFFIXES)} and others"

    def accepts(self, source: Source) -> bool:
        """Whether it is a file: which ones can be read is for the library's plug-ins to say."""
        return not source.store

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether it has the suffix of a maker's format."""
        return self.preferred and not by_channel and not source.store and source.suffix in SUFFIXES

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Refer to every time point of every scene of each file.

        Raises
        ------
        ConfigError
            The library is not installed.
        """
        del pattern, wanted
        library(self.name).check()
        references: list[ImageReference] = []
        faults = []
        for source in sources:
            scenes = catch(_scenes, self.name, source.path, size=source.size, mtime_ns=source.mtime_ns)
            if isinstance(scenes, Exception):
                faults.append(listing_fault(scenes, source=source))
            else:
                references += _references(source, scenes, reader=self.name)
        return ReaderListing(references=references, faults=faults)

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Ask for the dimensions of the scene."""
        del pattern
        scene = self._scene(reference)
        return Header(
            channels=scene.channels,
            height=scene.height,
            width=scene.width,
            dtype=np.dtype(scene.dtype),
            names=scene.labels,
        )

    def read_region(
        self, reference: ImageReference, *, channels: Channels, region: PixelWindow | None, z: int
    ) -> AnyArray:
        """Read a window of the channels in use; of a mosaic those tiles that it lies in."""
        scene = self._scene(reference)
        check_pixels(scene.height, scene.width)
        check_compression(scene.height * scene.width * np.dtype(scene.dtype).itemsize, stored=reference.size)
        labels = scene.labels if channels.labels else None
        chosen = positions(channels, count=scene.channels, labels=labels)
        return library(self.name).read(
            reference.paths[0],
            scene=reference.scene or 0,
            time=reference.index or 0,
            z=z,
            channels=range(scene.channels) if chosen is None else chosen,
            region=checked_region(region, height=scene.height, width=scene.width),
        )

    def _scene(self, reference: ImageReference) -> Scene:
        (path,) = reference.paths
        stat = Path(path).stat()
        scenes = _scenes(self.name, path, size=stat.st_size, mtime_ns=stat.st_mtime_ns)
        scene = reference.scene or 0
        if scene >= len(scenes):
            raise PixelError(f"holds {len(scenes)} scenes now; it was changed")
        return scenes[scene]


def _references(source: Source, scenes: Sequence[Scene], *, reader: str) -> Iterator[ImageReference]:
    """Refer to the time points of all scenes of a file."""
    names = scene_names([scene.name for scene in scenes])
    for number, (scene, name) in enumerate(zip(scenes, names, strict=True)):
        yield from time_points(
            ImageReference(
                image=source.relative,
                reader=reader,
                paths=(source.path,),
                relative=(source.relative,),
                depth=scene.depth,
                metadata=scene.metadata | source.metadata,
                measures=scene.measures,
                sizes=(source.size,),
                mtimes_ns=(source.mtime_ns,),
            ),
            times=scene.times,
            scene=(number, name) if len(scenes) > 1 else None,
        )


@lru_cache(maxsize=64)
def _scenes(name: str, path: str, *, size: int, mtime_ns: int) -> list[Scene]:
    """Ask what a file holds, once for each of its states."""
    del size, mtime_ns
    return library(name).scenes(path)


register(LibraryReader(name="bioio", preferred=True))
register(LibraryReader(name="aicsimageio", preferred=False))
