"""From the masks of stamps to the regions in which they are measured."""

from tasks.core.types import FloatArray, MaskResult, Ragged, Region

COMBINED = ".combined"
"""What the name of a combined mask's region ends in."""


def regions(masked: MaskResult) -> tuple[Region, Region]:
    """Regions of one mask method: each channel's own mask, and the combined mask that all channels share.

    Parameters
    ----------
    masked
        What the method found in N stamps.

    Returns
    -------
    tuple of Region
        ``<name>``, C planes, with the background outside a channel's own mask; ``<name>.combined``, one plane, with the
        background outside the combined mask. Both are empty in the stamps that this method rejected.
    """
    return region_pair(
        masked.name,
        masks=masked.masks,
        background=masked.background,
        combined=masked.combined,
        combined_background=masked.combined_background,
    )


def region_pair(
    name: str, *, masks: Ragged, background: FloatArray, combined: Ragged, combined_background: FloatArray
) -> tuple[Region, Region]:
    """Make both regions of a mask of its parts, which are named as in `MaskResult`."""
    return (
        Region(name=name, shared=False, masks=masks, background=background),
        Region(name=name + COMBINED, shared=True, masks=combined, background=combined_background),
    )
