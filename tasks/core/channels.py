"""The channels of a run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The channels of a run.

    Parameters
    ----------
    names
        Their names, in order.
    sources
        Index of each in a typical file; None for all of the file's channels in their order.
    count
        Number of channels that every file must have.
    labels
        All channels' names in a typical file, in its order, where channels are chosen by them: a file with another
        order is read by name. Empty where channels are chosen by position.
    offsets
        Dark level of each channel, which is subtracted from its pixels; empty: of none.
    """

    names: tuple[str, ...]
    sources: tuple[int, ...] | None
    count: int
    labels: tuple[str, ...] = ()
    offsets: tuple[float, ...] = ()
