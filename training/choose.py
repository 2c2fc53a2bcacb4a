"""Choose how objects are made of a model's maps, on the fields that the network was trained on.

    python -m training.choose tasks/segment/models/nucleus.onnx --data ../shared/data/seg_dsb2018_train

Runs in the program's own environment; the best line goes into `training.export.INSTANCES`.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.instance_scores import Score, pooled, score
from benchmarks.nuclei_fields import DATA_SETS
from tasks.segment.model.instances import instances
from tasks.segment.model.maps import field_maps
from tasks.segment.model.network import find_network, open_network

PERCENTS = (50, 70, 90)
FOREGROUND = (0.45, 0.5, 0.55, 0.6, 0.65)
DROP = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
BOUNDARY = (0.0, 0.25, 0.5)

Choice = tuple[float, float, float]


def main() -> None:
    """Print pooled F1 of the best choices, the mean over three overlaps first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fields", type=int, default=90, help="drawn from those trained on")
    options = parser.parse_args()
    network = open_network(find_network(options.model))
    fields = list(DATA_SETS["training"].read(options.data))
    drawn = np.random.default_rng(0).choice(len(fields), size=min(options.fields, len(fields)), replace=False)
    scores: dict[Choice, list[Score]] = {choice: [] for choice in product(FOREGROUND, DROP, BOUNDARY)}
    for field in (fields[k] for k in sorted(drawn)):
        areas = np.bincount(field.truth.ravel())[1:]
        diameter = float(np.median(np.sqrt(4 * areas[areas > 0] / np.pi)))
        maps = field_maps(field.image[0], network=network, diameter=diameter)
        if maps is None:
            continue
        for (foreground, drop, boundary), own in scores.items():
            labels = instances(
                maps,
                foreground_threshold=foreground,
                peak_drop=drop,
                boundary_weight=boundary,
                min_diameter=diameter / 4,
            )
            own.append(score(field.truth, labels))
    totals = {choice: [pooled(own).f1(percent) for percent in PERCENTS] for choice, own in scores.items()}
    print("foreground_threshold peak_drop boundary_weight: F1 at", *(f"0.{percent}" for percent in PERCENTS))
    for choice, values in sorted(totals.items(), key=lambda item: -float(np.mean(item[1])))[:12]:
        print(*choice, *(f"{value:.4f}" for value in values), f"mean {np.mean(values):.4f}")


if __name__ == "__main__":
    main()
