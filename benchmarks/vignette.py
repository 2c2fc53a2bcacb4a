"""Take a planted vignette out of generated fields, tell what is left of it, and draw it.

    python benchmarks/vignette.py [--fields N] [--picture FILE]

Two plates of fields, each with its own light that falls off by 30 % to the farthest corner; what is left is the planted
light divided by the correction image. Everything is seeded.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from tasks.core.types import AnyArray, FloatArray
from tasks.illumination.config import Estimated, Gaussian, Jones2006, Polynomial
from tasks.illumination.correction import corrected, correction_image
from tasks.illumination.sums import FieldSum, added

HEIGHT, WIDTH, CELLS = 520, 696, 150
CENTRES = {"A": (0.45, 0.55), "B": (0.65, 0.35)}
WAYS: dict[str, Estimated] = {
    "jones2006": Jones2006(), "jones2006, median_size 125": Jones2006(median_size=125), "gaussian": Gaussian(),
    "polynomial, degree 2": Polynomial(degree=2), "polynomial, degree 4": Polynomial(degree=4),
}  # fmt: skip


def plant_light(centre: tuple[float, float]) -> FloatArray:
    """Make (H, W) light that falls off by 30 % to the farthest corner, as the squared distance from a centre."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = (rows / HEIGHT - centre[0]) ** 2 + (columns / WIDTH - centre[1]) ** 2
    light: FloatArray = 1 - 0.3 * distance / distance.max()
    return light


def draw_field(rng: np.random.Generator, light: FloatArray) -> AnyArray:
    """Draw (1, H, W) uint16: round cells of different brightness on a background, and the camera's noise."""
    spots = np.zeros((HEIGHT + 40, WIDTH + 40))
    rows, columns = rng.integers(0, HEIGHT + 40, CELLS), rng.integers(0, WIDTH + 40, CELLS)
    np.add.at(spots, (rows, columns), rng.uniform(300, 1200, CELLS))
    cells = ndimage.gaussian_filter(spots, 6, mode="constant")[20:-20, 20:-20] * 2 * np.pi * 36
    field: AnyArray = rng.poisson((200 + cells) * light).astype(np.uint16)[np.newaxis]
    return field


def draw_picture(path: Path, *, light: FloatArray, field: AnyArray, correction: AnyArray) -> None:
    """Draw a field and the light's variation, before and after."""
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    axes = figure.subplots(2, 3)
    top = float(np.quantile(field, 0.995))
    left = light / correction[0]
    before, after = light / light.mean(), left / left.mean()
    pictures = [
        ("a field", field[0], "gray", 0.0, top),
        ("light across the field, planted", before, "viridis", 0.75, 1.15),
        ("correction image", correction[0], "viridis", 0.75, 1.15),
        ("the field, corrected", corrected(field, correction)[0], "gray", 0.0, top),
        ("light after correction, same scale", after, "viridis", 0.75, 1.15),
        ("light after correction, ± 2 %", after, "RdBu", 0.98, 1.02),
    ]
    for axis, (title, image, colours, low, high) in zip(axes.ravel(), pictures, strict=True):
        mappable = axis.imshow(image, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
        figure.colorbar(mappable, ax=axis, shrink=0.75).ax.tick_params(labelsize=7)
    figure.savefig(path, dpi=85, metadata={"Software": "scip-flows"})


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description="Take a planted vignette out of generated fields.")
    parser.add_argument("--fields", type=int, default=200, help="fields of each plate")
    parser.add_argument("--picture", type=Path, help="draw plate B, corrected by a polynomial of degree 2")
    options = parser.parse_args()
    print(f"{options.fields} fields of {HEIGHT}×{WIDTH} px a plate, {CELLS} cells each, 30 % vignette\n")
    print("| plate | correction | variation, % | largest difference, % | pixels within 2 % of the mean |")
    print("|---|---|---:|---:|---:|")
    for number, (plate, centre) in enumerate(CENTRES.items()):
        rng = np.random.default_rng(number)
        light = plant_light(centre)
        fields = [draw_field(rng, light) for _ in range(options.fields)]
        print(row(plate, "none", light))
        for name, way in WAYS.items():
            correction = correction_image(added([FieldSum.of(field, downscale=4) for field in fields]), config=way)
            print(row(plate, name, light / correction[0]))
            if options.picture and plate == "B" and name == "polynomial, degree 2":
                draw_picture(options.picture, light=light, field=fields[0], correction=correction)


def row(plate: str, name: str, left: FloatArray) -> str:
    """Tell the standard deviation, the range and the share of pixels near the mean, of the light that is left."""
    flat = left / left.mean()
    near = np.mean(np.abs(flat - 1) < 0.02)
    return f"| {plate} | {name} | {100 * flat.std():.2f} | {100 * np.ptp(flat):.1f} | {100 * near:.1f} % |"


if __name__ == "__main__":
    main()
