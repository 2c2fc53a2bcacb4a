"""Label images beside the pictures: which file belongs to which image, and its pixels."""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from tasks.core.errors import ConfigError, InputError, PixelError
from tasks.core.label_files import check_placeholders, fill_template
from tasks.core.types import AnyArray
from tasks.core.work import Frozen
from tasks.ingest.limits import DEFAULT, Limits, limited
from tasks.ingest.readers.base import TIFF_SUFFIXES, catch, check_regular, reason
from tasks.ingest.readers.image import read_planes
from tasks.ingest.references import ImageReference

SUFFIXES = (*TIFF_SUFFIXES, ".png")
"""Of files that keep whole numbers as they are; a JPEG does not."""


class LabelFile(Frozen):
    """The label image that one image should have.

    Parameters
    ----------
    path
        Absolute.
    named
        As the template names it, without the folder of the image.
    size, mtime_ns
        Bytes and modification time; None where there is no such file.
    """

    path: str
    named: str
    size: int | None
    mtime_ns: int | None


class LabelFiles(Frozen):
    """The label images of a run, or of one partition; see `tasks.core.label_files.LabelSource`.

    Parameters
    ----------
    files
        Object to the file of each image.
    limits
        What a file may claim to be.
    """

    files: dict[str, tuple[LabelFile, ...]]
    limits: Limits = DEFAULT

    @property
    def identity(self) -> object:
        """Names, sizes and times; no absolute path, unless the template has one."""
        return {name: [(file.named, file.size, file.mtime_ns) for file in files] for name, files in self.files.items()}

    def of(self, *, start: int, stop: int) -> "LabelFiles":
        """Return those of a run of the images."""
        return self.model_copy(update={"files": {name: files[start:stop] for name, files in self.files.items()}})

    @property
    def missing(self) -> dict[str, int]:
        """How many images have no label image, by object; without those of which all have."""
        counts = {name: sum(file.size is None for file in files) for name, files in self.files.items()}
        return {name: count for name, count in counts.items() if count}

    def __call__(self, position: int) -> dict[str, AnyArray]:
        """Read the label images of one image."""
        with limited(self.limits):
            return {name: _read(files[position], name=name) for name, files in self.files.items()}


def find_label_files(
    references: Sequence[ImageReference], *, templates: Mapping[str, str], groups: Sequence[str], limits: Limits
) -> LabelFiles:
    """Name the label images of some images; files are looked for, not read.

    Parameters
    ----------
    references
        The images.
    templates
        Object to path with placeholders, absolute or relative to the folder of the image.
    groups
        Groups of load.pattern that may be placeholders.

    Raises
    ------
    ConfigError
        A placeholder is unknown; a file is no TIFF or PNG; two images would have one label image; or a label image is
        itself one of the images.
    """
    images = {path: reference.image for reference in references for path in reference.paths}
    files = {}
    for name, template in templates.items():
        key = f"segment.objects.{name}.files"
        check_placeholders(template, key=key, groups=groups)
        owners: dict[str, str] = {}
        own = files[name] = tuple(_locate(template, reference=reference) for reference in references)
        for file, reference in zip(own, references, strict=True):
            if not file.path.lower().endswith(SUFFIXES):
                raise ConfigError(f"{key}: got {file.named!r}, expected a file with a suffix {', '.join(SUFFIXES)}")
            if file.path in images:
                raise ConfigError(
                    f"{key}: {file.path} is the label image of {reference.image}, but is itself one of the run's "
                    f"images; give load.pattern an expression that matches pictures only, such as {_without(template)}"
                )
            if (other := owners.setdefault(file.path, reference.image)) != reference.image:
                raise ConfigError(
                    f"{key}: got {template!r}, by which {other} and {reference.image} have one label image, "
                    f"{file.path}; add a placeholder that tells them apart, such as {{stem}}"
                )
    return LabelFiles(files=files, limits=limits)


def check_present(files: LabelFiles, *, references: Sequence[ImageReference], most: float) -> None:
    """Refuse a run of which more than a fraction of the images lack a label image.

    Raises
    ------
    InputError
        Naming the first that is missing, and what is in its folder.
    """
    for name, own in files.files.items():
        missing = [(file, of) for file, of in zip(own, references, strict=True) if file.size is None]
        if len(missing) > most * len(own) or len(missing) == len(own) > 0:
            file, reference = missing[0]
            raise InputError(
                f"segment.objects.{name}.files: {len(missing):,} of {len(own):,} images have no label image; of "
                f"{reference.image} it should be {file.path}: {_nearby(Path(file.path))}"
            )


def _locate(template: str, *, reference: ImageReference) -> LabelFile:
    relative = PurePosixPath(reference.relative[0])
    values = {
        **reference.metadata,
        "folder": str(relative.parent),
        "name": relative.name,
        "stem": relative.stem,
    }
    named = fill_template(os.path.expanduser(template), values)  # noqa: PTH111 - a template is no path yet
    path = os.path.normpath(Path(reference.paths[0]).parent / named)
    try:
        state = Path(path).stat()
    except OSError:
        return LabelFile(path=path, named=named, size=None, mtime_ns=None)
    return LabelFile(path=path, named=named, size=state.st_size, mtime_ns=state.st_mtime_ns)


def _read(file: LabelFile, *, name: str) -> AnyArray:
    where = f"label image of {name}, {file.path}"
    if file.size is None:
        raise PixelError(f"its {where}, is missing; write it, or correct segment.objects.{name}.files")
    pixels = catch(_planes, file.path)
    if isinstance(pixels, OSError) and pixels.errno is not None:  # may be read in the next run
        raise OSError(pixels.errno, f"its {where}, {reason(pixels)}") from pixels
    if isinstance(pixels, Exception):
        raise PixelError(f"its {where}, {reason(pixels)}") from pixels
    if len(pixels) != 1:
        raise PixelError(
            f"its {where}, has {len(pixels)} planes, expected one of whole numbers: labels drawn in colors cannot be "
            "told apart; write them as a TIFF or PNG of 16 or 32 bits"
        )
    plane: AnyArray = pixels[0]
    return plane


def _planes(path: str) -> AnyArray:
    check_regular((path,))
    return read_planes(path)


def _nearby(path: Path) -> str:
    """Say what is where a file was expected."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    names = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix.lower() in SUFFIXES)
    if not names:
        return "that folder holds no TIFF or PNG"
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0)
    return f"that folder holds {len(names):,} TIFF or PNG files, such as {(near or names)[0]}"


def _without(template: str) -> str:
    """Write an expression that matches no label image of a template."""
    tail = template.rpartition("}")[2]
    return f"'^(?!.*{re.escape(tail)}$)'"
