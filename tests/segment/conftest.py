"""A hand-made field of round cells."""

import numpy as np
import pytest

from tasks.core.types import AnyArray

CENTRES = ((30, 40), (45, 100), (90, 30), (88, 46), (100, 110), (2, 70), (70, 127))
"""Rows and columns of nuclei of radius 8; the third and fourth touch, the last two are cut by the frame."""


@pytest.fixture
def field() -> AnyArray:
    """(2, 128, 128) uint8: DNA, with nuclei on a noisy background, and RNA, with cells three times as wide."""
    rows, columns = np.mgrid[:128, :128]
    noise = np.random.default_rng(5).normal(20, 2, (2, 128, 128))
    for row, column in CENTRES:
        distance = np.hypot(rows - row, columns - column)
        noise[0] += 120 * np.clip(8.5 - distance, 0, 1)
        noise[1] = np.maximum(noise[1], 20 + 80 * np.clip(20.5 - distance, 0, 1) - distance)
    return np.clip(noise, 0, 255).astype(np.uint8)
