"""Statistics of intensities as data, in the views of a region: whole or rim, as it is or less its background."""

from collections.abc import Sequence

from tasks.features.family import Term
from tasks.features.statistics import STATISTICS

SHIFTED = ("mean", "median", "max", "min", "lower_quartile", "upper_quartile", "sum")
"""The statistics that a subtracted background changes, in their order."""

_TEXTS = {
    "mean": "Mean",
    "median": "Median",
    "max": "Maximum",
    "min": "Minimum",
    "std": "Population standard deviation",
    "mad": "Median absolute deviation from the median",
    "lower_quartile": "25 % quantile, linear between ranks,",
    "upper_quartile": "75 % quantile, linear between ranks,",
    "sum": "Sum",
    "skewness": "Skewness m3/m2^1.5, biased,",
    "kurtosis": "Excess kurtosis m4/m2^2 - 3, biased,",
}
_FREE = ("translation", "quarter turn")


def view_terms(*, view: str, place: str, wanted: Sequence[str] = STATISTICS) -> list[Term]:
    """Describe the statistics of one view.

    Parameters
    ----------
    view
        Prefix of the statistic: empty, ``bgcorr_``, ``edge_``, ``bgcorr_edge_``.
    place
        End of the definition: ``the pixels of the region``.
    wanted
        Which of the statistics, in their order.
    """
    terms = []
    for stat in wanted:
        invariances: tuple[str, ...] = _FREE
        if stat in {"std", "mad"} or view.startswith("bgcorr"):
            # the background is taken from the same image, and moves with it
            invariances = (*_FREE, "intensity shift")
        if stat in {"skewness", "kurtosis"}:
            invariances = (*_FREE, "intensity shift", "intensity scale")
        terms.append(
            Term(
                stat=f"{view}{stat}",
                scip=f"{view}{stat}",
                unit="1" if stat in {"skewness", "kurtosis"} else "intensity",
                definition=f"{_TEXTS[stat]} of {place}.",
                reference="scipy.stats.skew, kurtosis" if stat in {"skewness", "kurtosis"} else "numpy",
                invariances=invariances,
            )
        )
    return terms
