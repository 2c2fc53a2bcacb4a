"""What files tell of their images beside pixels, by the names of its columns (less their ``meta__``)."""

from collections.abc import Iterable

TEXTS = {
    "well": "Well of the plate that the image is of.",
    "scene": "Name of the scene in the file, else its number from 0.",
    "acquired": "Time at which the image was taken, as the file tells it (ISO 8601).",
    "objective": "The objective, as the file names it.",
}
"""Text, in the order of the columns; what `load.pattern` or `load.metadata` say under one of these names goes first."""

NUMBERS = {
    "time": "Time point in the file, from 0.",
    "pixel_size_x": "Width of a pixel in µm.",
    "pixel_size_y": "Height of a pixel in µm.",
    "pixel_size_z": "Distance of the planes of a z-stack in µm.",
    "stage_x": "Position of the stage along x in µm.",
    "stage_y": "Position of the stage along y in µm.",
    "stage_z": "Position of the stage along z in µm.",
    "magnification": "Nominal magnification of the objective.",
}
"""Numbers (float64), in the order of the columns."""


def in_order(names: Iterable[str], *, known: Iterable[str]) -> tuple[str, ...]:
    """Return those of the known names that are there, in their order, then all others as they come, each once.

    Examples
    --------
    >>> in_order(["objective", "dose", "scene"], known=TEXTS)
    ('scene', 'objective', 'dose')
    """
    present = dict.fromkeys(names)
    return (*(name for name in known if name in present), *(name for name in present if name not in set(known)))
