"""Diameters decided over a sample of all fields: in a run, in a preview, by another run."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from polars.testing import assert_frame_equal
from rich.console import Console

from flows.config import parse_config
from flows.engine.summary import Summary
from flows.pipeline import PIPELINE
from flows.preprocess import preprocess
from flows.terminal.plan import print_plan
from flows.terminal.preview import write_preview
from tasks.core.errors import ConfigError, UserError
from tasks.segment.model.decision import PublishedDiameters
from tests.running import prepared
from tests.segment.handmade_model import discs, write_model

SIZES = {"A": 12.0, "B": 27.0}


def sections(model: Path, **nucleus: object) -> dict[str, Any]:
    return {
        "load": {"pattern": r"P(?P<plate>[AB])/", "channels": {"DNA": 0}},
        "segment": {"objects": {"nucleus": {"method": "model", "channel": "DNA", "model": str(model), **nucleus}}},
        "features": {"families": ["shape"]},
        "run": {"partition_size": 2},
    }


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "discs.onnx")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write fields of two plates whose nuclei differ in size; one field is empty, one file is no picture."""
    folder = tmp_path_factory.mktemp("plates") / "images"
    for plate, size in SIZES.items():
        (folder / f"P{plate}").mkdir(parents=True)
        for number in range(4):
            image = discs((130, 160), diameter=size, count=0 if number == 3 else 6, seed=number)
            tifffile.imwrite(folder / f"P{plate}" / f"{number}.tif", image)
    (folder / "PA" / "4.tif").write_bytes(b"II*\0 no picture")
    return folder


def run(config: dict[str, Any], images: Path, output: Path, *, scheduler: str) -> Summary:
    own = {**config, "run": {**config["run"], "max_quarantined": 0.5}}
    return preprocess(config=parse_config(own), inputs=[str(images)], output=str(output), cluster=scheduler)


def table(output: Path) -> pl.DataFrame:
    return pl.read_parquet(output / "features" / "part-*.parquet")


@pytest.fixture(scope="module")
def preprocessed(
    scheduler: str, model: Path, images: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Summary]:
    output = tmp_path_factory.mktemp("estimated")
    return output, run(sections(model, group_by="plate"), images, output, scheduler=scheduler)


def diameters(output: Path) -> dict[str, float]:
    text = (output / "statistics" / "diameters.json").read_text(encoding="utf-8")
    (own,) = PublishedDiameters.model_validate_json(text).diameters
    return {group.group["plate"]: group.diameter for group in own.groups}


def test_each_group_has_the_diameter_of_its_objects(preprocessed: tuple[Path, Summary]) -> None:
    output, summary = preprocessed
    assert diameters(output) == {plate: pytest.approx(size, rel=0.06) for plate, size in SIZES.items()}
    real = ~pl.col("meta__image").str.ends_with("3.tif")  # this model takes the noise of an empty field for specks
    areas = table(output).filter(real).group_by("meta__plate").agg(pl.col("nucleus__shape_area").median(), pl.len())
    found = {plate: (2 * (area / 3.14159) ** 0.5, count) for plate, area, count in areas.rows()}
    for plate, size in SIZES.items():
        assert found[plate][0] == pytest.approx(size, rel=0.06)
        assert found[plate][1] >= 9
    assert [(own.step, own.groups) for own in summary.decided] == [("diameter:nucleus", 2)]


def test_a_rerun_estimates_nothing_and_another_model_all(
    preprocessed: tuple[Path, Summary], model: Path, images: Path, scheduler: str, tmp_path: Path
) -> None:
    output = tmp_path / "copy"
    shutil.copytree(preprocessed[0], output)
    moved = tmp_path / "elsewhere.onnx"
    shutil.copy(model, moved)
    again = run(sections(moved, group_by="plate"), images, output, scheduler=scheduler)
    assert (again.stages["diameter"].computed, again.stages["segment"].computed) == (1, 0)  # the file in statistics/
    changed = write_model(tmp_path / "changed.onnx", name="other")
    other = run(sections(changed, group_by="plate"), images, output, scheduler=scheduler)
    assert other.stages["diameter"].computed > 4
    assert other.stages["segment"].cached == 0


def test_another_run_takes_the_diameters_over(
    preprocessed: tuple[Path, Summary], model: Path, images: Path, scheduler: str, tmp_path: Path
) -> None:
    used = sections(model, diameter={"use": str(preprocessed[0])})
    again = run(used, images, tmp_path, scheduler=scheduler)
    assert_frame_equal(table(tmp_path), table(preprocessed[0]), check_exact=True)
    assert again.decided == preprocessed[1].decided
    assert diameters(tmp_path) == diameters(preprocessed[0])

    given = run(sections(model, diameter=12), images, tmp_path, scheduler=scheduler)
    assert given.decided == ()
    assert not (tmp_path / "statistics" / "diameters.json").exists()


def test_a_preview_decides_as_the_run_does_however_few_fields_it_shows(
    preprocessed: tuple[Path, Summary], model: Path, images: Path, tmp_path: Path
) -> None:
    preparation = prepared(sections(model, group_by="plate"), inputs=[images], output=tmp_path)
    text = io.StringIO()
    write_preview(tmp_path / "preview.png", preparation, console=Console(file=text, width=200), count=9)
    for plate, diameter in diameters(preprocessed[0]).items():
        assert f"nucleus of plate {plate}: diameter {diameter:g} px, estimated by the model discs" in text.getvalue()
    text = io.StringIO()
    write_preview(tmp_path / "preview.png", preparation, console=Console(file=text, width=200), count=1)
    (line,) = [line for line in text.getvalue().splitlines() if "estimated" in line]
    plate = line.removeprefix("nucleus of plate ")[0]
    assert f"diameter {diameters(preprocessed[0])[plate]:g} px" in line


def test_a_preview_of_fields_without_objects_says_that_nothing_was_estimated(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "PA"
    folder.mkdir()
    tifffile.imwrite(folder / "flat.tif", np.full((130, 160), 7, dtype=np.uint16))
    text = io.StringIO()
    preparation = prepared(sections(model), inputs=[folder], output=tmp_path / "output")
    write_preview(tmp_path / "preview.png", preparation, console=Console(file=text, width=200), count=1)
    assert "px, taken for want of objects: the model discs sees none of a size that it knows in 1 field;" in (
        text.getvalue()
    )


def test_the_plan_tells_what_is_estimated(model: Path, images: Path, tmp_path: Path) -> None:
    def plan(**nucleus: object) -> str:
        text = io.StringIO()
        preparation = prepared(sections(model, **nucleus), inputs=[images], output=tmp_path, stages=PIPELINE)
        print_plan(Console(file=text, width=300), preparation, stages=PIPELINE, verbose=False)
        return text.getvalue()

    assert "nucleus by discs (CC0-1.0), diameter from up to 50 fields of each plate" in plan(group_by="plate")
    assert "nucleus by discs (CC0-1.0), diameter from up to 50 fields" in plan()
    assert "some to estimate the diameter of nucleus" in plan()
    assert "nucleus by discs (CC0-1.0), diameter 9 px" in plan(diameter=9)
    assert "some to estimate" not in plan(diameter=9)


def test_what_cannot_be_is_told_before_anything_starts(
    preprocessed: tuple[Path, Summary], model: Path, images: Path, tmp_path: Path
) -> None:
    def check(path: Path = model, **nucleus: object) -> None:
        prepared(sections(path, **nucleus), inputs=[images], output=tmp_path, stages=PIPELINE)

    with pytest.raises(ConfigError, match=r"segment.objects.nucleus.model: got '.*neither a model that comes with"):
        check(tmp_path / "gone.onnx")
    (tmp_path / "notes.onnx").write_bytes(b"notes")
    with pytest.raises(ConfigError, match=r"segment.objects.nucleus.model: .*notes.onnx is not an ONNX network"):
        check(tmp_path / "notes.onnx")
    with pytest.raises(ConfigError, match=r"nucleus.group_by: got 'plat', .*did you mean 'plate'"):
        check(group_by="plat")
    with pytest.raises(UserError, match=r"nucleus.diameter.use: there is no diameters.json at"):
        check(diameter={"use": str(tmp_path)})
    content = json.loads((preprocessed[0] / "statistics" / "diameters.json").read_text())
    content["diameters"][0]["groups"].pop()
    path = tmp_path / "diameters.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"has no diameter for 1 of 2 groups by plate: B; set diameter: auto"):
        check(diameter={"use": str(path)})
    content["diameters"][0]["object"] = "cell"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"has no diameter of 'nucleus'; allowed: cell"):
        check(diameter={"use": str(path)})
    path.write_text("{}")
    with pytest.raises(UserError, match=r"is not a list of diameters as this program writes it"):
        check(diameter={"use": str(path)})
