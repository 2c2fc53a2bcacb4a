"""The plate of the tutorial: what is drawn is what the truth says, and the same seed draws it again."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from tasks.core.errors import InputError
from tasks.ingest import example_plate
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.example_field import OFFSET, SIDE, Field, State, draw_field
from tasks.ingest.example_plate import plan_fields, write_plate
from tasks.ingest.index import build_index
from tasks.ingest.load import load_images

PATTERN = r"(?P<well>[A-H]\d+)_s(?P<site>\d+)_(?P<channel>\w+)\.tif"


def field(state: State = "normal", *, seed: int = 0, phases: tuple[float, float, float] = (0.5, 0.4, 0.1)) -> Field:
    return draw_field(cells=30, phases=phases, state=state, rng=np.random.default_rng(seed))


def test_a_field_has_its_nuclei_where_the_truth_says() -> None:
    drawn = field()
    dna = ndimage.gaussian_filter(drawn.pixels[0].astype(float), 2)
    assert drawn.pixels.shape == (2, SIDE, SIDE)
    assert drawn.pixels.dtype == np.uint16
    assert len(drawn.nuclei) > 10
    at = np.array([dna[int(nucleus.row), int(nucleus.column)] for nucleus in drawn.nuclei])
    assert (at > 4 * np.median(dna)).all()
    area = {phase: np.mean([one.area for one in drawn.nuclei if one.phase == phase]) for phase in ("G1", "G2", "M")}
    assert 2 * area["M"] < area["G2"]
    assert 1.2 * area["G1"] < area["G2"]


def test_blurred_and_empty_fields_are_what_they_are_called() -> None:
    sharp, blurred, empty = (field(state).pixels[0].astype(float) for state in ("normal", "blurred", "empty"))
    edges = {name: ndimage.laplace(pixels).var() for name, pixels in (("sharp", sharp), ("blurred", blurred))}
    assert edges["blurred"] < 0.5 * edges["sharp"]
    assert blurred.sum() == pytest.approx(sharp.sum(), rel=0.1)
    assert field("empty").nuclei == ()
    assert OFFSET < np.median(empty) < np.median(sharp)


def test_the_light_is_uneven_and_the_same_in_every_field() -> None:
    corner, middle = slice(0, 60), slice(200, 260)
    for seed in range(2):
        pixels = field("empty", seed=seed).pixels.astype(float) - OFFSET
        for plane in pixels:
            assert np.median(plane[corner, corner]) < 0.85 * np.median(plane[middle, middle])


def test_a_plate_is_written_once_and_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_plate, "SITES", 1)
    fields = write_plate(tmp_path / "plate", seed=3)
    write_plate(tmp_path / "again", seed=3)
    first, again = (
        {path.name: hashlib.sha256(path.read_bytes()).digest() for path in (tmp_path / name).iterdir()}
        for name in ("plate", "again")
    )
    assert first == again
    assert len(first) == 6 * 2 + 2
    with pytest.raises(InputError, match="not empty; give a folder that is new"):
        write_plate(tmp_path / "plate", seed=3)

    config = Load.model_validate({"pattern": PATTERN, "channels": {"DNA": "DNA", "actin": "actin"}})
    index = build_index([tmp_path / "plate"], config=config)
    assert [reference.metadata["well"] for reference in index.references] == ["B02", "B03", "B04", "C02", "C03", "C04"]
    channels, _ = resolve_channels(index.references, config=config)
    loaded = load_images(index.references, channels=channels, limits=config.limits)
    (damaged,) = [planned.name for planned in fields if planned.damaged]
    assert [damaged in fault.image for fault in loaded.faults] == [True]
    with (tmp_path / "plate" / "truth.csv").open(encoding="utf-8") as file:
        drawn_in = {row["field"] for row in csv.DictReader(file)}
    (empty,) = [planned.name for planned in fields if planned.state == "empty"]
    assert drawn_in == {planned.name for planned in fields} - {empty}
    assert tifffile.imread(tmp_path / "plate" / f"{empty}_DNA.tif").shape == (SIDE, SIDE)


@pytest.mark.parametrize("seed", range(5))
def test_one_field_each_is_blurred_empty_and_damaged(seed: int) -> None:
    fields = plan_fields(seed=seed)
    assert len({planned.name for planned in fields}) == len(fields) == 24
    assert sorted(planned.state for planned in fields) == ["blurred", "empty", *["normal"] * 22]
    assert [planned.state for planned in fields if planned.damaged] == ["normal"]
