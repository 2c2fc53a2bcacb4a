"""Pictures of real cells and fields: outlines on the borders of masks, grey values in the stated range, few bytes."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from PIL import Image

from tasks.core.partition_files import read_objects
from tasks.core.types import AnyArray, BoolArray
from tasks.report.display import REJECTED_COLOUR, TILE, View, decide_display, reduction_of
from tasks.report.material import (
    ChannelRange,
    Display,
    read_cell_pictures,
    read_display,
    read_field_pictures,
    read_illumination_pictures,
)
from tasks.report.outlines import dashed, label_outlines, mask_outline
from tasks.report.pictures import composite, encoded, gray, reduced, rgb, shading, strip
from tasks.report.sample import draw_sample
from tasks.report.task import ImagesOf, Shading, choose_display, draw_partition
from tests.report.conftest import PublishedRun
from tests.running import Run

YELLOW = "#ffd400"


@pytest.fixture(scope="module")
def labels(human: Run) -> AnyArray:
    return read_objects(Path(human.cells[0].folder), position=0, names=["nucleus"])["nucleus"]


def shifted(mask: BoolArray) -> list[BoolArray]:
    """Move a mask by a pixel to each side."""
    padded = np.pad(mask, 1)
    return [padded[2:, 1:-1], padded[:-2, 1:-1], padded[1:-1, 2:], padded[1:-1, :-2]]


def test_the_outline_of_a_mask_is_all_pixels_outside_that_touch_it(labels: AnyArray) -> None:
    for number in (1, 7, 50):
        mask = labels == number
        expected = np.logical_or.reduce(shifted(mask)) & ~mask
        assert expected.sum() > 20
        np.testing.assert_array_equal(mask_outline(mask), expected)


def test_outlines_of_a_field_are_rims_of_objects_and_keep_touching_ones_apart(labels: AnyArray) -> None:
    outlines = label_outlines(labels)
    assert (labels[outlines] > 0).all()
    touching = 0
    for number in range(1, 40):
        inside = (labels == number) & ~outlines
        for moved in shifted(inside):
            assert np.isin(labels[moved], [number]).all()
        touching += (np.logical_or.reduce(shifted(labels == number)) & (labels > 0) & (labels != number)).any()
    assert touching
    assert 0.3 < dashed(outlines).sum() / outlines.sum() < 0.7


def test_gray_values_are_cut_off_at_black_and_white() -> None:
    plane = np.array([[0, 10, 20, 30, 40, np.nan]])
    assert gray(plane, low=10, high=30).tolist() == [[0, 0, 128, 255, 255, 0]]
    assert gray(np.full((1, 2), 5), low=5, high=5).tolist() == [[0, 0]]


def test_blocks_are_averaged_also_where_the_image_ends() -> None:
    image = np.arange(15, dtype=np.uint16).reshape(1, 3, 5)
    expected = [[[3.0, 5.0, 6.5], [10.5, 12.5, 14.0]]]
    assert reduced(image, reduction=2).tolist() == expected
    assert reduced(image, reduction=1).tolist() == image.tolist()


def test_a_strip_shows_each_channel_with_the_outline_of_its_own_mask(data_root: Path) -> None:
    image = tifffile.imread(min((data_root / "ifc_jurkat_cellcycle" / "images" / "G1").iterdir()))
    masks = np.stack([plane > np.quantile(plane, 0.8) for plane in image])
    ranges = [ChannelRange(name=str(number), low=0, high=1000) for number in range(3)]
    picture = strip(image, ranges=ranges, masks={"li": masks}, colours={"li": YELLOW})
    height, width = image.shape[1:]
    assert picture.shape == (height, 3 * width + 2, 3)
    for channel in range(3):
        tile = picture[:, channel * (width + 1) :][:, :width]
        outline = mask_outline(masks[channel])
        np.testing.assert_array_equal((tile == rgb(YELLOW)).all(axis=2), outline)
        np.testing.assert_array_equal(tile[~outline][:, 0], gray(image[channel], low=0, high=1000)[~outline])


def test_channels_of_a_composite_add_up_in_their_colours() -> None:
    ranges = [
        ChannelRange(name=name, low=0, high=100, colour=colour)
        for name, colour in (("a", "#ff0000"), ("b", "#00ff00"), ("c", "#ff0000"))
    ]
    image = np.array([[[100, 50]], [[0, 100]], [[100, 0]]])
    assert composite(image, ranges=ranges).tolist() == [[[255, 0, 0], [128, 255, 0]]]


def test_a_picture_is_encoded_in_as_few_bytes_as_asked() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    well, small = encoded(noise), encoded(noise, most_bytes=2000)
    assert len(small) <= 2000 < len(well)
    decoded = np.asarray(Image.open(io.BytesIO(well)).convert("RGB"))
    assert decoded.shape == noise.shape
    assert Image.open(io.BytesIO(well)).format == "WEBP"


def test_a_shading_goes_from_black_to_white() -> None:
    plane = np.linspace(0.5, 1.5, 256).reshape(1, 256)
    assert shading(plane)[0, [0, -1], 0].tolist() == [0, 255]


@pytest.mark.parametrize(("side", "reduction"), [(1, 1), (TILE, 1), (TILE + 1, 2), (10 * TILE, 10)])
def test_cells_are_reduced_to_a_tile(side: int, reduction: int) -> None:
    assert reduction_of(side) == reduction


def test_black_and_white_are_quantiles_over_all_images() -> None:
    images = [np.full((8, 10, 10), 5.0), np.full((8, 10, 10), np.nan), np.full((8, 10, 10), 9.0)]
    channels = [f"c{number}" for number in range(8)]
    view = View(channels=("c7", *channels[:7]), outlined=("nucleus", "cell"))
    display = decide_display(images, view=view, channels=channels, stamps=False, reduction=1)
    assert [channel.name for channel in display.channels] == ["c0", "c1", "c2", "c3", "c4", "c7"]
    assert display.hidden == ("c5", "c6")
    assert [channel.name for channel in display.composite] == ["c7", "c0", "c1"]
    assert {(channel.low, channel.high) for channel in display.channels} == {(5.0, 9.0)}
    assert list(display.outlines) == ["nucleus", "cell", "left out"]
    assert "3 sampled fields" in display.rule


def draw(run: Run, *, kept: int = 30, shadings: list[Shading] | None = None) -> list[Path]:
    """Make all material of a run; return its folders."""
    sample = draw_sample(run.work.parent, layout=run.layout, kept=kept, seed=0)
    images = [
        ImagesOf(partition=run.partitions[number], names=names)
        for number, names in sample.images_for_display(100).items()
    ]
    view = View(channels=run.layout.channels, outlined=run.layout.regions[:2])
    display = run.do(
        choose_display, images=images, source=run.source, view=view, side=sample.side, shadings=shadings or []
    )
    given: dict[str, Any] = {"display": display, "source": run.source, "most_bytes": 4000}
    pictures = [
        run.do(
            draw_partition,
            partition=run.partitions[part.partition],
            cells=run.cells[part.partition],
            shown=part.cells,
            fields=part.fields,
            **given,
        )
        for part in sample.parts
    ]
    return [Path(result.folder) for result in (display, *pictures)]


def display_of(folders: list[Path]) -> Display:
    display = read_display(folders)
    assert display is not None
    return display


def decoded(webp: bytes) -> AnyArray:
    return np.asarray(Image.open(io.BytesIO(webp)).convert("RGB"))


def test_jurkat_cells_are_drawn_alike_whatever_the_partitions_were(jurkat: PublishedRun) -> None:
    cut, uncut = draw(jurkat(size=4)), draw(jurkat())
    pictures = read_cell_pictures(uncut)
    assert read_cell_pictures(cut) == pictures
    assert display_of(cut) == display_of(uncut)
    assert len(pictures) == 14
    assert all(len(picture.webp) <= 4000 for picture in pictures)
    assert {(picture.width, picture.height) for picture in pictures} == {(122, 40)}
    assert "from left to right BF, PI, SSC" in pictures[0].alt
    assert read_field_pictures(uncut) == []


def test_a_jurkat_cell_in_its_picture_is_where_its_mask_is(jurkat: PublishedRun) -> None:
    run = jurkat()
    folders = draw(run)
    display = display_of(folders)
    table = pl.read_parquet(run.cells[0].file("cells.parquet"))
    kept = [picture for picture in read_cell_pictures(folders) if picture.status == "kept"]
    assert len(kept) > 5
    for picture in kept:
        (bits,) = table.filter(pl.col("meta__image") == picture.image)["mask__li"]
        mask = np.unpackbits(np.frombuffer(bits, np.uint8), count=3 * 1600).reshape(3, 40, 40).astype(bool)
        outline = mask_outline(mask[1])
        tile = decoded(picture.webp)[:, 41:81].astype(int)
        yellow = tile[..., 0] - tile[..., 2]  # which gray has none of
        assert yellow[outline].mean() > 60
        assert yellow[~outline].mean() < 20
    assert display.outlines == {"li": YELLOW}


def test_nf1_fields_are_drawn_with_the_outlines_of_all_cells(schwann: PublishedRun) -> None:
    run = schwann()
    folders = draw(run)
    display = display_of(folders)
    fields = read_field_pictures(folders)
    cells = pl.read_parquet(run.work.parent / "cells.parquet")
    assert len(fields) == 3
    for position, field in enumerate(fields):
        own = cells.filter(pl.col("meta__image") == field.image)
        assert (field.kept, field.kept + field.rejected) == ((own["status"] == "kept").sum(), len(own))
        well, *_, site, _, _ = Path(field.image).name.split("_")
        assert field.group == f"well {well}, site {site}"
        assert max(field.width, field.height) <= 1000
        assert field.reduction == 2
        nuclei = read_objects(Path(run.cells[0].folder), position=position, names=["nucleus"])["nucleus"]
        kept = np.isin(nuclei, own.filter(pl.col("status") == "kept")["meta__object"])[1::2, 1::2]
        picture = decoded(field.webp).astype(int)
        rims = label_outlines(np.where(kept, nuclei[1::2, 1::2], 0))
        assert kept.any() == rims.any()
        if rims.any():
            yellow = np.abs(picture - rgb(display.outlines["nucleus"])).sum(axis=2)
            assert np.median(yellow[rims]) < np.median(yellow[~rims]) / 2
    assert display.outlines["left out"] == REJECTED_COLOUR


def test_human_cells_are_cut_out_with_what_surrounds_them(human: Run) -> None:
    folders = draw(human, kept=200)
    pictures = [picture for picture in read_cell_pictures(folders) if picture.status == "kept"]
    table = pl.read_parquet(human.work.parent / "cells.parquet").filter(pl.col("status") == "kept")
    assert len(pictures) == min(200, len(table))
    assert sum(len(picture.webp) for picture in pictures) < 4000 * len(pictures)
    boxes = {row["meta__object"]: row for row in table.iter_rows(named=True)}
    reduction = display_of(folders).reduction
    for picture in pictures[:20]:
        row = boxes[picture.object]
        low = min(row[f"meta__bbox_min_row__{name}"] for name in human.layout.regions)
        high = max(row[f"meta__bbox_max_row__{name}"] for name in human.layout.regions)
        expected = min(512, high + 6) - max(0, low - 6)
        assert picture.height == min(-(-expected // reduction), 96)


def test_the_shading_of_a_group_is_shown_channel_by_channel(human: Run, tmp_path: Path) -> None:
    planes = np.stack([np.linspace(0.5, 1 + number, 300 * 400).reshape(300, 400) for number in range(3)])
    np.save(tmp_path / "correction.npy", planes.astype(np.float32))
    result = human.cells[0].model_copy(update={"folder": str(tmp_path), "key": "0" * 40})
    pictures = read_illumination_pictures(
        draw(human, shadings=[Shading(group="plate 1", result=result, file="correction.npy")])
    )
    assert [picture.channel for picture in pictures] == list(human.layout.channels)
    assert [picture.highest for picture in pictures] == [1.0, 2.0, 3.0]
    assert {(picture.group, picture.width, picture.height) for picture in pictures} == {("plate 1", 134, 100)}


def test_an_image_that_has_changed_is_left_out_and_looked_for_again(jurkat: PublishedRun, tmp_path: Path) -> None:
    run = jurkat()
    sample = draw_sample(run.work.parent, layout=run.layout, kept=30, seed=0)
    cells = run.cells[0].model_copy(update={"folder": str(tmp_path)})
    changed = sample.parts[0].cells[0].image
    for name in ("cells.parquet", "images.parquet"):
        table = pl.read_parquet(run.cells[0].file(name))
        if name == "images.parquet":
            other = pl.when(pl.col("meta__image") == changed).then(pl.lit("0" * 32)).otherwise("digest")
            table = table.with_columns(other.alias("digest"))
        table.write_parquet(tmp_path / name)
    view = View(channels=run.layout.channels, outlined=run.layout.regions)
    display = run.do(choose_display, images=[], source=run.source, view=view, side=sample.side, shadings=[])
    drawn = run.do(
        draw_partition,
        partition=run.partitions[0],
        cells=cells,
        shown=sample.parts[0].cells,
        fields=(),
        display=display,
        source=run.source,
        most_bytes=4000,
    )
    images = {picture.image for picture in read_cell_pictures([Path(drawn.folder)])}
    assert images == {cell.image for cell in sample.parts[0].cells} - {changed}
    assert drawn.file("provisional").exists()
