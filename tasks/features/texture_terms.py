"""Texture features as data."""

from tasks.features.family import Term

HARALICK = (
    "Haralick, Shanmugam, Dinstein (1973), Textural features for image classification, doi:10.1109/TSMC.1973.4309314"
)
SOBEL = "scikit-image 0.26, skimage.filters.sobel"
GRADIENT = ("mean", "std", "max", "min")
"""Statistics of the gradient, in their order."""

SLACK = 1e-9
"""A value so little below the edge of a grey level of profile ``standard`` lies on it.

Rounding of scaled pixels must not move a level, and the values of integer images of up to 24 bits come no closer than
this to an edge without lying on it.
"""

_GREY = ("translation", "quarter turn", "intensity shift", "intensity scale")
_TEXTS = {
    "contrast": "the mean squared difference of grey levels",
    "dissimilarity": "the mean absolute difference of grey levels",
    "homogeneity": "the mean of 1/(1 + squared difference of grey levels)",
    "energy": "the root of the sum of squared pair frequencies",
    "correlation": "the correlation of grey levels",
    "ASM": "the sum of squared pair frequencies",
}
_GRADIENTS = {"mean": "Mean", "std": "Population standard deviation", "max": "Maximum", "min": "Minimum"}


def cooccurrence_term(*, name: str, stat: str, scip: str, distance: int, over: str, pairs: str) -> Term:
    """Describe one co-occurrence measure.

    Parameters
    ----------
    name
        Measure, one of `tasks.features.cooccurrence.PROPERTIES`.
    stat, scip
        Middle of the native name, and the published system's name.
    distance
        Distance in pixels, as it is named.
    over
        ``Mean`` or ``Standard deviation``, over the directions.
    pairs
        Which pairs are counted.
    """
    return Term(
        stat=stat,
        param=f"d{distance}",
        scip=scip,
        unit="1",
        definition=f"{over} over the directions of {_TEXTS[name]} in 16 levels, over {pairs}.",
        reference=HARALICK,
        invariances=_GREY,
    )


def gradient_terms(*, place: str) -> list[Term]:
    """Describe the statistics of the gradient's magnitude over the pixels of `place`."""
    return [
        Term(
            stat=f"sobel_{stat}",
            scip=f"sobel_{stat}",
            unit="intensity/px",
            definition=f"{_GRADIENTS[stat]} of the Sobel gradient magnitude (divided by the root of 2) over {place}.",
            reference=SOBEL,
            invariances=("translation", "quarter turn", "intensity shift"),
        )
        for stat in GRADIENT
    ]
