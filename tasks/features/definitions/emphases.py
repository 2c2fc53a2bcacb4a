"""The features of matrices of grey levels against sizes, as data."""

from tasks.features.definitions.levels import GREY, IBSI, IN_LEVELS
from tasks.features.family import FeatureDef

_FORMULAS = (
    "mean of 1/j²",
    "mean of j²",
    "mean of 1/i²",
    "mean of i²",
    "mean of 1/(i² j²)",
    "mean of i²/j²",
    "mean of j²/i²",
    "mean of i² j²",
    "sum over the levels of the squared number, over the number of all",
    "sum over the levels of the squared number, over the squared number of all",
    "sum over the sizes of the squared number, over the number of all",
    "sum over the sizes of the squared number, over the squared number of all",
    "number over that of the pixels",
    "population variance of i",
    "population variance of j",
    "entropy −Σ p log2 p of the frequencies p of pairs (i, j)",
    "energy Σ p² of the frequencies p of pairs (i, j)",
)
"""In the order of the values; the last ones may be left out."""
EMPHASES = len(_FORMULAS)


def _emphases(*, codes: dict[str, str], things: str, where: str = IN_LEVELS) -> tuple[FeatureDef, ...]:
    """Describe the features of one matrix.

    Parameters
    ----------
    codes
        Statistic and IBSI code of each feature, in the order of the values.
    things
        What is counted, and what j is: ``the runs of equal levels i of length j``.
    where
        Rest of the definition.
    """
    return tuple(
        FeatureDef(
            stat=name,
            unit="1",
            definition=f"{formula[0].upper()}{formula[1:]}: {things}, {where}.",
            reference=f"{IBSI}, {code}",
            invariances=GREY,
        )
        for (name, code), formula in zip(codes.items(), _FORMULAS[: len(codes)], strict=True)
    )


GLRLM = _emphases(
    codes={
        "short_run_emphasis": "22OV",
        "long_run_emphasis": "W4KF",
        "low_grey_level_emphasis": "V3SW",
        "high_grey_level_emphasis": "G3QZ",
        "short_run_low_grey_level_emphasis": "HTZT",
        "short_run_high_grey_level_emphasis": "GD3A",
        "long_run_low_grey_level_emphasis": "IVPO",
        "long_run_high_grey_level_emphasis": "3KUM",
        "grey_level_nonuniformity": "R5YN",
        "grey_level_nonuniformity_normalised": "OVBL",
        "run_length_nonuniformity": "W92Y",
        "run_length_nonuniformity_normalised": "IC23",
        "percentage": "9ZK5",
        "grey_level_variance": "8CE5",
        "run_length_variance": "SXLW",
        "entropy": "HJ9O",
    },
    things="the runs of equal levels i of length j",
    where=f"mean over four directions, {IN_LEVELS}",
)

GLSZM = _emphases(
    codes={
        "small_zone_emphasis": "P001",
        "large_zone_emphasis": "48P8",
        "low_grey_level_emphasis": "XMSY",
        "high_grey_level_emphasis": "5GN9",
        "small_zone_low_grey_level_emphasis": "5RAI",
        "small_zone_high_grey_level_emphasis": "HW1V",
        "large_zone_low_grey_level_emphasis": "YH51",
        "large_zone_high_grey_level_emphasis": "J17V",
        "grey_level_nonuniformity": "JNSA",
        "grey_level_nonuniformity_normalised": "Y1RO",
        "zone_size_nonuniformity": "4JP3",
        "zone_size_nonuniformity_normalised": "VB3A",
        "percentage": "P30P",
        "grey_level_variance": "BYLV",
        "zone_size_variance": "3NSA",
        "entropy": "GU8N",
    },
    things="the zones, 8-connected pixels of equal level i, of j pixels",
)

GLDZM = _emphases(
    codes={
        "small_distance_emphasis": "0GBI",
        "large_distance_emphasis": "MB4I",
        "low_grey_level_emphasis": "S1RA",
        "high_grey_level_emphasis": "K26C",
        "small_distance_low_grey_level_emphasis": "RUVG",
        "small_distance_high_grey_level_emphasis": "DKNJ",
        "large_distance_low_grey_level_emphasis": "A7WM",
        "large_distance_high_grey_level_emphasis": "KLTH",
        "grey_level_nonuniformity": "VFT7",
        "grey_level_nonuniformity_normalised": "7HP3",
        "zone_distance_nonuniformity": "V294",
        "zone_distance_nonuniformity_normalised": "IATH",
        "percentage": "VIWW",
        "grey_level_variance": "QK93",
        "zone_distance_variance": "7WT1",
        "entropy": "GBDU",
    },
    things="the zones, 8-connected pixels of equal level i, at j steps from the border of the region",
)

NGLDM = _emphases(
    codes={
        "low_dependence_emphasis": "SODN",
        "high_dependence_emphasis": "IMOQ",
        "low_grey_level_emphasis": "TL9H",
        "high_grey_level_emphasis": "OAE7",
        "low_dependence_low_grey_level_emphasis": "EQ3F",
        "low_dependence_high_grey_level_emphasis": "JA6D",
        "high_dependence_low_grey_level_emphasis": "NBZI",
        "high_dependence_high_grey_level_emphasis": "9QMG",
        "grey_level_nonuniformity": "FP8K",
        "grey_level_nonuniformity_normalised": "5SPA",
        "dependence_count_nonuniformity": "Z87G",
        "dependence_count_nonuniformity_normalised": "OKJI",
        "percentage": "6XV8",
        "grey_level_variance": "1PFV",
        "dependence_count_variance": "DNX2",
        "entropy": "FCBV",
        "energy": "CAS9",
    },
    things="the pixels of level i of which j − 1 of the eight neighbours have the same level",
)
