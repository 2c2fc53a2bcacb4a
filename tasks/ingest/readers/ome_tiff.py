"""Reader ``ome_tiff``: TIFF files with OME-XML, which says what their pages are.

https://docs.openmicroscopy.org/ome-model/latest/ome-tiff/specification.html
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from tifffile import TiffFile

from tasks.core.channels import Channels
from tasks.core.errors import PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray
from tasks.ingest.readers.base import (
    OME_TIFF_SUFFIXES,
    Header,
    ReaderListing,
    RegionReader,
    Source,
    catch,
    listing_fault,
    positions,
    register,
    scene_names,
)
from tasks.ingest.readers.ome_xml import OmeImage, Plane, parse_ome
from tasks.ingest.readers.tiff import check_page, opened
from tasks.ingest.readers.tiff_region import read_page
from tasks.ingest.references import ImageReference, time_points


@dataclass(frozen=True)
class OmeTiffReader(RegionReader):
    """OME-TIFF: every scene (``Image``) and time point is an image, z-stacks are projected.

    Reduced copies in pyramids are passed over. Planes may lie in other files of the same folder, as the XML tells; such
    an image belongs to the first of them.
    """

    name: str = "ome_tiff"
    accepted: str = ", ".join(OME_TIFF_SUFFIXES)

    def accepts(self, source: Source) -> bool:
        """Whether it is a TIFF, whatever its name: many OME-TIFFs are called .tif."""
        return not source.store and source.relative.lower().endswith((".tif", ".tiff", ".btf", ".tf8", ".tf2"))

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether its suffix says that it is an OME-TIFF."""
        return not by_channel and not source.store and source.relative.lower().endswith(OME_TIFF_SUFFIXES)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Refer to every time point of every image that the XML of each file tells of."""
        del pattern, wanted
        by_path = {source.path: source for source in sources}
        references, faults, unused = [], [], 0
        for source in sources:
            images = catch(_images, source.path, size=source.size, mtime_ns=source.mtime_ns)
            own = images if isinstance(images, Exception) else catch(list, _references(source, images, by_path=by_path))
            if isinstance(own, Exception):
                faults.append(listing_fault(own, source=source))
                continue
            references += own
            unused += not own
        return ReaderListing(references=references, faults=faults, unused=unused)

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Look at what the XML says."""
        del pattern
        image = _image(reference)
        return Header(
            channels=image.channels,
            height=image.height,
            width=image.width,
            dtype=np.dtype(image.dtype),
            names=_labels(image),
        )

    def read_region(
        self, reference: ImageReference, *, channels: Channels, region: PixelWindow | None, z: int
    ) -> AnyArray:
        """Read those strips and tiles of the channels in use that a window lies in."""
        image = _image(reference)
        chosen = positions(channels, count=image.channels, labels=_labels(image) if channels.labels else None)
        entries = [(entry, sample) for entry, count in enumerate(image.samples) for sample in range(count)]
        picked = entries if chosen is None else [entries[position] for position in chosen]
        planes: dict[int, AnyArray] = {}
        with ExitStack() as stack:
            files: dict[str, TiffFile] = {}
            for entry in dict.fromkeys(entry for entry, _ in picked):
                plane = image.plane(channel=entry, z=z, time=reference.index or 0)
                path = _path(reference, plane)
                if path not in files:
                    files[path] = stack.enter_context(opened(path))
                planes[entry] = _read(files[path], plane, image=image, samples=image.samples[entry], region=region)
            return np.stack([planes[entry][sample] for entry, sample in picked])


def _read(file: TiffFile, plane: Plane, *, image: OmeImage, samples: int, region: PixelWindow | None) -> AnyArray:
    try:
        page = file.pages[plane.page]
    except IndexError:
        raise PixelError(f"has no page {plane.page + 1}, of which its OME-XML tells; it is cut short") from None
    page = page.aspage()
    check_page(file, page, number=plane.page)
    own = (int(page.samplesperpixel), int(page.imagelength), int(page.imagewidth))
    if own != (samples, image.height, image.width):
        raise PixelError(
            f"page {plane.page + 1} is {'×'.join(map(str, own))} (samples × rows × columns), but its OME-XML says "
            f"{samples}×{image.height}×{image.width}"
        )
    if page.dtype is None:
        raise PixelError(f"its pixels are of an unknown kind ({page.bitspersample} bits per sample)")
    return read_page(page, region=region)


def _references(source: Source, images: Sequence[OmeImage], *, by_path: dict[str, Source]) -> Iterator[ImageReference]:
    """Refer to the images of a file, but to those that belong to another one."""
    names = scene_names([image.name for image in images])
    for scene, (image, name) in enumerate(zip(images, names, strict=True)):
        files = _files(source, image)
        if files[0].path != source.path and files[0].path in by_path:
            continue
        yield from time_points(
            ImageReference(
                image=source.relative,
                reader="ome_tiff",
                paths=tuple(file.path for file in files),
                relative=tuple(file.relative for file in files),
                depth=image.depth,
                metadata=image.metadata | source.metadata,
                measures=image.measures,
                sizes=tuple(file.size for file in files),
                mtimes_ns=tuple(file.mtime_ns for file in files),
            ),
            times=image.times,
            scene=(scene, name) if len(images) > 1 else None,
        )


def _files(source: Source, image: OmeImage) -> list[Source]:
    """Return the files of an image, in the order in which the XML names them.

    A single name that is not there means the file itself: it was renamed.
    """
    folder, relative = Path(source.path).parent, source.relative.rpartition("/")[0]
    names = image.files or ("",)
    if len(names) == 1 and (not names[0] or not (folder / names[0]).is_file() or "/" in names[0]):
        return [source]
    files = []
    for name in names:
        if not name or name == Path(source.path).name:
            files.append(source)
            continue
        if Path(name).name != name or "\\" in name:
            raise PixelError(f"its OME-XML refers to {name!r}; only files of its own folder are read")
        try:
            stat = (folder / name).stat()
        except FileNotFoundError:
            raise PixelError(f"its OME-XML says that planes lie in {name}, which is not there") from None
        files.append(
            Source(
                path=str(folder / name),
                relative=f"{relative}/{name}" if relative else name,
                size=stat.st_size,
                mtime_ns=stat.st_mtime_ns,
            )
        )
    return files


def _path(reference: ImageReference, plane: Plane) -> str:
    """Return the path of the file in which a plane lies."""
    named = [path for path in reference.paths if Path(path).name == plane.file]
    return named[0] if named else reference.paths[0]


def _labels(image: OmeImage) -> tuple[str, ...] | None:
    """Names of the channels, if each has one of its own."""
    return image.labels if all(image.labels) and len(set(image.labels)) == len(image.labels) else None


def _image(reference: ImageReference) -> OmeImage:
    stat = Path(reference.paths[0]).stat()
    images = _images(reference.paths[0], size=stat.st_size, mtime_ns=stat.st_mtime_ns)
    scene = reference.scene or 0
    if scene >= len(images):
        raise PixelError(f"tells of {len(images)} images now; it was changed")
    return images[scene]


@lru_cache(maxsize=64)
def _images(path: str, *, size: int, mtime_ns: int) -> tuple[OmeImage, ...]:
    """Read the OME-XML of a file, once for each of its states.

    Raises
    ------
    PixelError
        It has none.
    """
    del size, mtime_ns
    with opened(path) as file:
        text = file.pages.first.description
        if not file.is_ome:
            called = "is called an OME-TIFF, but " if path.lower().endswith(OME_TIFF_SUFFIXES) else ""
            raise PixelError(f"{called}has no OME-XML; the reader 'image' reads its pages as channels")
    return parse_ome(text)


register(OmeTiffReader())
