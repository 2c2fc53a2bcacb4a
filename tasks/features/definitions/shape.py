"""Shape features as data: what both profiles measure of a region's outline."""

from dataclasses import replace
from itertools import product

from tasks.features.family import FeatureDef

REGIONPROPS = "scikit-image 0.26, skimage.measure.regionprops"
HU = "Hu (1962), Visual pattern recognition by moment invariants, doi:10.1109/TIT.1962.1057692"

_PIXELS = ("intensity shift", "intensity scale")
_SHIFT = ("translation", *_PIXELS)
_QUARTER = ("translation", "quarter turn", *_PIXELS)
_TURN = ("translation", "rotation", *_PIXELS)
_ALL = ("translation", "rotation", "scale", *_PIXELS)


def _plain() -> list[FeatureDef]:
    """Features of one number, in the published system's order."""
    rows = [
        ("area", "area", "px^2", "Number of pixels.", _TURN),
        (
            "area_convex",
            "convex_area",
            "px^2",
            "Number of pixels in the convex hull of the pixels' edge centres.",
            _TURN,
        ),
        (
            "eccentricity",
            "eccentricity",
            "1",
            "Eccentricity of the ellipse with equal second moments: distance of its foci over its major axis.",
            _ALL,
        ),
        ("equivalent_diameter", "equivalent_diameter", "px", "Diameter of the circle of equal area.", _TURN),
        ("euler_number", "euler_number", "1", "Number of 8-connected components minus number of holes.", _ALL),
        (
            "feret_diameter_max",
            "feret_diameter_max",
            "px",
            "Largest distance between two points of the outline (0.5 level) of the convex hull.",
            _TURN,
        ),
        ("area_filled", "filled_area", "px^2", "Number of pixels after all holes are filled.", _TURN),
        (
            "axis_major_length",
            "major_axis_length",
            "px",
            "Major axis of the ellipse with equal second moments: 4 times the root of the larger inertia eigenvalue.",
            _TURN,
        ),
        (
            "axis_minor_length",
            "minor_axis_length",
            "px",
            "Minor axis of the ellipse with equal second moments: 4 times the root of the smaller inertia eigenvalue.",
            _TURN,
        ),
        (
            "orientation",
            "orientation",
            "rad",
            "Angle from the row axis to the major axis of the ellipse with equal second moments, -pi/2 to pi/2.",
            ("translation", "scale", *_PIXELS),
        ),
        (
            "perimeter",
            "perimeter",
            "px",
            "Length of the line through the centres of the border pixels, 4-connected.",
            _TURN,
        ),
        (
            "perimeter_crofton",
            "perimeter_crofton",
            "px",
            "Perimeter by Crofton's formula in four directions.",
            _TURN,
        ),
        ("solidity", "solidity", "1", "Area over the area of the convex hull.", _ALL),
        ("extent", "extent", "1", "Area over the area of the bounding box.", ("scale", *_QUARTER)),
    ]
    return [
        FeatureDef(stat=stat, scip=scip, unit=unit, definition=text, reference=REGIONPROPS, invariances=invariances)
        for stat, scip, unit, text, invariances in rows
    ]


def _matrix(
    *, stat: str, sizes: tuple[int, ...], unit: str, text: str, reference: str = REGIONPROPS
) -> list[FeatureDef]:
    """Features of several numbers; `unit` and `text` may use {order} (p + q), {power} (2 + p + q) and {index}."""
    definitions = []
    for index in product(*(range(size) for size in sizes)):
        invariances: tuple[str, ...]
        values = {"order": sum(index), "power": 2 + sum(index), "index": ", ".join(map(str, index))}
        if stat == "inertia_tensor_eigvals":
            invariances = _TURN
        elif stat == "moments_hu":
            # the seventh changes its sign under reflection, not under rotation
            invariances = _ALL
        elif stat == "moments_normalized":
            invariances = ("translation", "scale", *_PIXELS)
        else:
            invariances = _SHIFT
        definitions.append(
            FeatureDef(
                stat=stat,
                param="_".join(map(str, index)),
                scip="-".join((stat, *map(str, index))),
                unit=unit.format(**values),
                definition=text.format(**values),
                reference=reference,
                invariances=invariances,
            )
        )
    return definitions


PLAIN = _plain()
SINGLE = [
    FeatureDef(
        stat="area_bbox",
        unit="px^2",
        definition="Number of pixels in the bounding box.",
        reference=REGIONPROPS,
        invariances=_QUARTER,
    ),
    FeatureDef(
        stat="form_factor",
        unit="1",
        definition="4 pi area / perimeter^2; NaN where the perimeter is 0.",
        reference="Haralick (1974), A measure for circularity of digital figures, doi:10.1109/TSMC.1974.5408463",
        invariances=_ALL,
    ),
]
"""Features of one number that the published system lacks."""
INERTIA = _matrix(
    stat="inertia_tensor",
    sizes=(2, 2),
    unit="px^2",
    text="Element ({index}) of the inertia tensor of the pixels about their centroid, divided by their number.",
)
EIGENVALUES = _matrix(
    stat="inertia_tensor_eigvals",
    sizes=(2,),
    unit="px^2",
    text="Eigenvalue {index} of the inertia tensor, the larger first.",
)
MOMENTS = _matrix(
    stat="moments",
    sizes=(4, 4),
    unit="px^{power}",
    text="Spatial moment ({index}): sum of row^p column^q over the pixels, in the frame of their bounding box.",
)
CENTRAL = _matrix(
    stat="moments_central",
    sizes=(4, 4),
    unit="px^{power}",
    text="Central moment ({index}): sum of row^p column^q over the pixels, rows and columns from their centroid.",
)
NORMALIZED = _matrix(
    stat="moments_normalized",
    sizes=(4, 4),
    unit="1",
    text="Central moment ({index}) divided by area^(1 + (p + q)/2).",
)
HU_MOMENTS = _matrix(
    stat="moments_hu",
    sizes=(7,),
    unit="1",
    text="Hu's moment invariant {index}, counted from 0, of the normalized central moments.",
    reference=HU,
)

_REPEATED = frozenset({("moments", "0_0"), ("moments_central", "0_0"), ("inertia_tensor", "1_0")})
_ZERO = frozenset({("moments_central", "0_1"), ("moments_central", "1_0")})
_UNDEFINED = frozenset({("moments_normalized", "0_0"), ("moments_normalized", "0_1"), ("moments_normalized", "1_0")})


def _kept(definitions: list[FeatureDef]) -> list[FeatureDef]:
    """Leave out elements that repeat another column, are zero for every region, or are not defined."""
    return [feature for feature in definitions if (feature.stat, feature.param) not in _REPEATED | _ZERO | _UNDEFINED]


STANDARD = (
    *PLAIN,
    *SINGLE,
    *_kept(INERTIA),
    *EIGENVALUES,
    *_kept(MOMENTS),
    *_kept(CENTRAL),
    *_kept(NORMALIZED),
    *HU_MOMENTS,
)

SCIP = tuple(
    replace(term, definition=f"{term.definition.removesuffix('.')}; mean over the connected components.")
    for term in (*PLAIN, *INERTIA, *EIGENVALUES, *MOMENTS, *CENTRAL, *HU_MOMENTS)
)

SILENT = 11
"""How many of the first features of profile ``scip`` are 0, not NaN, for the empty mask of a channel."""

SIZE = 4
"""Powers of rows, and of columns, from 0 to 3."""
_SQUARE = tuple(f"{p}_{q}" for p, q in product(range(SIZE), repeat=2))
LAYOUT = (
    ("area", ""),
    ("area_convex", ""),
    ("eccentricity", ""),
    ("equivalent_diameter", ""),
    ("euler_number", ""),
    ("feret_diameter_max", ""),
    ("area_filled", ""),
    ("axis_major_length", ""),
    ("axis_minor_length", ""),
    ("orientation", ""),
    ("perimeter", ""),
    ("perimeter_crofton", ""),
    ("solidity", ""),
    ("extent", ""),
    ("area_bbox", ""),
    ("form_factor", ""),
    ("inertia_tensor", "0_0"),
    ("inertia_tensor", "0_1"),
    ("inertia_tensor", "1_0"),
    ("inertia_tensor", "1_1"),
    ("inertia_tensor_eigvals", "0"),
    ("inertia_tensor_eigvals", "1"),
    *(("moments", param) for param in _SQUARE),
    *(("moments_central", param) for param in _SQUARE),
    *(("moments_normalized", param) for param in _SQUARE),
    *(("moments_hu", str(number)) for number in range(7)),
)
"""What the kernel measures: statistic and parameter, in its order. A family chooses from it by place."""
