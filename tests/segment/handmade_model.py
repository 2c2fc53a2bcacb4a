"""A model file that was not trained: bright discs of 16 pixels, by convolutions."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tasks.core.types import AnyArray, FloatArray

METADATA: dict[str, object] = {
    "scip_flows.form": 1, "name": "discs", "licence": "CC0-1.0", "diameter": 16,
    "lower_percentile": 1, "upper_percentile": 99.8, "clip_low": -1, "clip_high": 3, "receptive_field": 23,
    "foreground_threshold": 0.5, "peak_drop": 0.03, "boundary_weight": 0.5,
}  # fmt: skip


def write_model(path: Path, *, channels: int = 3, output: str = "maps", **metadata: object) -> Path:
    """Write a model file; metadata that are None are left out.

    Foreground is what is bright after a Gaussian; distance is how much of a disc of 16 px around a pixel is foreground,
    squared; boundary is where foreground is in doubt.
    """
    gaussian = np.exp(-(np.arange(-3, 4) ** 2) / 2)
    constants = {
        "blur": np.outer(gaussian, gaussian) / gaussian.sum() ** 2, "disc": _disc(8),
        "half": 0.5, "slope": 20, "one": 1, "four": 4,
    }  # fmt: skip
    weights = [
        numpy_helper.from_array(np.array(value, dtype=np.float32)[(None, None) if np.ndim(value) else ()], name)
        for name, value in constants.items()
    ]
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "blur"], ["smooth"], pads=[3] * 4), node("Sub", ["smooth", "half"], ["above"]),
        node("Mul", ["above", "slope"], ["steep"]), node("Sigmoid", ["steep"], ["inside"]),
        node("Conv", ["inside", "disc"], ["share"], pads=[8] * 4), node("Mul", ["share", "share"], ["squared"]),
        node("Mul", ["squared", "inside"], ["distance"]), node("Sub", ["one", "inside"], ["outside"]),
        node("Mul", ["inside", "outside"], ["doubt"]), node("Mul", ["doubt", "four"], ["boundary"]),
        node("Concat", ["inside", "distance", "boundary"][:channels], [output], axis=1),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "discs",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", channels, "h", "w"])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    known = {name: str(value) for name, value in (METADATA | metadata).items() if value is not None}
    helper.set_model_props(model, known)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _disc(radius: int) -> FloatArray:
    steps = np.arange(-radius, radius + 1)
    disc: FloatArray = (np.hypot(*np.meshgrid(steps, steps)) <= radius).astype(np.float64)
    return np.asarray(disc / disc.sum(), dtype=np.float64)


def discs(shape: tuple[int, int], *, diameter: float, count: int, seed: int = 3, low: int = 50) -> AnyArray:
    """(H, W) uint8: discs that do not touch, 100 above a noisy background."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = rng.normal(low, 3, shape)
    centers: list[Any] = []
    while len(centers) < count:
        center = rng.uniform(0, 1, 2) * shape
        if all(np.hypot(*(center - other)) > 1.15 * diameter for other in centers):
            centers.append(center)
    for row, column in centers:
        image += 100 * np.clip(diameter / 2 + 0.5 - np.hypot(rows - row, columns - column), 0, 1)
    return np.asarray(image.clip(0, 255).astype(np.uint8))
