"""Family ``glszm``: the 16 size-zone features of the IBSI.

Aggregation: 2D; zones have no direction.
"""

from tasks.core.types import FloatArray, IntArray
from tasks.features.emphases import emphases
from tasks.features.emphasis_terms import emphasis_terms
from tasks.features.kernels.zones import SIZES
from tasks.features.standard.levels import GREY, IBSI, IN_LEVELS
from tasks.features.standard.matrices import register_matrix
from tasks.features.zones import zone_sizes

FAMILY = "glszm"

NAMES = {
    "small_zone_emphasis": "P001",
    "large_zone_emphasis": "48P8",
    "low_grey_level_emphasis": "XMSY",
    "high_grey_level_emphasis": "5GN9",
    "small_zone_low_grey_level_emphasis": "5RAI",
    "small_zone_high_grey_level_emphasis": "HW1V",
    "large_zone_low_grey_level_emphasis": "YH51",
    "large_zone_high_grey_level_emphasis": "J17V",
    "grey_level_nonuniformity": "JNSA",
    "grey_level_nonuniformity_normalised": "Y1RO",
    "zone_size_nonuniformity": "4JP3",
    "zone_size_nonuniformity_normalised": "VB3A",
    "percentage": "P30P",
    "grey_level_variance": "BYLV",
    "zone_size_variance": "3NSA",
    "entropy": "GU8N",
}
"""Names of the features and their IBSI codes."""

TERMS = emphasis_terms(
    names=tuple(NAMES),
    codes=tuple(NAMES.values()),
    things="the zones, 8-connected pixels of equal level i, of j pixels",
    where=IN_LEVELS,
    reference=IBSI,
    invariances=GREY,
)


def glszm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure the sizes of zones of equal level.

    Parameters
    ----------
    levels
        (H, W) int64, 1 to `number` in the region, which has a pixel, and 0 outside.
    number
        Number of grey levels.

    Returns
    -------
    FloatArray
        (16,) float64 in the order of `NAMES`; `tasks.features.emphases.emphases` has the formulas.
    """
    pixels = int((levels > 0).sum())
    return emphases(zone_sizes(levels, number=number), pixels=pixels)[: len(NAMES)]


register_matrix(FAMILY, terms=TERMS, kind=SIZES, plain=glszm)
