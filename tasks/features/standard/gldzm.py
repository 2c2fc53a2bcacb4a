"""Family ``gldzm``: the 16 distance-zone features of the IBSI.

Aggregation: 2D; zones have no direction.
"""

from tasks.core.types import FloatArray, IntArray
from tasks.features.emphases import emphases
from tasks.features.emphasis_terms import emphasis_terms
from tasks.features.kernels.zones import DISTANCES
from tasks.features.standard.levels import GREY, IBSI, IN_LEVELS
from tasks.features.standard.matrices import register_matrix
from tasks.features.zones import zone_distances

FAMILY = "gldzm"

NAMES = {
    "small_distance_emphasis": "0GBI",
    "large_distance_emphasis": "MB4I",
    "low_grey_level_emphasis": "S1RA",
    "high_grey_level_emphasis": "K26C",
    "small_distance_low_grey_level_emphasis": "RUVG",
    "small_distance_high_grey_level_emphasis": "DKNJ",
    "large_distance_low_grey_level_emphasis": "A7WM",
    "large_distance_high_grey_level_emphasis": "KLTH",
    "grey_level_nonuniformity": "VFT7",
    "grey_level_nonuniformity_normalised": "7HP3",
    "zone_distance_nonuniformity": "V294",
    "zone_distance_nonuniformity_normalised": "IATH",
    "percentage": "VIWW",
    "grey_level_variance": "QK93",
    "zone_distance_variance": "7WT1",
    "entropy": "GBDU",
}
"""Names of the features and their IBSI codes."""

TERMS = emphasis_terms(
    names=tuple(NAMES),
    codes=tuple(NAMES.values()),
    things="the zones, 8-connected pixels of equal level i, at j steps from the border of the region",
    where=IN_LEVELS,
    reference=IBSI,
    invariances=GREY,
)


def gldzm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure the distances of zones of equal level from the border of the region.

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
    return emphases(zone_distances(levels, number=number), pixels=pixels)[: len(NAMES)]


register_matrix(FAMILY, terms=TERMS, kind=DISTANCES, plain=gldzm)
