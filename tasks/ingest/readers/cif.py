"""Reader ``cif``: compensated image files of Amnis' imaging flow cytometers (ImageStream, FlowSight).

Raw image files (.rif) look alike, but their pixels are not corrected; they are refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import Fault, PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray, BoolArray
from tasks.ingest.readers.amnis_file import Container, open_container
from tasks.ingest.readers.base import STAGE, Header, ReaderListing, Source, catch, cropped, positions, register
from tasks.ingest.references import ImageReference

SUFFIX, RAW_SUFFIX = ".cif", ".rif"
RAW = (
    "is a raw image file, whose pixels are not corrected; open it in IDEAS, which writes a compensated image file "
    "(.cif), and give that"
)


@dataclass(frozen=True)
class CifReader:
    """Compensated image files; every object is an image."""

    name: str = "cif"
    accepted: str = SUFFIX

    def accepts(self, source: Source) -> bool:
        """Whether the suffix is that of an image file, be it compensated or raw."""
        return not source.store and source.suffix in {SUFFIX, RAW_SUFFIX}

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether it is such a file; none holds one channel alone."""
        return not by_channel and self.accepts(source)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Refer to every object; a file that is damaged, cut short or raw is a fault.

        A raw file beside its compensated one is passed over, unless the user named it.
        """
        del pattern, wanted
        references, faults, unused = [], [], 0
        compensated = {_stem(source) for source in sources if source.suffix == SUFFIX}
        for source in sources:
            if source.suffix == RAW_SUFFIX and not source.named and _stem(source) in compensated:
                unused += 1
                continue
            container = catch(_open, source)
            if isinstance(container, Container):
                references += _objects(source, container=container, reader=self.name)
            problem = PixelError(container.problem) if isinstance(container, Container) else container
            if str(problem):
                faults.append(Fault.of(problem, image=source.relative, stage=STAGE, metadata=source.metadata))
        return ReaderListing(references=references, faults=faults, unused=unused)

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Look the object's shape up."""
        del pattern
        container = open_container(reference.paths[0])
        channels, height, width = container.shape(_position(reference))
        return Header(channels=channels, height=height, width=width, dtype=np.dtype(np.uint16), names=container.names)

    def load(
        self, references: Sequence[ImageReference], *, channels: Channels, region: PixelWindow | None = None, z: int = 0
    ) -> list[AnyArray | Exception]:
        """Read the pixels of the objects."""
        del z
        return _read_each(references, Container.read_pixels, channels=channels, region=region)

    def load_masks(
        self, references: Sequence[ImageReference], *, channels: Channels, region: PixelWindow | None = None
    ) -> list[BoolArray | Exception]:
        """Read the masks of the objects: where the instrument's software saw each in every channel."""
        return _read_each(references, Container.read_masks, channels=channels, region=region)

    def example(self, folder: Path) -> None:
        """Write a small file."""
        from tasks.ingest.example_cif import write_cif

        draw = np.random.default_rng(7)
        images = [draw.poisson(150, (2, 12 + number, 10)).astype(np.uint16) for number in range(3)]
        write_cif(folder / "example.cif", images=images, masks=[image > 150 for image in images], names=("BF", "PI"))


def _open(source: Source) -> Container:
    if source.suffix == RAW_SUFFIX:
        raise PixelError(RAW)
    return open_container(source.path)


def _stem(source: Source) -> str:
    return str(PurePosixPath(source.relative).with_suffix(""))


def _objects(source: Source, *, container: Container, reader: str) -> list[ImageReference]:
    stored = [np.clip(strips[:, -1], 0, container.size).tolist() for strips in (container.pixels, container.masks)]
    return [
        ImageReference(
            image=f"{source.relative}#{position}",
            reader=reader,
            paths=(source.path,),
            relative=(source.relative,),
            index=position,
            metadata=source.metadata,
            object_number=None if number < 0 else number,
            sizes=tuple(sizes),
            mtimes_ns=(container.mtime_ns,),
        )
        for position, (number, *sizes) in enumerate(zip(container.numbers.tolist(), *stored, strict=True))
    ]


def _position(reference: ImageReference) -> int:
    if reference.index is None:
        raise ValueError(f"{reference.image} lies in a file of many, but its reference has no index")
    return reference.index


def _read_each(
    references: Sequence[ImageReference],
    read: Callable[[Container, BinaryIO, int], AnyArray],
    *,
    channels: Channels,
    region: PixelWindow | None,
) -> list[AnyArray | Exception]:
    """Read something of each object, file by file, in the order in which objects lie there."""
    planes: list[AnyArray | Exception] = [PixelError("was not read")] * len(references)
    slots: dict[str, list[int]] = {}
    for slot, reference in enumerate(references):
        slots.setdefault(reference.paths[0], []).append(slot)

    def read_one(container: Container, file: BinaryIO, position: int) -> AnyArray:
        image = read(container, file, position)
        chosen = positions(channels, count=len(image), labels=container.names)
        return cropped(image if chosen is None else image[list(chosen)], region=region)

    def read_file(path: str, own: Sequence[int]) -> None:
        container = open_container(path)
        with Path(path).open("rb") as file:
            for position, slot in sorted((_position(references[slot]), slot) for slot in own):
                planes[slot] = catch(read_one, container, file, position)

    for path, own in slots.items():
        if error := catch(read_file, path, own):
            for slot in own:
                planes[slot] = error
    return planes


register(CifReader())
