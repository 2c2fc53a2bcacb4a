"""The digital phantom of the Image Biomarker Standardisation Initiative: all 129 reference values.

The phantom is discretised already, in six levels. Texture is averaged over its four slices (the IBSI's "2D, averaged");
intensities are those of all its pixels. A value is reproduced if it rounds to the stated one: three significant digits,
or as many as are given where there are more.
"""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.emphases import GLDZM, GLRLM, GLSZM, NGLDM
from tasks.features.definitions.histogram import HISTOGRAM, INTENSITY
from tasks.features.definitions.ngtdm import MEASURES as TONES
from tasks.features.definitions.pairs import MEASURES
from tasks.features.family import FeatureDef
from tasks.features.plain.emphases import emphases
from tasks.features.plain.histogram import histogram_statistics, intensity_statistics
from tasks.features.plain.pairs import glcm
from tasks.features.plain.tone_differences import tone_differences
from tasks.features.plain.zones import gldzm, glrlm, glszm, ngldm, zone_distances

LEVELS = 6

FIRST_ORDER = {
    "MEAN": "mean", "VARIANCE": "variance", "SKEWNESS": "skewness", "EXCESS_KURTOSIS": "kurtosis", "MEDIAN": "median",
    "MINIMUM": "min", "P10": "percentile_10", "P90": "percentile_90", "MAXIMUM": "max",
    "INTERQUARTILE": "interquartile_range", "RANGE": "range", "MEAN_ABSOLUTE_DEVIATION": "mean_absolute_deviation",
    "ROBUST_MEAN_ABSOLUTE_DEVIATION": "robust_mean_absolute_deviation", "ENERGY": "energy",
    "ROOT_MEAN_SQUARED": "root_mean_square",
}  # fmt: skip
PAIRS = {
    "ACOR": "autocorrelation", "ASM": "angular_second_moment", "CLUPROM": "cluster_prominence",
    "CLUSHADE": "cluster_shade", "CLUTEND": "cluster_tendency", "CONTRAST": "contrast", "CORRELATION": "correlation",
    "DIFAVE": "difference_average", "DIFENTRO": "difference_entropy", "DIFVAR": "difference_variance",
    "DIS": "dissimilarity", "ID": "inverse_difference", "IDN": "inverse_difference_normalised",
    "IDM": "inverse_difference_moment", "IDMN": "inverse_difference_moment_normalised",
    "INFOMEAS1": "information_correlation_1", "INFOMEAS2": "information_correlation_2",
    "HOM2": "inverse_difference_moment", "ENTROPY": "joint_entropy", "IV": "inverse_variance", "JAVE": "joint_average",
    "JE": "joint_entropy", "JMAX": "joint_maximum", "JVAR": "joint_variance", "SUMAVERAGE": "sum_average",
    "SUMENTROPY": "sum_entropy", "SUMVARIANCE": "sum_variance", "VARIANCE": "joint_variance",
}  # fmt: skip


def spelled(names: Iterable[FeatureDef], abbreviations: str) -> dict[str, str]:
    """Our name of each abbreviation of the reference table."""
    return dict(zip(abbreviations.split(), (definition.stat for definition in names), strict=True))


RUNS = spelled(GLRLM, "SRE LRE LGLRE HGLRE SRLGLE SRHGLE LRLGLE LRHGLE GLN GLNN RLN RLNN RP GLV RV RE")
SIZES = spelled(GLSZM, "SAE LAE LGLZE HGLZE SALGLE SAHGLE LALGLE LAHGLE GLN GLNN SZN SZNN ZP GLV ZV ZE")
DISTANCES = spelled(GLDZM, "SDE LDE LGLZE HGLZE SDLGLE SDHGLE LDLGLE LDHGLE GLNU GLNUN ZDNU ZDNUN ZP GLV ZDV ZDE")
DEPENDENCES = spelled(
    NGLDM, "LDE HDE LGLCE HGLCE LDLGLE LDHGLE HDLGLE HDHGLE GLNU GLNUN DCNU DCNUN DCP GLV DCV DCENT DCENE"
)
# the dependence matrix under the other name it has in use: the same matrix, the pixel itself counted
GLDM = {
    "SDE": "LDE", "LDE": "HDE", "LGLE": "LGLCE", "HGLE": "HGLCE", "SDLGLE": "LDLGLE", "SDHGLE": "LDHGLE",
    "LDLGLE": "HDLGLE", "LDHGLE": "HDHGLE", "GLN": "GLNU", "DN": "DCNU", "DNN": "DCNUN", "GLV": "GLV", "DV": "DCV",
    "DE": "DCENT",
}  # fmt: skip
# these four of the table are not the IBSI's: zones there join pixels that share a side only, and two are means, which
# the IBSI does not define; the IBSI's own values of the first two are in `test_what_the_standard_itself_says`
SIDES = ("SDLGLE", "ZDV", "GLM", "ZDM")

NAMES = [
    *FIRST_ORDER, *(f"GLCM_{name}" for name in PAIRS), *(f"GLRLM_{name}" for name in RUNS),
    *(f"GLSZM_{name}" for name in SIZES), *(f"GLDZM_{name}" for name in (*DISTANCES, "GLM", "ZDM")),
    *(f"NGLDM_{name}" for name in DEPENDENCES), *(f"GLDM_{name}" for name in GLDM),
    *(f"NGTDM_{name.upper()}" for name in TONES),
]  # fmt: skip


@pytest.fixture(scope="module")
def slices(data_root: Path) -> list[IntArray]:
    """Level images of the four slices, 0 outside."""
    with np.load(data_root / "peer_ibsi" / "ibsi_digital_phantom.npz") as arrays:
        return [np.where(arrays[f"z{z}_mask"], arrays[f"z{z}_intensity"], 0).astype(np.int64) for z in range(1, 5)]


@pytest.fixture(scope="module")
def reference(data_root: Path) -> dict[str, str]:
    """Stated value of each feature."""
    path = data_root / "peer_ibsi" / "ibsi_reference_values.csv"
    with path.open(newline="") as lines:
        return {row["feature"]: row["value"] for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def measured(slices: list[IntArray]) -> dict[str, float]:
    """Every feature of the reference table."""

    def mean(measure: Callable[..., FloatArray], names: Iterable[str]) -> dict[str, float]:
        values = np.mean([measure(levels, number=LEVELS) for levels in slices], axis=0)
        return dict(zip(names, values.tolist(), strict=True))

    pairs, depend = mean(glcm, MEASURES), mean(ngldm, DEPENDENCES)
    values = np.concatenate([levels[levels > 0] for levels in slices]).astype(np.float64)
    first = dict(zip(INTENSITY, intensity_statistics(values).tolist(), strict=True))
    return {
        **{name: first[stat] for name, stat in FIRST_ORDER.items()},
        **{f"GLCM_{name}": pairs[stat] for name, stat in PAIRS.items()},
        **mean(glrlm, [f"GLRLM_{name}" for name in RUNS]), **mean(glszm, [f"GLSZM_{name}" for name in SIZES]),
        **mean(gldzm, [f"GLDZM_{name}" for name in DISTANCES]), **mean(side_zones, [f"GLDZM_{name}" for name in SIDES]),
        **{f"NGLDM_{name}": value for name, value in depend.items()},
        **{f"GLDM_{name}": depend[ours] for name, ours in GLDM.items()},
        **mean(tone_differences, [f"NGTDM_{name.upper()}" for name in TONES]),
    }  # fmt: skip


def side_zones(levels: IntArray, *, number: int) -> FloatArray:
    """Measure what `SIDES` names, of zones of pixels that share a side."""
    counts = zone_distances(levels, number=number, connectivity=1)
    features = emphases(counts, pixels=int((levels > 0).sum()))
    i, j = np.ogrid[1 : counts.shape[0] + 1, 1 : counts.shape[1] + 1]
    p = counts / counts.sum()
    order = list(DISTANCES)
    return np.array([features[order.index("SDLGLE")], features[order.index("ZDV")], (i * p).sum(), (j * p).sum()])


def rounding(stated: str) -> float:
    """Half a unit of the third significant digit, or of the last one of a value with more."""
    digits = len(stated.replace(".", "").lstrip("-0"))
    value = abs(float(stated))
    if digits > 6:
        return 1e-14 * value
    return float(0.5 * 10.0 ** (np.floor(np.log10(value)) - 2))


@pytest.mark.parametrize("name", NAMES)
def test_a_value_of_the_phantom(name: str, measured: dict[str, float], reference: dict[str, str]) -> None:
    stated = reference[name]
    assert abs(measured[name] - float(stated)) <= rounding(stated) * (1 + 1e-9)


def test_all_129_values_are_compared(measured: dict[str, float], reference: dict[str, str]) -> None:
    assert len(NAMES) == len(set(NAMES)) == len(reference) == 129
    assert set(NAMES) == set(reference) == set(measured)


def test_what_the_standard_itself_says(slices: list[IntArray]) -> None:
    """Values of the manual's tables, 2D: those that the reference table gives by another convention, or leaves out."""
    distances = np.mean([gldzm(level_image, number=LEVELS) for level_image in slices], axis=0)
    named = dict(zip(DISTANCES, distances.tolist(), strict=True))
    assert named["SDLGLE"] == pytest.approx(0.367, abs=6e-4)
    assert named["ZDV"] == pytest.approx(0.0510, abs=6e-5)
    levels = np.concatenate([level_image[level_image > 0] for level_image in slices])
    intensity = dict(zip(INTENSITY, intensity_statistics(levels.astype(np.float64)).tolist(), strict=True))
    assert intensity["median_absolute_deviation"] == pytest.approx(1.15, abs=5e-3)
    assert intensity["coefficient_of_variation"] == pytest.approx(0.812, abs=5e-4)
    assert intensity["quartile_dispersion"] == pytest.approx(0.6)
    histogram = dict(zip(HISTOGRAM, histogram_statistics(levels, number=LEVELS).tolist(), strict=True))
    assert {name: histogram[name] for name in INTENSITY[:-2]} == {name: intensity[name] for name in INTENSITY[:-2]}
    assert histogram["entropy"] == pytest.approx(1.27, abs=5e-3)
    assert histogram["uniformity"] == pytest.approx(0.512, abs=5e-4)
    assert [histogram[name] for name in ("mode", "max_gradient", "max_gradient_level")] == [1, 8, 3]
    assert [histogram[name] for name in ("min_gradient", "min_gradient_level")] == [-50, 1]
