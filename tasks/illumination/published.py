"""Correction images as users get them and give them to other runs: statistics/illumination.json, TIFF and PNG."""

import hashlib
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from tasks.core.errors import InputError
from tasks.core.published import find_published
from tasks.core.storage import atomic
from tasks.core.work import Frozen
from tasks.illumination.config import Use, illuminations
from tasks.illumination.files import FieldGroup, read_offset
from tasks.illumination.pictures import PICTURE, TIFF

FOLDER = "illumination"
CORRECTIONS = "illumination.json"
NOT_IN_NAMES = re.compile(r"[^\w.-]+")


class PublishedCorrection(Frozen):
    """One correction image: whose fields it corrects, of how many it was made, and the file beside, (C, H, W).

    The offset is the gray level of no light: pixels minus it are divided.
    """

    group: dict[str, str]
    height: int
    width: int
    images: int
    file: str
    offset: float = 0.0


class PublishedCorrections(Frozen):
    """All correction images of a run, and how they were made."""

    illumination: dict[str, object]
    channels: tuple[str, ...]
    group_by: tuple[str, ...]
    corrections: tuple[PublishedCorrection, ...]

    def by_group(self) -> dict[FieldGroup, PublishedCorrection]:
        """Return the correction images by the fields that they correct."""
        return {
            FieldGroup(
                group=tuple(correction.group[name] for name in self.group_by),
                height=correction.height,
                width=correction.width,
            ): correction
            for correction in self.corrections
        }

    @classmethod
    def of(
        cls,
        made: Mapping[FieldGroup, int],
        *,
        config: Mapping[str, object],
        channels: Sequence[str],
        group_by: Sequence[str],
    ) -> "PublishedCorrections":
        """List correction images, with the number of fields that each was made of."""
        corrections = tuple(
            PublishedCorrection(
                group=dict(zip(group_by, group.group, strict=True)),
                height=group.height,
                width=group.width,
                images=images,
                file=f"{FOLDER}/{_file_name(group, number=number)}",
            )
            for number, (group, images) in enumerate(made.items())
        )
        return cls(
            illumination=dict(config), channels=tuple(channels), group_by=tuple(group_by), corrections=corrections
        )


def _file_name(group: FieldGroup, *, number: int) -> str:
    """Name a correction image's file, readable and unlike all others."""
    words = [NOT_IN_NAMES.sub("-", value) for value in group.group if value]
    return "_".join([f"{number:04d}", *words, f"{group.height}x{group.width}"]) + ".tif"


def publish_corrections(statistics: Path, *, published: PublishedCorrections, folders: Sequence[Path]) -> None:
    """Copy correction images, and pictures of them, into the folder ``statistics``; remove those of an earlier run.

    Parameters
    ----------
    folders
        Where each of the published correction images lies.
    """
    own = tuple(
        correction.model_copy(update={"offset": read_offset(folder)})
        for correction, folder in zip(published.corrections, folders, strict=True)
    )
    published = published.model_copy(update={"corrections": own})
    names = {correction.file for correction in published.corrections}
    earlier = _listed_files(statistics)
    for correction, folder in zip(published.corrections, folders, strict=True):
        target = statistics / correction.file
        for source, path in ((TIFF, target), (PICTURE, target.with_suffix(".png"))):
            with atomic(path) as temporary:
                shutil.copyfile(folder / source, temporary)
    with atomic(statistics / CORRECTIONS) as temporary:
        temporary.write_text(published.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _remove(earlier - names, statistics=statistics)


def discard_published(statistics: Path) -> None:
    """Remove the correction images of an earlier run, those that its list names, and the list."""
    _remove(_listed_files(statistics), statistics=statistics)
    (statistics / CORRECTIONS).unlink(missing_ok=True)


def _listed_files(statistics: Path) -> set[str]:
    path = statistics / CORRECTIONS
    return (
        {correction.file for correction in read_published(path, complete=False).corrections}
        if path.is_file()
        else set()
    )


def _remove(names: Iterable[str], *, statistics: Path) -> None:
    """Remove correction images and their pictures; the list that names them may come from anybody."""
    for name in names:
        file = statistics / FOLDER / Path(name).name
        file.unlink(missing_ok=True)
        file.with_suffix(".png").unlink(missing_ok=True)


def is_published_image(path: Path) -> bool:
    """Whether a file of ``statistics/illumination`` is a correction image, or the picture of one, of the list there."""
    published = path.parent.with_name(CORRECTIONS)
    if not published.is_file():
        return False
    corrections = read_published(published, complete=False).corrections
    names = {Path(correction.file) for correction in corrections}
    return path.name in {name.name for image in names for name in (image, image.with_suffix(".png"))}


@illuminations.register(Use)
def find_corrections(config: Use) -> Path:
    """Find the list of correction images that a user names by it, or by the run's output folder.

    Raises
    ------
    InputError
        There is none.
    """
    published = find_published(config.use, name=CORRECTIONS)
    if published is None:
        raise InputError(
            f"illumination.use: there is no {CORRECTIONS} at {config.use!r}; name the output folder of a run with an "
            f"illumination section, or its statistics/{CORRECTIONS}"
        )
    return published


def read_published(path: Path, *, complete: bool = True) -> PublishedCorrections:
    """Read the list of correction images of another run.

    Parameters
    ----------
    complete
        Whether all files that it lists have to be there.

    Raises
    ------
    InputError
        It is none, or a file that it lists is missing.
    """
    try:
        published = PublishedCorrections.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(
            f"illumination.use: {path} is not a list of correction images as this program writes it"
        ) from error
    for correction in published.corrections if complete else ():
        if not (path.parent / correction.file).is_file():
            raise InputError(
                f"illumination.use: {path} lists {correction.file}, which is not there; copy that folder, too"
            )
    return published


def check_fits(
    published: PublishedCorrections,
    *,
    path: Path,
    channels: Sequence[str],
    groups: Collection[tuple[str, ...]],
    shape: tuple[int, int],
) -> None:
    """Refuse correction images of other channels, of another size, or without those of some groups.

    Parameters
    ----------
    groups
        The groups of this run's fields, by the published images' `group_by`.
    shape
        Height and width of a typical field.

    Raises
    ------
    InputError
        Telling what was got and expected.
    """
    if published.channels != tuple(channels):
        raise InputError(
            f"illumination.use: {path} holds the channels {', '.join(published.channels)}, this run reads "
            f"{', '.join(channels)}; set load.channels alike in both runs, or estimate illumination anew"
        )
    known = published.by_group()
    if not any((field_group.height, field_group.width) == shape for field_group in known):
        sizes = sorted({f"{field_group.height}×{field_group.width}" for field_group in known})
        raise InputError(
            f"illumination.use: {path} holds corrections of fields of {', '.join(sizes)} px, this run's fields have "
            f"{shape[0]}×{shape[1]}; estimate illumination anew"
        )
    missing = sorted(set(groups) - {field_group.group for field_group in known})
    if missing:
        named = ", ".join("/".join(group) for group in missing[:3])
        raise InputError(
            f"illumination.use: {path} has no correction image for {len(missing)} of {len(set(groups))} groups by "
            f"{', '.join(published.group_by)}: {named}{' …' if len(missing) > 3 else ''}; estimate illumination anew"
        )


class CorrectionFile(Frozen):
    """A correction image of another run, as a file; what counts is its content, wherever it is."""

    path: str
    content: str
    offset: float

    @property
    def identity(self) -> tuple[str, float]:
        """Digest of the file, and the gray level of no light."""
        return self.content, self.offset


class KnownCorrections(Frozen):
    """Another run's correction images: their list, and those that this run needs."""

    published: PublishedCorrections
    files: dict[FieldGroup, CorrectionFile]


def find_known_corrections(
    config: Use,
    *,
    channels: Sequence[str],
    shape: tuple[int, int],
    present_groups: Callable[[Sequence[str]], Collection[tuple[str, ...]]],
) -> KnownCorrections:
    """Find another run's correction images, of the groups that this one has.

    Parameters
    ----------
    channels, shape
        Of this run's fields.
    present_groups
        Tells the groups that they form by some metadata.

    Raises
    ------
    InputError
        There are none, or they do not fit.
    """
    path = find_corrections(config)
    published = read_published(path)
    groups = present_groups(published.group_by)
    check_fits(published, path=path, channels=channels, groups=groups, shape=shape)
    files = {
        group: CorrectionFile(
            path=str(path.parent / correction.file),
            content=hashlib.blake2b((path.parent / correction.file).read_bytes()).hexdigest(),
            offset=correction.offset,
        )
        for group, correction in published.by_group().items()
        if group.group in groups
    }
    return KnownCorrections(published=published, files=files)
