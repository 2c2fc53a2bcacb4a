"""Which regions of a cell are measured."""

from tasks.core.layout import Layout
from tasks.core.regions import COMBINED


def region_list(layout: Layout) -> list[tuple[str, bool]]:
    """Name every region that is measured, and say whether its mask serves all channels.

    Of a stamp each mask gives two, the channels' own and the combined one; of a field each object gives one.
    """
    if not layout.stamps:
        return [(name, True) for name in layout.regions]
    return [region for name in layout.regions for region in ((name, False), (name + COMBINED, True))]
