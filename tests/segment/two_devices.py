"""An installed package with methods that have a form for GPUs, which finds something else and needs none."""

from typing import Any

METHODS = """
import os
from typing import ClassVar, Literal

import numpy as np

from tasks.segment.registry import ObjectMethod, segmenters


class Either(ObjectMethod):
    method: Literal["either"] = "either"
    channel: str


class Ring(ObjectMethod):
    REFERENCES: ClassVar[tuple[str, ...]] = ("around",)
    CHANNELS: ClassVar[tuple[str, ...]] = ()
    method: Literal["ring"] = "ring"
    around: str


def obstacle():
    return os.environ.get("OBSTACLE", "")


@segmenters.register(Either, gpu=obstacle)
def either(image, *, labels, config, channels, device="cpu"):
    found = np.zeros(image.shape[1:], dtype=np.int32)
    found[2 : {"cpu": 4, "gpu": 6}[device], 2:6] = 1
    return found


@segmenters.register(Ring, gpu=obstacle)
def ring(image, *, labels, config, channels, device="cpu"):
    return labels[config.around] * (device == "gpu")


class Rest(ObjectMethod):
    REFERENCES: ClassVar[tuple[str, ...]] = ("of", "without")
    CHANNELS: ClassVar[tuple[str, ...]] = ()
    method: Literal["rest"] = "rest"
    of: str
    without: str


@segmenters.register(Rest)
def rest(image, *, labels, config, channels):
    return labels[config.of] * (labels[config.without] == 0)
"""
OBJECTS: dict[str, Any] = {
    "nucleus": {"method": "either", "channel": "DNA"},
    "ring": {"method": "ring", "around": "nucleus"},
    "rest": {"method": "rest", "of": "nucleus", "without": "ring"},
}
