"""From the masks of stamps to the regions in which they are measured."""

from tasks.core.types import Masked, Region


def regions(masked: Masked) -> tuple[Region, Region]:
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
    return (
        Region(name=masked.name, shared=False, masks=masked.masks, background=masked.background),
        Region(
            name=f"{masked.name}.combined", shared=True, masks=masked.combined, background=masked.combined_background
        ),
    )
