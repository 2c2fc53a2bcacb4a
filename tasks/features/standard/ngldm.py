"""Family ``ngldm``: the 17 features of the IBSI of how many neighbours have the same level.

Aggregation: 2D; neighbourhoods have no direction. Chebyshev distance 1, coarseness 0.
"""

from tasks.core.types import FloatArray, IntArray
from tasks.features.emphases import emphases
from tasks.features.emphasis_terms import emphasis_terms
from tasks.features.kernels.zones import DEPENDENCES
from tasks.features.standard.levels import GREY, IBSI, IN_LEVELS
from tasks.features.standard.matrices import register_matrix
from tasks.features.zones import dependences

FAMILY = "ngldm"

NAMES = {
    "low_dependence_emphasis": "SODN",
    "high_dependence_emphasis": "IMOQ",
    "low_grey_level_emphasis": "TL9H",
    "high_grey_level_emphasis": "OAE7",
    "low_dependence_low_grey_level_emphasis": "EQ3F",
    "low_dependence_high_grey_level_emphasis": "JA6D",
    "high_dependence_low_grey_level_emphasis": "NBZI",
    "high_dependence_high_grey_level_emphasis": "9QMG",
    "grey_level_nonuniformity": "FP8K",
    "grey_level_nonuniformity_normalised": "5SPA",
    "dependence_count_nonuniformity": "Z87G",
    "dependence_count_nonuniformity_normalised": "OKJI",
    "percentage": "6XV8",
    "grey_level_variance": "1PFV",
    "dependence_count_variance": "DNX2",
    "entropy": "FCBV",
    "energy": "CAS9",
}
"""Names of the features and their IBSI codes."""

TERMS = emphasis_terms(
    names=tuple(NAMES),
    codes=tuple(NAMES.values()),
    things="the pixels of level i of which j − 1 of the eight neighbours have the same level",
    where=IN_LEVELS,
    reference=IBSI,
    invariances=GREY,
)


def ngldm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure the dependence of pixels on neighbours of equal level.

    Parameters
    ----------
    levels
        (H, W) int64, 1 to `number` in the region, which has a pixel, and 0 outside.
    number
        Number of grey levels.

    Returns
    -------
    FloatArray
        (17,) float64 in the order of `NAMES`; `tasks.features.emphases.emphases` has the formulas.
    """
    pixels = int((levels > 0).sum())
    return emphases(dependences(levels, number=number), pixels=pixels)


register_matrix(FAMILY, terms=TERMS, kind=DEPENDENCES, plain=ngldm)
