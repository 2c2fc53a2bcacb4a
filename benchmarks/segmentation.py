"""Judge segmentation by people's outlines, and time it: our engines, plain scikit-image, another checkout's engine.

    python benchmarks/segmentation.py [--on SETS] [--engines NAMES] [--against CHECKOUT] [--model FILE] [--rounds R]

Accuracy: every data set is segmented with one configuration. F1 counts the nuclei of all fields alike (pooled), so that
dense fields weigh most: beside it are the figure without the four fields of most nuclei, and the mean of the fields'
own. AP is TP / (TP + FP + FN), a field's score in the Data Science Bowl 2018, whose 0.50:0.95 mean is the last column.
The validation split is also reported apart for fields that look like a field of the training part, and for the others.

Time: of the processor, per megapixel, on one core; every engine takes its turn in every round. Times are medians,
ratios medians of the rounds' own. The method `model` estimates the diameter from each field, since these fields are
single ones of many acquisitions. `seg_dsb2018` is no default: settings must not be chosen by it.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self, cast

import numpy as np
import tifffile
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage import feature, filters, segmentation

from benchmarks.instance_scores import Score, pooled, score
from benchmarks.nuclei_fields import DATA_SETS, DataSet, NucleiField, looks
from benchmarks.programs import ROOT, machine, parsed, stay_on_one_core
from tasks.core.types import AnyArray, FloatArray, LabelArray

DATA = Path(os.environ.get("SCIP_TEST_DATA", ROOT.parent / "shared" / "data"))
METHODS = ("watershed", "threshold", "model")
HUMAN = DataSet(folder="hcs_examplehuman", read=lambda _: iter(()), classical={"diameter": 14}, border="primary")
SIDE = 2048
DENSE = 4
"""Fields of most nuclei, which are left out of one of the figures: 4 of seg_dsb2018's hold 57 % of its nuclei."""

Segmented = tuple[LabelArray, float]
"""Labels of the nuclei and seconds of the processor."""
Engine = Callable[[AnyArray, DataSet], Segmented]
"""Segments an image (C, H, W), nuclei first."""


class CannotSegmentError(RuntimeError):
    """A checkout lacks a method or a device; the message says which."""


class Checkout:
    """The segmentation of a checkout of this project, in a process of its own.

    Parameters
    ----------
    path
        Where it lies.
    model
        Value of `model` of the method of that name.
    """

    def __init__(self, path: Path, *, model: str = "nucleus") -> None:
        self.model = model
        self._stack = ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="segmentation-")))
        process = self._stack.enter_context(
            subprocess.Popen(
                [sys.executable, ROOT / "benchmarks" / "segmentation_worker.py"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=os.environ | {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
            )
        )  # fmt: skip
        self._orders, self._answers = cast("tuple[IO[str], IO[str]]", (process.stdin, process.stdout))
        self._answer()

    def _answer(self) -> dict[str, Any]:
        if not (line := self._answers.readline()):
            raise RuntimeError("the segmentation has stopped; its error message stands above")
        return cast("dict[str, Any]", json.loads(line))

    def segment(self, image: AnyArray, config: Mapping[str, Any]) -> tuple[LabelArray, float, float]:
        """Segment with a section segment: labels of its first object, seconds of the processor and of the clock.

        Raises
        ------
        CannotSegmentError
            It lacks a method or a device.
        """
        np.save(self._folder / "image.npy", image)
        order: dict[str, Any] = {"image": str(self._folder / "image.npy"), "labels": str(self._folder / "labels.npy")}
        order |= {"channels": [f"c{k}" for k in range(len(image))], "config": dict(config)}
        print(json.dumps(order), file=self._orders, flush=True)
        answer = self._answer()
        if "error" in answer:
            raise CannotSegmentError(answer["error"])
        return np.load(self._folder / "labels.npy"), answer["seconds"], answer["wall"]

    def config(
        self, method: str, *, data_set: DataSet, last: str | None = None, device: str = "auto"
    ) -> dict[str, Any]:
        """Write a section segment; with `last`, cells and cytoplasm are grown in that channel as well."""
        settings = {"watershed": data_set.classical, "model": {"model": self.model}}.get(method, {})
        objects: dict[str, Any] = {"nucleus": {"method": method, "channel": "c0", **settings}}
        if last is not None:
            objects["cell"] = {"method": "seeded_watershed", "channel": last, "seeds": "nucleus"}
            objects["cytoplasm"] = {"method": "subtract", "from": "cell", "remove": "nucleus"}
        return {"border": data_set.border, "device": device, "objects": objects}

    def engine(self, method: str, *, derived: bool = False) -> Engine:
        """Name one of its methods, with cells and cytoplasm or without."""

        def run(image: AnyArray, data_set: DataSet) -> Segmented:
            last = f"c{len(image) - 1}" if derived else None
            return self.segment(image, self.config(method, data_set=data_set, last=last))[:2]

        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def plain(image: AnyArray, data_set: DataSet) -> Segmented:
    """Segment as the tutorials of scikit-image do: Otsu's threshold, and a watershed on the distance to background."""
    start = time.process_time()
    smooth = filters.gaussian(image[0], 1, preserve_range=True)
    mask = smooth > filters.threshold_otsu(smooth)
    distance = ndimage.distance_transform_edt(mask)
    apart = max(round(data_set.classical["diameter"] / 4), 1)
    peaks = feature.peak_local_max(distance, min_distance=apart, exclude_border=False, labels=mask.astype(np.int32))
    markers = np.zeros(mask.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = segmentation.watershed(-distance, markers, mask=mask)
    if data_set.border != "keep":
        labels = segmentation.clear_border(labels)
    return labels, time.process_time() - start


def strata(fields: Sequence[NucleiField], *, name: str) -> dict[str, set[str]]:
    """Name the fields of each row of a data set's table."""
    parts = {"all": {field.name for field in fields}}
    if len(fields) > 2 * DENSE:
        dense = sorted(fields, key=lambda field: -int(field.truth.max()))[:DENSE]
        share = sum(int(field.truth.max()) for field in dense) / sum(int(field.truth.max()) for field in fields)
        parts[f"without {DENSE} with {share:.0%} of the nuclei"] = parts["all"] - {field.name for field in dense}
    if name == "validation":
        training = {field.name: field.image[0] for field in DATA_SETS["training"].read(DATA / "seg_dsb2018_train")}
        group = looks(training | {field.name: field.image[0] for field in fields})
        known = {group[field] for field in training}
        parts["look occurs in training"] = {field for field in parts["all"] if group[field] in known}
        parts["look does not"] = parts["all"] - parts["look occurs in training"]
    return parts


def judge(name: str, *, engines: Mapping[str, Engine]) -> None:
    """Print the tables of a data set: agreement, and kinds of error."""
    data_set = DATA_SETS[name]
    fields = list(data_set.read(DATA / data_set.folder))
    scores: dict[str, dict[str, Score]] = {engine: {} for engine in engines}
    for engine, segment in engines.items():
        for field in fields:
            labels = segment(field.image, data_set)[0]
            predicted = ndimage.label(labels)[0] if data_set.joined else labels
            scores[engine][field.name] = score(field.truth, predicted)
    print(f"\n### {name}\n")
    print("| engine | fields | nuclei | F1 50 % | 70 % | 90 % | mean of fields | AP 50 % | 70 % | 90 % | 50:95 % |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for part, members in strata(fields, name=name).items():
        for engine, by_field in scores.items():
            chosen = [by_field[field] for field in sorted(members)]
            if chosen:
                print(f"| {engine} | {part} ({len(chosen)}) | {' | '.join(figures(chosen))} |")
    print("\n| engine | predicted | merged | split | missed | outline wrong | extra |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for engine, by_field in scores.items():
        total = pooled(list(by_field.values()))
        kinds = (total.merged, total.split, total.missed, total.outline, total.extra)
        print(f"| {engine} | {total.predicted} | {' | '.join(f'{kind / total.true:.1%}' for kind in kinds)} |")


def figures(scores: Sequence[Score]) -> list[str]:
    """Columns of the table: nuclei, pooled F1, the fields' mean F1 at 50 %, and the fields' mean AP."""
    total = pooled(scores)
    values = [total.f1(percent) for percent in (50, 70, 90)]
    values.append(float(np.mean([part.f1(50) for part in scores])))
    values += [float(np.mean([part.average_precision(percent) for part in scores])) for percent in (50, 70, 90)]
    values.append(float(np.mean([part.mean_average_precision for part in scores])))
    return [str(total.true), *(f"{value:.3f}" for value in values)]


def compare_with_cellprofiler(engines: Mapping[str, Engine]) -> None:
    """Print how the nuclei of hcs_examplehuman agree with CellProfiler's table of them, which has no outlines."""
    folder = DATA / HUMAN.folder
    image = np.stack([tifffile.imread(next(folder.glob(f"*d{channel}.tif"))) for channel in (0, 2)])
    sides = tuple(f"BoundingBox{side}" for side in ("Minimum_Y", "Minimum_X", "Maximum_Y", "Maximum_X"))
    table = read_shapes(folder / "Nuclei.csv", "Center_Y", "Center_X", "Area", *sides)
    print(f"\n### hcs_examplehuman, {len(table)} nuclei of CellProfiler\n")
    print("| engine | nuclei | matched within 3 px | median ratio of areas | mean overlap of boxes |")
    print("|---|---:|---:|---:|---:|")
    for engine, segment in engines.items():
        labels = segment(image, HUMAN)[0]
        numbers = np.unique(labels[labels > 0])
        centers = np.array(ndimage.center_of_mass(labels > 0, labels, numbers))
        distance, near = cKDTree(centers).query(table[:, :2])
        back = cKDTree(table[:, :2]).query(centers)[1]
        rows = np.flatnonzero((distance < 3) & (back[near] == np.arange(len(table))))
        matched = numbers[near[rows]]
        slices = ndimage.find_objects(labels)
        corners = [[[side.start for side in slices[k - 1]], [side.stop for side in slices[k - 1]]] for k in matched]
        ratio = np.median(np.bincount(labels.ravel())[matched] / table[rows, 2])
        overlap = np.mean(overlap_of_boxes(np.reshape(corners, (-1, 4)), table[rows, 3:]))
        print(f"| {engine} | {len(numbers)} | {len(rows)} | {ratio:.2f} | {overlap:.3f} |")


def read_shapes(path: Path, *keys: str) -> FloatArray:
    """Read columns AreaShape_… of a table of CellProfiler's, (objects, keys)."""
    with path.open() as file:
        return np.array([[float(row[f"AreaShape_{key}"]) for key in keys] for row in csv.DictReader(file)])


def overlap_of_boxes(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """(N,) intersection over union of boxes (N, 4): lowest row and column, and the ones after the highest."""
    shared = np.maximum(np.minimum(ours[:, 2:], theirs[:, 2:]) - np.maximum(ours[:, :2], theirs[:, :2]), 0).prod(1)
    sizes = [(box[:, 2:] - box[:, :2]).prod(1) for box in (ours, theirs)]
    return np.asarray(shared / (sizes[0] + sizes[1] - shared))


def time_all(name: str, *, engines: Mapping[str, Engine], rounds: int) -> None:
    """Print seconds per megapixel of a data set's fields, and ratios to the first engine."""
    data_set = DATA_SETS[name]
    fields = list(data_set.read(DATA / data_set.folder))
    pixels = sum(field.truth.size for field in fields)
    times: dict[str, list[float]] = defaultdict(list)
    for segment in engines.values():
        segment(fields[0].image, data_set)  # compiles and loads
    for _ in range(rounds):
        for engine, segment in engines.items():
            times[engine].append(1e6 * sum(segment(field.image, data_set)[1] for field in fields) / pixels)
    first = next(iter(engines))
    print(f"\n{name}, {pixels / 1e6:.1f} megapixels, {fields[0].image.dtype}, {rounds} rounds\n")
    print(f"| engine | s per megapixel | by that of {first} |\n|---|---:|---:|")
    for engine, seconds in times.items():
        ratio = np.median(np.divide(seconds, times[first]))
        print(f"| {engine} | {np.median(seconds):.3f} | {ratio:.2f} |", flush=True)


def time_on_gpu(ours: Checkout, *, rounds: int) -> None:
    """Print how much faster a GPU is than one core of the same machine, transfers included, or that this is open."""
    data_set = DATA_SETS["hcs_nf1"]
    well = next(iter(data_set.read(DATA / data_set.folder))).image
    field = np.tile(well, (1, 3, 2))[:, :SIDE, :SIDE]
    print(f"\na field of {SIDE}² pixels, uint16: seconds of one core, of the GPU by the clock, ratio\n")
    for title, method, last in (("nucleus", "watershed", None), ("nucleus, cell and cytoplasm", "watershed", "c2")):
        configs = [ours.config(method, data_set=data_set, last=last, device=device) for device in ("gpu", "cpu")]
        try:
            ours.segment(field, configs[0])
        except CannotSegmentError as error:
            print(f"{title}: open, since this was measured where there is no GPU to use ({str(error).splitlines()[0]})")
            continue
        times = np.array([
            (ours.segment(field, configs[1])[1], ours.segment(field, configs[0])[2]) for _ in range(rounds)
        ])  # fmt: skip
        core, gpu = np.median(times, axis=0)
        print(f"{title}: {core:.2f}, {gpu:.4f}, {np.median(times[:, 0] / times[:, 1]):.0f}", flush=True)


def main() -> None:
    """Judge and time the engines."""
    options = parsed(
        "Judge and time the segmentation of nuclei.",
        on=(
            ["validation", "seg_stardist2d", "hcs_nf1", "hcs_examplehuman"],
            "data sets that agreement is measured on",
            *DATA_SETS,
            "hcs_examplehuman",
        ),
        engines=(
            ["plain", "watershed", "threshold", "model"],
            "our methods, and plain scikit-image",
            "plain",
            *METHODS,
        ),
        against=("", "another checkout of this project, whose watershed is judged and timed beside"),
        model=("nucleus", "the model of the method of that name: ours, or an ONNX file"),
        rounds=(5, "of the time, of which the medians count; 0: none"),
    )
    stay_on_one_core()
    print(machine("numpy", "numba", "scipy", "scikit-image"))
    with Checkout(ROOT, model=options.model) as ours, ExitStack() as stack:
        engines: dict[str, Engine] = {"plain scikit-image": plain} if "plain" in options.engines else {}
        derived: dict[str, Engine] = {}
        if options.against:
            other = stack.enter_context(Checkout(Path(options.against).resolve()))
            engines["watershed, before"] = other.engine("watershed")
            derived["with cell and cytoplasm, before"] = other.engine("watershed", derived=True)
        engines |= {method: ours.engine(method) for method in METHODS if method in options.engines}
        if "watershed" in options.engines:
            derived["with cell and cytoplasm"] = ours.engine("watershed", derived=True)
        for name in options.on:
            if name in DATA_SETS:
                judge(name, engines=engines)
            else:
                compare_with_cellprofiler(engines)
        if options.rounds:
            print("\n## Time")
            time_all("hcs_nf1", engines=engines | derived, rounds=options.rounds)
            time_all("validation", engines=engines, rounds=options.rounds)
            time_on_gpu(ours, rounds=options.rounds)


if __name__ == "__main__":
    main()
