"""Family ``glrlm``: the 16 run-length features of the IBSI.

Aggregation: 2D, averaged. Each feature is computed from the runs of one direction, and averaged over the four
directions.
"""

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.features.emphases import emphases
from tasks.features.emphasis_terms import emphasis_terms
from tasks.features.kernels.zones import RUNS
from tasks.features.standard.levels import GREY, IBSI, IN_LEVELS
from tasks.features.standard.matrices import register_matrix
from tasks.features.zones import run_lengths

FAMILY = "glrlm"

NAMES = {
    "short_run_emphasis": "22OV",
    "long_run_emphasis": "W4KF",
    "low_grey_level_emphasis": "V3SW",
    "high_grey_level_emphasis": "G3QZ",
    "short_run_low_grey_level_emphasis": "HTZT",
    "short_run_high_grey_level_emphasis": "GD3A",
    "long_run_low_grey_level_emphasis": "IVPO",
    "long_run_high_grey_level_emphasis": "3KUM",
    "grey_level_nonuniformity": "R5YN",
    "grey_level_nonuniformity_normalised": "OVBL",
    "run_length_nonuniformity": "W92Y",
    "run_length_nonuniformity_normalised": "IC23",
    "percentage": "9ZK5",
    "grey_level_variance": "8CE5",
    "run_length_variance": "SXLW",
    "entropy": "HJ9O",
}
"""Names of the features and their IBSI codes."""

TERMS = emphasis_terms(
    names=tuple(NAMES),
    codes=tuple(NAMES.values()),
    things="the runs of equal levels i of length j",
    where=f"mean over four directions, {IN_LEVELS}",
    reference=IBSI,
    invariances=GREY,
)


def glrlm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure the lengths of runs of equal levels, averaged over four directions.

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
    counts = run_lengths(levels, number=number)
    each = np.array([emphases(one, pixels=pixels)[: len(NAMES)] for one in counts])
    return np.asarray(each.mean(axis=0), dtype=np.float64)


register_matrix(FAMILY, terms=TERMS, kind=RUNS, plain=glrlm)
