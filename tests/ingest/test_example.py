"""The example data set."""

import csv
import hashlib
import json
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.example import CELL_TYPES, CHANNELS, PATTERN, plan_cells, write_example
from tasks.ingest.index import build_index


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def truth(folder: Path) -> list[dict[str, str]]:
    with (folder / "example_truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    started = time.process_time()
    write_example(folder, count=300, seed=0)
    assert time.process_time() - started < 15  # 3 s on a machine that does nothing else
    return folder


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        write_example(tmp_path / name, count=12, seed=seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    changed = set(contents(tmp_path / "a").values()) & set(contents(tmp_path / "c").values())
    assert changed == set()


def test_a_complete_set_is_left_as_it_is(tmp_path: Path) -> None:
    folder = write_example(tmp_path, count=6)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert write_example(tmp_path, count=6) == folder
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times


def test_an_interrupted_set_is_made_good_and_whole_files_are_kept(tmp_path: Path) -> None:
    folder = write_example(tmp_path, count=6)
    before = contents(tmp_path)
    first, second, *_ = sorted(folder.rglob("*.tif"))
    written = second.stat().st_mtime_ns
    first.unlink()
    (tmp_path / "example_truth.csv").unlink()
    record = json.loads((tmp_path / "example.json").read_text())
    (tmp_path / "example.json").write_text(json.dumps({**record, "complete": False}))
    write_example(tmp_path, count=6)
    assert contents(tmp_path) == before
    assert second.stat().st_mtime_ns == written


def test_another_count_or_seed_replaces_own_files_only(tmp_path: Path) -> None:
    folder = write_example(tmp_path, count=9, seed=1)
    mine = folder / CELL_TYPES[0] / "mine.txt"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("not to be deleted")
    write_example(tmp_path, count=5, seed=2)
    assert len(list(folder.rglob("*.tif"))) == 5
    assert mine.read_text() == "not to be deleted"


def test_the_pipeline_reads_it(example: Path) -> None:
    config = Load.model_validate(
        {"pattern": PATTERN, "channels": {name: position for position, name in enumerate(CHANNELS)}}
    )
    index = build_index([example / "example"], config=config)
    assert (len(index.references), index.left_out.by_reason, index.faults) == (300, {}, ())
    assert {reference.metadata["cell_type"] for reference in index.references} == set(CELL_TYPES)
    assert re.fullmatch(r"example/granulocyte/cell_\d{4}\.tif", index.references[0].image)
    channels, probe = resolve_channels(index.references, config=config)
    assert channels.names == CHANNELS
    assert probe.dtype == "uint16"
    assert 48 <= min(probe.shape[1:]) <= max(probe.shape[1:]) <= 64
    assert {row["image"] for row in truth(example)} == {reference.image for reference in index.references}


def test_its_parts_are_as_planned(example: Path) -> None:
    rows = truth(example)
    states = Counter(row["state"] for row in rows)
    assert states == {"normal": 237, "dim": 24, "blurred": 24, "border": 9, "empty": 6}
    types = Counter(row["cell_type"] for row in rows)
    for cell_type, part in zip(CELL_TYPES, (0.5, 0.2, 0.3), strict=True):
        assert types[cell_type] == pytest.approx(300 * part, abs=35)
    assert {state for _, (_, state) in plan_cells(count=25, seed=3)} == {"normal", "dim", "blurred", "border", "empty"}
    assert len(plan_cells(count=1, seed=0)) == 1


def test_pixels_tell_what_the_truth_says(example: Path) -> None:
    """Dim stamps are dim, blurred ones smooth, empty ones empty, and types differ in their stains and granules."""
    signal: dict[tuple[str, str], list[np.ndarray]] = {}
    edges: dict[str, list[float]] = {}
    for row in truth(example):
        pixels = tifffile.imread(example / row["image"]).astype(float)
        assert pixels.shape[0] == len(CHANNELS)
        assert pixels.max() <= 4095
        total = (pixels - np.median(pixels[:, :3], axis=(1, 2))[:, None, None]).sum(axis=(1, 2))
        signal.setdefault((row["cell_type"], row["state"]), []).append(total)
        edges.setdefault(row["state"], []).append(float(np.abs(np.diff(pixels[0], 2)).max()))
    mean = {key: dict(zip(CHANNELS, np.mean(values, axis=0), strict=True)) for key, values in signal.items()}
    normal = {cell_type: mean[cell_type, "normal"] for cell_type in CELL_TYPES}
    for channel, brightest in {"CD3": 0, "CD14": 1, "HLADR": 1, "CD66b": 2, "CD16": 2, "SSC": 2}.items():
        others = [normal[other_type][channel] for other_type in CELL_TYPES if other_type != CELL_TYPES[brightest]]
        assert normal[CELL_TYPES[brightest]][channel] > 2 * max(others), channel
    for cell_type in CELL_TYPES:
        assert mean[cell_type, "dim"]["DNA"] == pytest.approx(0.3 * normal[cell_type]["DNA"], rel=0.1)
        assert abs(mean[cell_type, "empty"]["DNA"]) < 0.03 * normal[cell_type]["DNA"]
        assert mean[cell_type, "border"]["DNA"] < 0.95 * normal[cell_type]["DNA"]
    assert np.median(edges["blurred"]) < 0.5 * np.median(edges["normal"])


def test_a_count_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one stamp, got 0"):
        write_example(tmp_path, count=0)
