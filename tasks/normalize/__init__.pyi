from .config import (
    Asinh as Asinh,
)
from .config import (
    MinMax as MinMax,
)
from .config import (
    Normalize as Normalize,
)
from .config import (
    Quantile as Quantile,
)
from .config import (
    Robust as Robust,
)
from .config import (
    ScalingMethod as ScalingMethod,
)
from .config import (
    Use as Use,
)
from .config import (
    check_normalize as check_normalize,
)
from .config import (
    scalings as scalings,
)
from .find import find_scaling as find_scaling
from .histogram import (
    batch_histogram as batch_histogram,
)
from .histogram import (
    histogram_columns as histogram_columns,
)
from .histogram import (
    labelled as labelled,
)
from .histogram import (
    merge_histograms as merge_histograms,
)
from .histogram import (
    pixel_histogram as pixel_histogram,
)
from .methods import use as use
from .pixels import Pixels as Pixels
from .reuse import check_fits as check_fits
from .reuse import read_scaling as read_scaling
from .scaling import (
    ChannelScaling as ChannelScaling,
)
from .scaling import (
    GroupScaling as GroupScaling,
)
from .scaling import (
    Scaling as Scaling,
)
from .scaling import (
    apply as apply,
)
from .scaling import (
    apply_levels as apply_levels,
)
