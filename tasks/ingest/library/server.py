"""A process that reads images by the library bioio or aicsimageio, for the process at the other end of its pipes.

It is run as a script, by any interpreter that has the library, and imports nothing of this project. Each request is a
line of JSON; each answer a line of JSON, followed by as many bytes of pixels as it says under ``bytes``:

{"do": "list", "path": …}
    → {"scenes": [{"name", "times", "depth", "channels", "height", "width", "dtype", "labels", "metadata", "measures"}]}
{"do": "read", "path": …, "scene": 0, "time": 0, "z": 0, "channels": [0], "region": [top, bottom, left, right]}
    → {"shape": [C, H, W], "dtype": "<u2", "bytes": …}

Where that fails the answer is {"error": …}, of what the system refuses with its number, "errno". It ends when its input
does.
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import os
import sys
import warnings
from collections import OrderedDict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LIBRARIES = {"bioio": "BioImage", "aicsimageio": "AICSImage"}

MADE_UP = ("Channel:", "Channel_")
"""How names of channels begin that the libraries make up."""

OPEN = 4
"""Files that are kept open."""


class Server:
    """Answers requests; keeps the last few files open."""

    def __init__(self, library: str) -> None:
        self._library = getattr(importlib.import_module(library), LIBRARIES[library])
        self._open: OrderedDict[tuple[str, int, int], Any] = OrderedDict()

    def list(self, *, path: str) -> tuple[dict[str, Any], bytes]:
        """Tell of every scene of a file."""
        image = self._image(path)
        return {"scenes": [self._scene(image, scene, path=path) for scene in range(len(image.scenes))]}, b""

    def read(
        self, *, path: str, scene: int, time: int, z: int, channels: Sequence[int], region: Sequence[int]
    ) -> tuple[dict[str, Any], bytes]:
        """Read some channels of a part of a plane."""
        image = self._image(path)
        image.set_scene(scene)
        top, bottom, left, right = region
        if scanned_along_z(path, scene):
            pixels = np.ascontiguousarray(read_scan(path, scene, time=time, z=z)[channels, top:bottom, left:right])
        else:
            axes = "CSYX" if size(image, "S") > 1 else "CYX"
            planes = image.get_image_dask_data(axes, T=time, Z=z)
            planes = planes.reshape(-1, *planes.shape[-2:])
            parts = [planes[own, top:bottom, left:right].compute(scheduler="synchronous") for own in channels]
            pixels = np.ascontiguousarray(np.stack(parts))
        return {"shape": pixels.shape, "dtype": pixels.dtype.str}, pixels.tobytes()

    def _image(self, path: str) -> Any:
        stat = os.stat(path)
        key = path, stat.st_size, stat.st_mtime_ns
        if key not in self._open:
            self._open[key] = self._library(path)
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
        self._open.move_to_end(key)
        return self._open[key]

    def _scene(self, image: Any, scene: int, *, path: str) -> dict[str, Any]:
        image.set_scene(scene)
        rows, depth = size(image, "Y"), size(image, "Z")
        if rows == 1 and scanned_along_z(path, scene):
            rows, depth = depth, 1
        channels = size(image, "C") * size(image, "S")
        names = [name.strip() if isinstance(name, str) else "" for name in image.channel_names or ()]
        named = len(set(names)) == len(names) == channels and all(n and not n.startswith(MADE_UP) for n in names)
        metadata, measures = known(image)
        return {
            "name": str(image.scenes[scene]),
            "times": size(image, "T"),
            "depth": depth,
            "channels": channels,
            "height": rows,
            "width": size(image, "X"),
            "dtype": np.dtype(image.dtype).str,
            "labels": names if named else None,
            "metadata": metadata,
            "measures": measures,
        }


def scanned_along_z(path: str, scene: int) -> bool:
    """Whether frames of a Leica file are of z and x, which bioio-lif 2.0.1 lists, but cannot read."""
    if not path.lower().endswith(".lif"):
        return False
    with lif_file(path) as file:
        return tuple(file.images[scene].dims)[-2:] == ("Z", "X")


def read_scan(path: str, scene: int, *, time: int, z: int) -> np.ndarray[Any, Any]:
    """Read (C, rows, columns) of such a scene: a single scan is an image, of several each z is a plane."""
    with lif_file(path) as file:
        image = file.images[scene]
        sizes = dict(image.sizes)
        order = [axis for axis in "TCZYX" if axis in sizes]
        pixels: np.ndarray[Any, Any] = image.asarray().transpose([list(sizes).index(axis) for axis in order])
    pixels = pixels.reshape([sizes.get(axis, 1) for axis in "TCZYX"])[time]
    return pixels[:, z] if sizes.get("Y", 1) > 1 else pixels[:, :, 0]


def lif_file(path: str) -> Any:
    """Open a Leica file by the library on which bioio-lif is built."""
    return importlib.import_module("liffile").LifFile(path)


def tolerate_missing_pixel_sizes() -> None:
    """Let bioio-czi read files that do not tell the size of their pixels; its version 3.0.1 refuses them."""
    module: Any = importlib.import_module("bioio_czi.aicspylibczi_reader.reader")
    refusing = module.get_physical_pixel_sizes
    unknown = importlib.import_module("bioio_base.types").PhysicalPixelSizes(None, None, None)

    def tolerant(metadata: Any) -> Any:
        try:
            return refusing(metadata)
        except Exception:
            return unknown

    module.get_physical_pixel_sizes = tolerant


def size(image: Any, axis: str) -> int:
    """Length of an axis, 1 where there is none."""
    return int(getattr(image.dims, axis, 1))


def known(image: Any) -> tuple[dict[str, str], dict[str, float]]:
    """Gather what is known of a scene; where the library fails to tell it, nothing is."""
    sizes, standard = attempt(image, "physical_pixel_sizes"), attempt(image, "standard_metadata")
    measures = {f"pixel_size_{axis.lower()}": number(attempt(sizes, axis)) for axis in "XYZ"}
    measures = {name: value if value > 0 else math.nan for name, value in measures.items()}
    measures.update({f"stage_{axis}": number(attempt(standard, f"stage_position_{axis}")) for axis in "xyz"})
    acquired, objective = attempt(standard, "imaging_datetime"), attempt(standard, "objective")
    metadata = {"acquired": acquired.isoformat()} if isinstance(acquired, datetime) else {}
    if isinstance(objective, str) and objective.strip():
        metadata["objective"] = objective.strip()
    return metadata, {name: value for name, value in measures.items() if math.isfinite(value)}


def attempt(thing: object, name: str) -> Any:
    """Return an attribute, None where it cannot be had."""
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def number(value: object) -> float:
    """Return a value that is a number, of anything else NaN."""
    return float(value) if isinstance(value, (int, float, np.integer, np.floating)) else math.nan


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        server = Server(sys.argv[1])
        if sys.argv[1] == "bioio":
            tolerate_missing_pixel_sizes()
        ready = {}
    except ImportError as error:
        ready = {"error": str(error), "missing": True}
    answers.write(json.dumps(ready).encode() + b"\n")
    answers.flush()
    for line in sys.stdin.buffer if not ready else ():
        request = json.loads(line)
        try:
            answer, pixels = getattr(server, request.pop("do"))(**request)
        except OSError as error:
            number = {} if error.errno is None else {"errno": error.errno}
            answer, pixels = {"error": f"{type(error).__name__}: {error}", **number}, b""
        except Exception as error:
            answer, pixels = {"error": f"{type(error).__name__}: {error}"}, b""
        answers.write(json.dumps({**answer, "bytes": len(pixels)}).encode() + b"\n" + pixels)
        answers.flush()


if __name__ == "__main__":
    main()
