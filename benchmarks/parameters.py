"""Draw what segmentation does to real fields: docs/watershed.png, docs/seeded_watershed.png, docs/segmentation.png.

    python benchmarks/parameters.py [--data FOLDER] [--output FOLDER] [--model FILE]

The first two: a row per parameter, at a low, the default and a high value (of max_distance the default last), all
others at their defaults. The third: a row per field of the validation split of seg_dsb2018_train, outlined by people,
by `watershed` with one setting for all, and by `model`. The images: nuclei of BBBC038 (Data Science Bowl 2018, CC0),
cells of CytoDataFrame's NF1 (BSD-3-Clause).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.nuclei_fields import DATA_SETS, DSB2018
from benchmarks.programs import parsed
from tasks.core.types import AnyArray, LabelArray
from tasks.segment import SeededWatershed, Segment, Watershed, seeded_watershed, segment_image, watershed

OUTLINE = (1.0, 0.85, 0.1)

NUCLEI = "seg_dsb2018/images/78a981bd27ba0c65.tif"
NUCLEI_CROP = np.s_[0:100, 0:125]
OF_NUCLEI = {
    "threshold_correction": (0.5, 1.0, 2.0), "local_contrast": (0.0, 0.8, 1.2), "rim": (0.0, 0.3, 0.6),
    "neck": (0.8, 0.93, 0.99),
}  # fmt: skip
CELLS = "hcs_nf1/images/B7_01_{}_3_{}_001.tif"
CELLS_CROP = np.s_[300:620, 400:800]
OF_CELLS = {
    "threshold_correction": (0.5, 1.0, 2.0), "stiffness": (0.001, 0.1, 10.0), "max_distance": (10.0, 40.0, None),
}  # fmt: skip

COMPARED = {
    "c3bec1066aae20f4": np.s_[40:165, 60:216], "07fb37aafa662660": np.s_[200:360, 250:450],
    "84e642d75ae6ece8": np.s_[0:125, 50:206], "4ee5850b63549794": np.s_[150:350, 200:450],
}  # fmt: skip
"""Fields and the part of each that is drawn: dense tissue, a dense culture, dim and bright ones, large ones."""

Values = Mapping[str, Sequence[float | None]]
Crop = tuple[slice, slice]


def find_nuclei(image: AnyArray, *, diameter: float, **parameters: float | None) -> LabelArray:
    """Find nuclei in one channel (H, W)."""
    config = Watershed.model_validate({"name": "nucleus", "channel": "DNA", "diameter": diameter, **parameters})
    return watershed(image[np.newaxis], labels={}, config=config, channels=["DNA"])


def find_cells(image: AnyArray, *, nuclei: LabelArray, **parameters: float | None) -> LabelArray:
    """Grow cells from nuclei in one channel (H, W)."""
    config = SeededWatershed.model_validate({"name": "cell", "channel": "actin", "seeds": "nucleus", **parameters})
    return seeded_watershed(image[np.newaxis], labels={"nucleus": nuclei}, config=config, channels=["actin"])


def draw(path: Path, image: AnyArray, *, values: Values, find: Callable[..., LabelArray], crop: Crop) -> None:
    """Draw a row of outlines per parameter."""
    figure = Figure(figsize=(7.2, 2.05 * len(values)), layout="constrained")
    low, high = np.quantile(image[crop], [0.01, 0.99])
    grey = np.clip((image[crop] - low) / (high - low), 0, 1) ** 0.6
    for row, (name, tried) in zip(figure.subplots(len(values), 3), values.items(), strict=True):
        for axis, value in zip(row, tried, strict=True):
            title = f"{name}: {'none' if value is None else f'{value:g}'}"
            outline(axis, grey, labels=find(image, **{name: value})[crop], title=title)
    figure.savefig(path, dpi=75, metadata={"Software": "scip-flows"})


def compare(path: Path, *, data: Path, model: str) -> None:
    """Draw a row of outlines per field: people's, those of `watershed`, and those of `model`."""
    methods = {
        "watershed, one setting": {"method": "watershed", "channel": "DNA", **DSB2018},
        "model": {"method": "model", "channel": "DNA", "model": model},
    }
    data_set = DATA_SETS["validation"]
    fields = {field.name: field for field in data_set.read(data / data_set.folder) if field.name in COMPARED}
    figure = Figure(figsize=(7.2, 2.0 * len(COMPARED)), layout="constrained")
    for row, (name, crop) in zip(figure.subplots(len(COMPARED), 3), COMPARED.items(), strict=True):
        drawn = {"by people": fields[name].truth}
        for title, method in methods.items():
            config = Segment.model_validate({"border": data_set.border, "objects": {"nucleus": method}})
            drawn[title] = segment_image(fields[name].image, channels=["DNA"], config=config).labels["nucleus"]
        low, high = np.quantile(fields[name].image[0][crop], [0.01, 0.995])
        grey = np.clip((fields[name].image[0][crop] - low) / (high - low), 0, 1) ** 0.6
        for axis, (title, labels) in zip(row, drawn.items(), strict=True):
            outline(axis, grey, labels=labels[crop], title=title)
    figure.savefig(path, dpi=65, metadata={"Software": "scip-flows"})


def outline(axis: Axes, grey: AnyArray, *, labels: LabelArray, title: str) -> None:
    """Draw a part of a field and the outlines of its objects."""
    axis.imshow(grey, cmap="gray", interpolation="bilinear")
    for number in np.unique(labels[labels > 0]):
        axis.contour(labels == number, levels=[0.5], colors=[OUTLINE], linewidths=0.9)
    axis.set_title(title, fontsize=8)
    axis.set_axis_off()


def main() -> None:
    """Draw the pictures."""
    options = parsed(
        "Draw what the parameters of the segmentation do.",
        data=(Path("../shared/data"), "folder of the real images"),
        output=(Path("docs"), "folder of the pictures"),
        model=("nucleus", "the model of the method of that name: ours, or an ONNX file"),
    )
    image = tifffile.imread(options.data / NUCLEI)
    find = partial(find_nuclei, diameter=18)
    draw(options.output / "watershed.png", image, values=OF_NUCLEI, find=find, crop=NUCLEI_CROP)
    dna, actin = (tifffile.imread(options.data / CELLS.format(*channel)) for channel in ((1, "DAPI"), (3, "RFP")))
    grow = partial(find_cells, nuclei=find_nuclei(dna, diameter=50))
    draw(options.output / "seeded_watershed.png", actin, values=OF_CELLS, find=grow, crop=CELLS_CROP)
    compare(options.output / "segmentation.png", data=options.data, model=options.model)


if __name__ == "__main__":
    main()
