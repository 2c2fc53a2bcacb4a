"""The statistics of the IBSI as data: of intensities, and of the histogram of grey levels."""

from tasks.features.definitions.levels import GREY, IBSI, IN_LEVELS
from tasks.features.family import FeatureDef

_INTENSITY_CODES = {
    "mean": "Q4LE",
    "variance": "ECT3",
    "skewness": "KE2A",
    "kurtosis": "IPH6",
    "median": "Y12H",
    "min": "1GSF",
    "percentile_10": "QG58",
    "percentile_90": "8DWT",
    "max": "84IY",
    "interquartile_range": "SALO",
    "range": "2OJQ",
    "mean_absolute_deviation": "4FUA",
    "robust_mean_absolute_deviation": "1128",
    "median_absolute_deviation": "N72L",
    "coefficient_of_variation": "7TET",
    "quartile_dispersion": "9S40",
    "energy": "N8CA",
    "root_mean_square": "5ZWQ",
}
_HISTOGRAM_CODES = {
    "mean": "X6K6",
    "variance": "CH89",
    "skewness": "88K1",
    "kurtosis": "C3I7",
    "median": "WIFQ",
    "min": "1PR8",
    "percentile_10": "1PR",
    "percentile_90": "GPMT",
    "max": "3NCY",
    "mode": "AMMC",
    "interquartile_range": "WR0O",
    "range": "5Z3W",
    "mean_absolute_deviation": "D2ZX",
    "robust_mean_absolute_deviation": "WRZB",
    "median_absolute_deviation": "4RNL",
    "coefficient_of_variation": "CWYJ",
    "quartile_dispersion": "SLWD",
    "entropy": "TLU2",
    "uniformity": "BJ5W",
    "max_gradient": "12CE",
    "max_gradient_level": "8E6O",
    "min_gradient": "VQB3",
    "min_gradient_level": "RHQZ",
}
_TEXTS = {
    "mean": "Mean",
    "variance": "Population variance",
    "skewness": "Skewness m₃/m₂^1.5, m the central moments,",
    "kurtosis": "Excess kurtosis m₄/m₂² − 3, m the central moments,",
    "median": "Median",
    "min": "Minimum",
    "percentile_10": "10th percentile, linear between ranks,",
    "percentile_90": "90th percentile, linear between ranks,",
    "max": "Maximum",
    "mode": "Most frequent value (of several the nearest to the mean, then the lower)",
    "interquartile_range": "Difference of upper and lower quartile, linear between ranks,",
    "range": "Maximum less minimum",
    "mean_absolute_deviation": "Mean absolute deviation from the mean",
    "robust_mean_absolute_deviation": "Mean absolute deviation of the values from the 10th to the 90th percentile",
    "median_absolute_deviation": "Mean absolute deviation from the median",
    "coefficient_of_variation": "Population standard deviation over mean",
    "quartile_dispersion": "Difference of upper and lower quartile over their sum",
    "energy": "Sum of squares",
    "root_mean_square": "Root of the mean square",
    "entropy": "Entropy −Σ p log2 p of the shares p",
    "uniformity": "Sum of the squared shares",
    "max_gradient": "Largest central difference of the histogram",
    "max_gradient_level": "Level of the largest central difference of the histogram, the lowest of several,",
    "min_gradient": "Smallest central difference of the histogram",
    "min_gradient_level": "Level of the smallest central difference of the histogram, the lowest of several,",
}
_PLACE = ("translation", "quarter turn")
_RATIOS = {"skewness", "kurtosis"}
_SPREADS = {
    "variance",
    "interquartile_range",
    "range",
    "mean_absolute_deviation",
    "robust_mean_absolute_deviation",
    "median_absolute_deviation",
}


def _intensity() -> tuple[FeatureDef, ...]:
    definitions = []
    for stat, code in _INTENSITY_CODES.items():
        unit = {"variance": "intensity^2", "energy": "intensity^2"}.get(stat, "intensity")
        invariances: tuple[str, ...] = _PLACE
        if stat in _RATIOS | {"coefficient_of_variation", "quartile_dispersion"}:
            unit, invariances = "1", (*_PLACE, "intensity scale")
        if stat in _RATIOS | _SPREADS:
            invariances = (*invariances, "intensity shift")
        definitions.append(
            FeatureDef(
                stat=stat,
                unit=unit,
                definition=f"{_TEXTS[stat]} of the pixels of the region.",
                reference=f"{IBSI}, {code}",
                invariances=invariances,
            )
        )
    return tuple(definitions)


INTENSITY, HISTOGRAM = tuple(_INTENSITY_CODES), tuple(_HISTOGRAM_CODES)
"""In the order of the values."""

IBSI_INTENSITY_DEFS = _intensity()
HISTOGRAM_DEFS = tuple(
    FeatureDef(
        stat=stat,
        unit="1",
        definition=f"{_TEXTS[stat]} of the levels of the pixels of the region, {IN_LEVELS}.",
        reference=f"{IBSI}, {code}",
        invariances=GREY,
    )
    for stat, code in _HISTOGRAM_CODES.items()
)
