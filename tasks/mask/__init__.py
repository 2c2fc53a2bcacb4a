"""Masks of stamps, that is, of images of one cell each.

>>> from tasks.mask import Mask, mask_batch, regions
"""

from tasks.core.regions import regions
from tasks.core.types import Batch, Masked
from tasks.mask.border import remove_border_objects
from tasks.mask.config import Mask, check_channels
from tasks.mask.filters.normaltest import NormalTest, normaltest_passes
from tasks.mask.filters.std import Std, std_passes
from tasks.mask.filters.value_range import ValueRange, value_range_passes
from tasks.mask.methods.circle import Circle, circle_mask
from tasks.mask.methods.li import Li, li_mask
from tasks.mask.methods.otsu import Otsu, otsu_mask
from tasks.mask.methods.spot import Spot, spot_mask
from tasks.mask.methods.watershed import Watershed, watershed_mask
from tasks.mask.per_channel import PerChannel
from tasks.mask.registry import ChannelFilter, MaskMethod, channel_filters, masks
from tasks.mask.stage import mask_batch
from tasks.mask.warm import warm

__all__ = [
    "Batch",
    "ChannelFilter",
    "Circle",
    "Li",
    "Mask",
    "MaskMethod",
    "Masked",
    "NormalTest",
    "Otsu",
    "PerChannel",
    "Spot",
    "Std",
    "ValueRange",
    "Watershed",
    "channel_filters",
    "check_channels",
    "circle_mask",
    "li_mask",
    "mask_batch",
    "masks",
    "normaltest_passes",
    "otsu_mask",
    "regions",
    "remove_border_objects",
    "spot_mask",
    "std_passes",
    "value_range_passes",
    "warm",
    "watershed_mask",
]
