"""Time features, masks and the loader of the published program SCIP 0.1.12, for the benchmarks of the same names.

Run with the Python of `scip_environment.sh`. For every line on standard input, ``<step> <stamps>``, it takes that step
for the first stamps and answers with the processor's seconds. The arguments:

- ``features FILE``, steps are families: ``shapes`` (N, 2), height and width of each stamp; end to end in one row,
  ``pixels`` (C, H, W), ``masks`` (C, H, W) bool and ``combined`` (H, W) bool of each; ``background`` and
  ``combined_background`` (N, C);
- ``masks FILE``, steps are masks, filters, and ``whole``, what follows a mask (border rule, bounding box, combined mask
  and backgrounds): ``pixels`` (N, C, H, W);
- ``reading STORE``, the step is ``read``: a ragged zarr store, read as the pipeline does for a partition.
"""

import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import scip.masking
from scip.features.intensity import intensity_features
from scip.features.raw_intensity import raw_intensity_features
from scip.features.shape import shape_features
from scip.features.texture import texture_features
from scip.loading import zarr as loader

Event = dict[str, Any]
Array = npt.NDArray[Any]
Step = Callable[[int], object]
"""Takes a step for so many stamps."""


def for_each(function: Callable[[Event], object], events: list[Event]) -> Step:
    """Return what measures the first events one by one, after the first was measured once."""
    function(events[0])
    return lambda number: [function(event) for event in events[:number]]


def split(flat: Array, shapes: Array, *, n_channels: int) -> list[Array]:
    """Return an array (channels, H, W) for each stamp."""
    ends = np.cumsum(shapes.prod(axis=1) * n_channels)[:-1]
    return [part.reshape(n_channels, *shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]


def features(path: str) -> dict[str, Step]:
    """Return the families."""
    with np.load(path) as file:
        stamps = {key: file[key] for key in file.files}
    shapes, channels = stamps["shapes"], stamps["background"].shape[1]
    events = [
        {
            "pixels": pixels, "mask": mask, "combined_mask": combined[0],
            "background": background.tolist(), "combined_background": combined_background.tolist(),
        }
        for pixels, mask, combined, background, combined_background in zip(
            split(stamps["pixels"], shapes, n_channels=channels),
            split(stamps["masks"], shapes, n_channels=channels),
            split(stamps["combined"], shapes, n_channels=1),
            stamps["background"], stamps["combined_background"], strict=True,
        )
    ]  # fmt: skip
    families: dict[str, Callable[[Event], object]] = {
        "shape": lambda event: shape_features(mask=event["mask"], combined_mask=event["combined_mask"]),
        "intensity": lambda event: intensity_features(**event),
        "texture": texture_features,
        "raw": lambda event: raw_intensity_features(pixels=event["pixels"]),
    }
    return {name: for_each(function, events) for name, function in families.items()}


def masks(path: str) -> dict[str, Step]:
    """Return the masks, the filters and what follows."""
    with np.load(path) as file:
        stamps = list(file["pixels"])
    channels = len(stamps[0])
    events = scip.masking.compute_filters([{"pixels": stamp} for stamp in stamps], [], -1)

    def masker(module: str, **settings: object) -> Callable[[Event], Event]:
        function = import_module(f"scip.masking.{module}").get_mask
        return lambda event: function(dict(event), **settings)

    def border_rule(event: Event) -> Event:
        uncut = scip.masking.remove_regions_touching_border(dict(event), 0)
        if "mask" in uncut:
            uncut = scip.masking.apply(scip.masking.get_bounding_box(uncut), None)
        return dict(uncut)

    def judge(method: str, settings: dict[str, float] | None) -> Step:
        filters = [{"method": method, "channel_indices": list(range(channels)), "settings": settings}]
        return lambda number: scip.masking.compute_filters([dict(event) for event in events[:number]], filters, -1)

    li = masker("li", smooth=[0.5] * channels)
    return {
        "li": for_each(li, events), "otsu": for_each(masker("otsu"), events),
        "watershed": for_each(masker("watershed", noisy_channels=[]), events),
        "spot": for_each(masker("spot", spotsize=5), events), "circle": for_each(masker("circle"), events),
        "whole": for_each(border_rule, [li(event) for event in events]), "normaltest": judge("normaltest", None),
        "std": judge("std", {"threshold": 20.0}), "value_range": judge("value_range", {"threshold": 100.0}),
    }  # fmt: skip


def reading(path: str) -> dict[str, Step]:
    """Return the loader."""
    events = loader.meta_from_directory(path, r".*").compute(scheduler="synchronous")
    return {"read": lambda number: loader.load_image_partition(events[:number], slice(None))}


def main() -> None:
    """Answer until standard input ends."""
    warnings.simplefilter("ignore")
    steps = {"features": features, "masks": masks, "reading": reading}[sys.argv[1]](sys.argv[2])
    print("ready", flush=True)
    for line in sys.stdin:
        name, number = line.split()
        start = time.process_time()
        steps[name](int(number))
        print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
