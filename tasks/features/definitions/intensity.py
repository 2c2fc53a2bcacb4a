"""Statistics of intensities as data, in the views of a region: whole or rim, as it is or less its background."""

from collections.abc import Sequence

from tasks.features.family import FeatureDef

STATISTICS = (
    "mean",
    "median",
    "max",
    "min",
    "std",
    "mad",
    "lower_quartile",
    "upper_quartile",
    "sum",
    "skewness",
    "kurtosis",
)
"""In the order of the values."""

RADIUS = 6
"""Radius in pixels of the disk that erodes the region: what it removes is the rim."""

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


def _view(*, view: str, place: str, wanted: Sequence[str] = STATISTICS) -> list[FeatureDef]:
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
    definitions = []
    for stat in wanted:
        invariances: tuple[str, ...] = _FREE
        if stat in {"std", "mad"} or view.startswith("bgcorr"):
            # the background is taken from the same image, and moves with it
            invariances = (*_FREE, "intensity shift")
        if stat in {"skewness", "kurtosis"}:
            invariances = (*_FREE, "intensity shift", "intensity scale")
        definitions.append(
            FeatureDef(
                stat=f"{view}{stat}",
                scip=f"{view}{stat}",
                unit="1" if stat in {"skewness", "kurtosis"} else "intensity",
                definition=f"{_TEXTS[stat]} of {place}.",
                reference="scipy.stats.skew, kurtosis" if stat in {"skewness", "kurtosis"} else "numpy",
                invariances=invariances,
            )
        )
    return definitions


_REGION = "the pixels of the region"
_RIM = "the pixels of the rim, which an erosion by a disk of 6 px removes (all of a narrow region)"


def _views(*, less_background: Sequence[str]) -> tuple[FeatureDef, ...]:
    return (
        *_view(view="", place=_REGION),
        *_view(view="bgcorr_", place=f"{_REGION} less the background", wanted=less_background),
        *_view(view="edge_", place=_RIM),
        *_view(view="bgcorr_edge_", place=f"{_RIM}, less the background", wanted=less_background),
    )


VIEWS = ("", "bgcorr_", "edge_", "bgcorr_edge_")
LAYOUT = (*(f"{view}{stat}" for view in VIEWS for stat in STATISTICS), "background", "mass_displacement")
"""What the kernel measures of a channel, in its order. A family chooses from it by place."""

RAW = tuple(_view(view="", place=_REGION))
SCIP = _views(less_background=STATISTICS)
STANDARD = (
    *_views(less_background=SHIFTED),
    FeatureDef(
        stat="background",
        unit="intensity",
        definition=(
            "The background of the channel in this image, which the statistics named bgcorr subtract; of a field it "
            "stands with the first object."
        ),
        invariances=("quarter turn",),
    ),
    FeatureDef(
        stat="mass_displacement",
        unit="px",
        definition="Distance between the centroid of the region and its centroid weighted by intensity.",
        reference="CellProfiler 4.2, MeasureObjectIntensity, MassDisplacement",
        invariances=("translation", "quarter turn", "intensity scale"),
    ),
)
