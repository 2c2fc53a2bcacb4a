"""``--preview``: a picture with outlines, and what was found."""

import io
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from rich.console import Console

from flows.engine.preparation import Preparation
from flows.terminal.preview import (
    COLOURS,
    DOTS_PER_INCH,
    FIELD_INCHES,
    MOST_CHANNELS,
    STAMP_INCHES,
    TITLE_INCHES,
    write_preview,
)  # fmt: skip
from tasks.core.errors import ConfigError
from tasks.core.types import AnyArray
from tasks.ingest.example import CHANNELS, write_example
from tests.running import prepared

EXAMPLE_CHANNELS = {name: number for number, name in enumerate(CHANNELS)}


def preview(config: dict[str, Any], *, images: Path, count: int = 9) -> tuple[str, AnyArray | None]:
    """Return the text, and the picture (rows, columns, 3)."""
    output = images.parent / "out[1]"
    return draw(prepared(config, inputs=[images], output=output), path=output / "preview.png", count=count)


def draw(preparation: Preparation, *, path: Path, count: int) -> tuple[str, AnyArray | None]:
    text = io.StringIO()
    write_preview(path, preparation, console=Console(file=text, width=200), count=count)
    return text.getvalue(), iio.imread(path)[:, :, :3] if path.exists() else None


def pixels_of(picture: AnyArray, colour: str) -> int:
    wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return int((picture == wanted).all(axis=2).sum())


def size(inches: float, *, rows: int, columns: int) -> tuple[int, int]:
    return round((inches + TITLE_INCHES) * rows * DOTS_PER_INCH), round(inches * columns * DOTS_PER_INCH)


def stamp(level: int) -> AnyArray:
    image = np.random.default_rng(level).integers(90, 110, (2, 40, 44)).astype(np.uint16)
    image[:, 12:28, 13:29] += np.uint16(level)
    return image


@pytest.fixture
def stamps(tmp_path: Path) -> Path:
    """Three stamps, one of which is empty, and a file that is no picture."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, image in enumerate([stamp(500), stamp(900), 0 * stamp(1)]):
        tifffile.imwrite(folder / f"[cell]{number}.tif", image, photometric="minisblack")
    (folder / "[broken].tif").write_bytes(b"II*\0 no picture")
    return folder


STAMPS = {
    "load": {"reader": "multiframe_tiff", "channels": {"BF": 0, "PI": 1}},
    "mask": {"methods": ["li", "circle"], "main_channel": "BF"},
}


def test_stamps_are_drawn_a_row_each_with_an_outline_per_mask(stamps: Path) -> None:
    text, picture = preview(STAMPS, images=stamps)
    assert picture is not None
    assert picture.shape[:2] == size(STAMP_INCHES, rows=3, columns=2)
    lines = [line for line in text.splitlines() if "images/" in line]
    assert [" ".join(line.split()) for line in lines] == [
        f"images/[broken].tif {lines[0].split(maxsplit=1)[1].strip()}",
        "images/[cell]0.tif 40 44 li: kept, circle: kept",
        "images/[cell]1.tif 40 44 li: kept, circle: kept",
        "images/[cell]2.tif 40 44 li: rejected (no_object), circle: rejected (no_object)",
    ]
    assert "quarantined: " in lines[0]
    assert f"outlines: li {COLOURS[0]}, circle {COLOURS[1]}" in text
    assert "out[1]/preview.png" in text
    assert pixels_of(picture, COLOURS[0]) > 100
    assert pixels_of(picture, COLOURS[1]) > 100
    assert pixels_of(picture, COLOURS[2]) == 0


def test_a_mask_more_is_an_outline_more(stamps: Path) -> None:
    config: dict[str, Any] = {**STAMPS, "mask": {"methods": ["li"], "main_channel": "BF"}}
    _, alone = preview(config, images=stamps)
    assert alone is not None
    assert pixels_of(alone, COLOURS[1]) == 0
    three = {"li": "li", "disc": "circle", "wide": {"method": "li", "sigma": 3}}
    _, several = preview({**config, "mask": {"methods": three, "main_channel": "BF"}}, images=stamps)
    assert several is not None
    assert all(pixels_of(several, colour) > 50 for colour in COLOURS[:3])


def test_fewer_images_are_a_smaller_picture_of_the_same_choice_every_time(stamps: Path) -> None:
    (stamps / "[broken].tif").unlink()
    first, picture = preview(STAMPS, images=stamps, count=2)
    second, _ = preview(STAMPS, images=stamps, count=2)
    assert picture is not None
    assert picture.shape[:2] == size(STAMP_INCHES, rows=2, columns=2)
    assert first == second
    other, _ = preview({**STAMPS, "run": {"seed": 2}}, images=stamps, count=2)
    assert other != first


def test_the_channels_in_which_the_cell_is_looked_for_are_drawn_even_where_not_all_fit(tmp_path: Path) -> None:
    write_example(tmp_path, count=1).rename(tmp_path / "images")
    config = {"load": {"channels": EXAMPLE_CHANNELS}, "mask": {"methods": "circle", "main_channel": CHANNELS[-1]}}
    _, last = preview(config, images=tmp_path / "images")
    _, first = preview(
        {**config, "mask": {"methods": "circle", "main_channel": CHANNELS[0]}}, images=tmp_path / "images"
    )
    assert last is not None
    assert first is not None
    assert last.shape[:2] == first.shape[:2] == size(STAMP_INCHES, rows=1, columns=MOST_CHANNELS)
    width = int(STAMP_INCHES * DOTS_PER_INCH)
    assert np.array_equal(first[:, : width * 6], last[:, : width * 6])
    assert not np.array_equal(first[:, -width:], last[:, -width:])


def test_where_nothing_can_be_read_there_is_no_picture(stamps: Path) -> None:
    preparation = prepared(STAMPS, inputs=[stamps], output=stamps.parent)
    for path in stamps.iterdir():
        path.write_bytes(b"II*\0 no picture")
    text, picture = draw(preparation, path=stamps.parent / "preview.png", count=5)
    assert text.count("quarantined: ") == 4
    assert picture is None


def test_fields_are_drawn_with_an_outline_per_object_and_counted(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:100, :120]
    image = np.random.default_rng(0).normal(100, 3, (2, 100, 120))
    for row, column in [(25, 30), (30, 80), (70, 60), (99, 20)]:
        image[0] += 600 * (np.hypot(rows - row, columns - column) < 6)
        image[1] += 400 * (np.hypot(rows - row, columns - column) < 13)
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "field.tif", image.astype(np.uint16), photometric="minisblack")
    config = {
        "load": {"channels": {"DNA": 0, "RNA": 1}},
        "segment": {
            "objects": {
                "nucleus": {"method": "watershed", "channel": "DNA", "diameter": 12},
                "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"},
            }
        },
    }
    text, picture = preview(config, images=tmp_path / "images")
    assert picture is not None
    assert picture.shape[:2] == size(FIELD_INCHES, rows=1, columns=2)
    assert "3 nucleus, 3 cell, 1 left out at the border" in text
    assert f"nucleus {COLOURS[0]}, cell {COLOURS[1]}" in text
    assert pixels_of(picture, COLOURS[0]) > 200
    assert pixels_of(picture, COLOURS[1]) > 200


def test_a_method_that_cannot_be_loaded_stops_the_preview_as_it_stops_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    (package / "halves-1.dist-info").mkdir(parents=True)
    (package / "halves.py").write_text("def halves(image, *, level):\n    return (image[0] > level).astype(int)\n")
    (package / "halves-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: halves\nVersion: 1\n")
    points = "[scip_flows.segment_callable]\nhalves = halves:halves\n"
    (package / "halves-1.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(package))
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "one.tif", stamp(500)[0])

    def config(**parameters: int) -> dict[str, Any]:
        own = {"method": "callable", "function": "halves", "parameters": parameters}
        return {"load": {"channels": {"DNA": 0}}, "segment": {"objects": {"cell": own}}}

    text, _ = preview(config(level=300), images=tmp_path / "images")
    assert "1 cell" in text
    with pytest.raises(
        ConfigError, match=r"cell\.parameters: .* does not take them: missing a required argument: 'level'"
    ):
        preview(config(levle=300), images=tmp_path / "images")
