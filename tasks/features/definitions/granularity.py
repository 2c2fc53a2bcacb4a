"""The granularity spectrum."""

from tasks.features.family import FeatureDef

SCALES = 16
"""Radii in pixels, from 1 on."""

GRANULARITY = tuple(
    FeatureDef(
        stat=str(radius),
        unit="%",
        definition=(
            "Signal that an opening by reconstruction with a diamond of radius "
            f"{radius} px removes beyond that of the radius before, in % of all signal; "
            "the signal is the region less the background, not below 0."
        ),
        reference="Serra 1982; Vincent 1992; CellProfiler 4.2, MeasureGranularity",
        invariances=("translation", "quarter turn", "intensity shift", "intensity scale"),
    )
    for radius in range(1, SCALES + 1)
)
