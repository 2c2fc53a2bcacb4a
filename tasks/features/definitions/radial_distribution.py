"""How the intensity lies between the centre of a region and its edge."""

from tasks.features.family import FeatureDef

RINGS, WEDGES = 4, 8

OFFSET = 1e-3
"""Added to the sum of both distances in pixels, so that a pixel at the edge is in the last ring and not beyond it."""

_TEXTS = {
    "frac_at_d": "Fraction of the intensity of the region that lies in ring {ring} of 4 from its centre.",
    "mean_frac": "Mean intensity in ring {ring} of 4 from the centre, relative to the mean in all rings.",
    "radial_cv": (
        "Coefficient of variation of the mean intensities in the eighths of ring {ring} of 4 from the centre of the "
        "region."
    ),
}

RADIAL_DISTRIBUTION = tuple(
    FeatureDef(
        stat=stat,
        param=f"{ring}of{RINGS}",
        unit="1",
        definition=text.format(ring=ring),
        reference="CellProfiler 4.2, MeasureObjectIntensityDistribution",
        invariances=("translation", "intensity scale"),
    )
    for stat, text in _TEXTS.items()
    for ring in range(1, RINGS + 1)
)
