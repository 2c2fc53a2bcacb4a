from .border import remove_border_objects as remove_border_objects
from .config import Mask as Mask
from .config import check_channels as check_channels
from .filters.normaltest import NormalTest as NormalTest
from .filters.normaltest import normaltest_passes as normaltest_passes
from .filters.std import Std as Std
from .filters.std import std_passes as std_passes
from .filters.value_range import ValueRange as ValueRange
from .filters.value_range import value_range_passes as value_range_passes
from .methods.circle import Circle as Circle
from .methods.circle import circle_mask as circle_mask
from .methods.li import Li as Li
from .methods.li import li_mask as li_mask
from .methods.otsu import Otsu as Otsu
from .methods.otsu import otsu_mask as otsu_mask
from .methods.spot import Spot as Spot
from .methods.spot import spot_mask as spot_mask
from .methods.watershed import Watershed as Watershed
from .methods.watershed import watershed_mask as watershed_mask
from .per_channel import PerChannel as PerChannel
from .registry import (
    ChannelFilter as ChannelFilter,
)
from .registry import (
    MaskMethod as MaskMethod,
)
from .registry import (
    channel_filters as channel_filters,
)
from .registry import (
    masks as masks,
)
from .stage import mask_batch as mask_batch
from .warm import warm as warm
