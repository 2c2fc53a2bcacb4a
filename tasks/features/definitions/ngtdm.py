"""How grey levels differ from the mean of their neighbours."""

from tasks.features.definitions.levels import GREY, IBSI, IN_LEVELS
from tasks.features.family import FeatureDef

_TEXTS = {
    "coarseness": ("QCDE", "1/Σ pᵢ sᵢ"),
    "contrast": ("65HE", "(Σᵢ Σⱼ pᵢ pⱼ (i − j)²)/(m (m − 1)) · (Σ sᵢ)/n, m the number of levels with pᵢ > 0"),
    "busyness": ("NQ30", "(Σ pᵢ sᵢ)/(Σᵢ Σⱼ |i pᵢ − j pⱼ|)"),
    "complexity": ("HDEZ", "(Σᵢ Σⱼ |i − j| (pᵢ sᵢ + pⱼ sⱼ)/(pᵢ + pⱼ))/n"),
    "strength": ("1X9X", "(Σᵢ Σⱼ (pᵢ + pⱼ)(i − j)²)/(Σ sᵢ)"),
}
"""IBSI code and formula of each feature."""

MEASURES = tuple(_TEXTS)
"""In the order of the values."""

NGTDM = tuple(
    FeatureDef(
        stat=name,
        unit="1",
        definition=(
            f"{name.capitalize()} {_TEXTS[name][1]}, pᵢ the share of level i among the n pixels with neighbours in the "
            f"region, sᵢ the sum over its pixels of |i − mean level of the up to eight neighbours|, {IN_LEVELS}."
        ),
        reference=f"{IBSI}, {_TEXTS[name][0]}",
        invariances=GREY,
    )
    for name in MEASURES
)
