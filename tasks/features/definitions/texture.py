"""Texture features as data."""

from tasks.features.definitions.levels import GREY
from tasks.features.family import FeatureDef

HARALICK = (
    "Haralick, Shanmugam, Dinstein (1973), Textural features for image classification, doi:10.1109/TSMC.1973.4309314"
)
SOBEL = "scikit-image 0.26, skimage.filters.sobel"
GRADIENT = ("mean", "std", "max", "min")
"""Statistics of the gradient, in their order."""

PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM")
"""Measures of co-occurrence, in their order."""

DISTANCES = (3, 5)
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows and columns of a step: right, down right, down, down left."""

STEPS = {3: 2, 5: 4}
"""Distance as profile ``scip`` names it, and the rows and columns that it comes to on the diagonals: round(d/√2)."""

_TEXTS = {
    "contrast": "the mean squared difference of grey levels",
    "dissimilarity": "the mean absolute difference of grey levels",
    "homogeneity": "the mean of 1/(1 + squared difference of grey levels)",
    "energy": "the root of the sum of squared pair frequencies",
    "correlation": "the correlation of grey levels",
    "ASM": "the sum of squared pair frequencies",
}
_GRADIENTS = {"mean": "Mean", "std": "Population standard deviation", "max": "Maximum", "min": "Minimum"}


def _cooccurrence(*, name: str, stat: str, scip: str, distance: int, over: str, pairs: str) -> FeatureDef:
    """Describe one co-occurrence measure.

    Parameters
    ----------
    name
        Measure, one of `PROPERTIES`.
    stat, scip
        Middle of the native name, and the published system's name.
    distance
        Distance in pixels, as it is named.
    over
        ``Mean`` or ``Standard deviation``, over the directions.
    pairs
        Which pairs are counted.
    """
    return FeatureDef(
        stat=stat,
        param=f"d{distance}",
        scip=scip,
        unit="1",
        definition=f"{over} over the directions of {_TEXTS[name]} in 16 levels, over {pairs}.",
        reference=HARALICK,
        invariances=GREY,
    )


def _gradient(*, place: str) -> list[FeatureDef]:
    """Describe the statistics of the gradient's magnitude over the pixels of `place`."""
    return [
        FeatureDef(
            stat=f"sobel_{stat}",
            scip=f"sobel_{stat}",
            unit="intensity/px",
            definition=f"{_GRADIENTS[stat]} of the Sobel gradient magnitude (divided by the root of 2) over {place}.",
            reference=SOBEL,
            invariances=("translation", "quarter turn", "intensity shift"),
        )
        for stat in GRADIENT
    ]


STANDARD = (
    *(
        _cooccurrence(
            name=name,
            stat=f"{name}{suffix}",
            scip="",
            distance=distance,
            over=over,
            pairs=(
                "pairs of pixels of the region at the offsets "
                f"(0, {distance}), ({distance}, {distance}), ({distance}, 0), ({distance}, -{distance})"
            ),
        )
        for name in PROPERTIES
        for suffix, over in (("", "Mean"), ("_std", "Standard deviation"))
        for distance in DISTANCES
    ),
    *_gradient(place="the pixels whose whole 3x3 neighbourhood lies in the region"),
)

SCIP = (
    *(
        _cooccurrence(
            name=name,
            stat=f"glcm_{short}_{name}",
            scip=f"glcm_{short}_{name}_{distance}",
            distance=distance,
            over=over,
            pairs=f"pairs of pixels ({step}, {step}) and ({step}, -{step}) apart, named {distance} px",
        )
        for name in PROPERTIES
        for short, over in (("mean", "Mean"), ("std", "Standard deviation"))
        for distance, step in STEPS.items()
    ),
    *_gradient(place="the pixels whose 8 neighbours, reflected at the frame, all lie in the region"),
)
