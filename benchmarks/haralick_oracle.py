"""Measure Haralick's features with mahotas 1.4.19 and cp_measure 0.3.0 and keep them as a test fixture.

Run with a Python that has cp_measure 0.3.0 (and with it mahotas)::

    .envs/cp/bin/python benchmarks/haralick_oracle.py [--output tests/oracle/fixtures]

`haralick.npz` is written; `tests/oracle/fixtures/README.md` is its layout.
"""

import argparse
from pathlib import Path

import mahotas
import numpy as np
from cp_measure.core.measuretexture import get_texture

NAMES = (
    "AngularSecondMoment", "Contrast", "Correlation", "Variance", "InverseDifferenceMoment", "SumAverage",
    "SumVariance", "SumEntropy", "Entropy", "DifferenceVariance", "DifferenceEntropy", "InfoMeas1", "InfoMeas2",
)  # fmt: skip
CASES = ((16, 3), (16, 1), (8, 2), (255, 3), (255, 3))
"""Number of levels and distance of each image."""


def draw(number: int, *, seed: int) -> np.ndarray:
    """Draw a textured ellipse, levels from 1 to `number`."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:41, :37]
    inside = ((rows - 20) / (11 + seed)) ** 2 + ((columns - 18) / (16 - seed)) ** 2 < 1
    waves = np.sin(rows / (2 + seed)) + np.cos(columns / 3) + rng.normal(scale=0.4, size=rows.shape)
    low, high = waves[inside].min(), waves[inside].max()
    levels = np.minimum(number * (waves - low) / (high - low), number - 1) + 1
    return np.where(inside, levels, 0).astype(np.uint8)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "tests" / "oracle" / "fixtures")
    output: Path = parser.parse_args().output
    levels = np.stack([draw(number, seed=seed) for seed, (number, _) in enumerate(CASES)])
    distances = [distance for _, distance in CASES]
    measured, frequencies = (
        np.stack(
            [
                mahotas.features.haralick(image, ignore_zeros=True, distance=distance, use_x_minus_y_variance=x_minus_y)
                for image, distance in zip(levels, distances, strict=True)
            ]
        )
        for x_minus_y in (True, False)
    )
    textures = np.full((len(CASES), len(NAMES), 4), np.nan)
    for number, (image, distance) in enumerate(zip(levels, distances, strict=True)):
        if distance == 3:
            texture = get_texture((image > 0).astype(np.int32), image / 255, scale=3, gray_levels=256)
            textures[number] = [
                [texture[f"{name}_3_{direction:02d}_256"][0] for direction in range(4)] for name in NAMES
            ]
    np.savez_compressed(
        output / "haralick.npz",
        levels=levels,
        numbers=np.array([number for number, _ in CASES]),
        distances=np.array(distances),
        mahotas=measured,
        frequencies=frequencies[:, :, 9],
        cp_measure=textures,
    )


if __name__ == "__main__":
    main()
