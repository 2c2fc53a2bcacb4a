"""Errors a user can mend, and faults of single images."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

LONGEST = 80
"""Characters shown of what was got."""


class UserError(Exception):
    """A usage, configuration or input error: told in a few lines, without a traceback, exit status 2."""


class ConfigError(UserError, ValueError):
    """The configuration cannot be run; the message names the key, what was got and what would do."""


class InputError(UserError, ValueError):
    """The inputs cannot be run; the message names the path, what was got and what would do."""


class RunError(Exception):
    """The run failed or was given up; exit status 1."""


class NoGpuError(RunError):
    """A worker cannot use the GPU that a task was told to use; another one may.

    Parameters
    ----------
    worker
        Its address, so that nothing more is sent there; empty outside of a cluster.
    """

    def __init__(self, message: str, worker: str = "") -> None:
        super().__init__(message, worker)  # all of it, so that the error travels
        self.worker = worker

    def __str__(self) -> str:
        return str(self.args[0])


class InputChangedError(RunError):
    """Images are no longer those that were masked; what depended on them has been discarded.

    The argument is their identities, so that the error travels from a worker.
    """

    def __init__(self, images: Sequence[str]) -> None:
        super().__init__(images)
        self.images = tuple(images)

    def __str__(self) -> str:
        return (
            f"{self.images[0]} changed while the run went on ({len(self.images)} such images in this partition); "
            "run the same command again, only what depends on it is redone"
        )


class PixelError(ValueError):
    """One image cannot be used; it is quarantined and the others go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One image set aside: a row of quarantine.parquet.

    Parameters
    ----------
    metadata
        What its path tells, of an image that is in no table of images.
    settled
        Whether the reason lies in the image itself. A file that could not be opened may open in the next run.
    """

    image: str
    stage: str
    error: str
    message: str
    settled: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, error: BaseException, *, image: str, stage: str, metadata: Mapping[str, str] | None = None) -> "Fault":
        """Describe an exception."""
        return cls(
            image=image,
            stage=stage,
            error=type(error).__name__,
            message=str(error) or repr(error),
            settled=not (isinstance(error, OSError) and error.errno is not None),
            metadata=metadata or {},
        )


def suggestion(got: str, allowed: Iterable[str]) -> str:
    """Say what is allowed, and what was probably meant; capital and small letters count as alike.

    Examples
    --------
    >>> suggestion("LI", ["circle", "li"])
    "allowed: circle, li; did you mean 'li'?"
    """
    names = list(allowed)
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(got.casefold(), folded, n=1, cutoff=0.5)
    choices = "allowed: " + ", ".join(names) if names else "nothing is allowed here"
    return f"{choices}; did you mean {folded[near[0]]!r}?" if near else choices


def as_yaml(value: object) -> str:
    """Show a value as YAML has it, on one line, cut short where it is long.

    Examples
    --------
    >>> as_yaml(None), as_yaml("BF"), as_yaml({"a": [1, True]})
    ('nothing', "'BF'", '{a: [1, true]}')
    """
    if value is None:
        return "nothing"
    if isinstance(value, str):
        text = repr(value)
    else:
        try:
            text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
        except yaml.YAMLError:
            text = repr(value)
        text = " ".join(text.removesuffix("...\n").split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
