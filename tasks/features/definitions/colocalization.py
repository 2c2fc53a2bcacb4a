"""Colocalization of two channels."""

from tasks.features.family import FeatureDef

THRESHOLD = 0.15
"""Part of the largest pixel of a channel in the region from which on a pixel counts as signal."""

_CELLPROFILER = "CellProfiler 4.2, MeasureColocalization"

SYMMETRIC = (
    FeatureDef(
        stat="pearson",
        unit="1",
        definition="Pearson's correlation of the two channels over the pixels of the region.",
        reference=_CELLPROFILER,
        invariances=("translation", "quarter turn", "intensity shift", "intensity scale"),
    ),
    FeatureDef(
        stat="slope",
        unit="1",
        definition="Slope of the least-squares line of the second channel over the first.",
        reference=_CELLPROFILER,
        invariances=("translation", "quarter turn", "intensity shift"),
    ),
    FeatureDef(
        stat="overlap",
        unit="1",
        definition="Sum of products over the root of both sums of squares, where both channels are signal.",
        reference=f"Manders, Verbeek & Aten 1993; {_CELLPROFILER}",
        invariances=("translation", "quarter turn", "intensity scale"),
    ),
)
"""Named after the first and the second channel alone (the slope is no less directed: second over first)."""

DIRECTED = (
    FeatureDef(
        stat="k",
        unit="1",
        definition=("Sum of products over the sum of squares of the first named channel, where both are signal."),
        reference=f"Manders, Verbeek & Aten 1993; {_CELLPROFILER}",
        invariances=("translation", "quarter turn"),
    ),
    FeatureDef(
        stat="manders",
        unit="1",
        definition="Part of the signal of the first named channel that lies where the other is signal too.",
        reference=f"Manders, Verbeek & Aten 1993; {_CELLPROFILER}",
        invariances=("translation", "quarter turn", "intensity scale"),
    ),
    FeatureDef(
        stat="rwc",
        unit="1",
        definition=(
            "Part of the signal of the first named channel that lies where the other is signal too, each pixel "
            "weighted by how near its ranks in the two channels are."
        ),
        reference=f"Singan et al. 2011; {_CELLPROFILER}",
        invariances=("translation", "quarter turn", "intensity scale"),
    ),
    FeatureDef(
        stat="costes",
        unit="1",
        definition=(
            "Part of the intensity above Costes' threshold of the first named channel that lies where the other is "
            "above its threshold too."
        ),
        reference=f"Costes et al. 2004; {_CELLPROFILER}",
        invariances=("translation", "quarter turn"),
    ),
)
"""Measured twice, once for each channel as the first named."""

PER_PAIR = len(SYMMETRIC) + 2 * len(DIRECTED)
