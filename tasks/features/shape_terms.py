"""Shape features as data: what both profiles measure of a region's outline."""

from itertools import product

from tasks.features.family import Term

REGIONPROPS = "scikit-image 0.26, skimage.measure.regionprops"
HU = "Hu (1962), Visual pattern recognition by moment invariants, doi:10.1109/TIT.1962.1057692"

_PIXELS = ("intensity shift", "intensity scale")
_SHIFT = ("translation", *_PIXELS)
_QUARTER = ("translation", "quarter turn", *_PIXELS)
_TURN = ("translation", "rotation", *_PIXELS)
_ALL = ("translation", "rotation", "scale", *_PIXELS)


def _plain() -> list[Term]:
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
        Term(stat=stat, scip=scip, unit=unit, definition=text, reference=REGIONPROPS, invariances=invariances)
        for stat, scip, unit, text, invariances in rows
    ]


def _matrix(*, stat: str, sizes: tuple[int, ...], unit: str, text: str, reference: str = REGIONPROPS) -> list[Term]:
    """Features of several numbers; `unit` and `text` may use {order} (p + q), {power} (2 + p + q) and {index}."""
    terms = []
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
        terms.append(
            Term(
                stat=stat,
                param="_".join(map(str, index)),
                scip="-".join((stat, *map(str, index))),
                unit=unit.format(**values),
                definition=text.format(**values),
                reference=reference,
                invariances=invariances,
            )
        )
    return terms


PLAIN = _plain()
SINGLE = [
    Term(
        stat="area_bbox",
        unit="px^2",
        definition="Number of pixels in the bounding box.",
        reference=REGIONPROPS,
        invariances=_QUARTER,
    ),
    Term(
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
