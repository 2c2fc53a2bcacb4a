"""Which channels, masks and objects pictures show, of all that the configuration has."""

from flows.config import Config
from tasks.core.layout import Layout
from tasks.segment.methods.subtract import Subtract


def shown_channels(config: Config, *, layout: Layout) -> tuple[str, ...]:
    """Return all channels, those in which cells are looked for first."""
    if config.mask is not None:
        first = [config.mask.main_channel, *(config.mask.combine or ())]
    else:
        entries = config.segment.objects if config.segment else ()
        first = [name for entry in entries for names in entry.channels_by_key.values() for name in names]
    return tuple(dict.fromkeys([*(name for name in first if name in layout.channels), *layout.channels]))


def outlined_regions(config: Config) -> tuple[str, ...]:
    """Return masks, or objects, less those that are other objects' difference: their outlines are drawn already."""
    if config.segment is None:
        return config.regions
    differences = {entry.name for entry in config.segment.objects if isinstance(entry, Subtract)}
    return tuple(name for name in config.regions if name not in differences)
