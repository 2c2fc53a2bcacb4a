"""Illumination on files: sums of partitions, merged in any order, and images corrected as they are read."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tasks.core.pixel_source import read_images
from tasks.core.types import AnyArray
from tasks.core.work import StageResult, Stopwatch, is_provisional
from tasks.illumination.config import Jones2006
from tasks.illumination.correction import correction_image
from tasks.illumination.files import CorrectionStore, FieldGroup, read_index, read_offset, read_sum
from tasks.illumination.pictures import read_tiff, write_correction
from tasks.illumination.published import CorrectionFile, PublishedCorrections, publish_corrections, read_published
from tasks.illumination.sums import FieldSum
from tasks.illumination.task import copy_correction, make_correction, merge_sums, sum_partition
from tests.running import Run

CONFIG = {
    "load": {"channels": {"DNA": 0, "RNA": 1}, "pattern": r"(?P<plate>P\d)/(?P<field>\d+)"},
    "illumination": {"method": "jones2006", "group_by": "plate", "median_size": 5, "downscale": 3},
    "segment": {"objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 12}}},
}
SUMMED = {"group_by": ("plate",), "downscale": 3}
A, B = (FieldGroup(group=(plate,), height=40, width=50) for plate in ("P0", "P1"))


@pytest.fixture
def fields(tmp_path: Path) -> dict[str, list[AnyArray]]:
    """Write eleven fields of two plates; one more is smaller, and one file is no picture."""
    rng = np.random.default_rng(0)
    written: dict[str, list[AnyArray]] = {"P0": [], "P1": []}
    for number in range(11):
        plate = f"P{number % 2}"
        field = rng.integers(50, 4000, (2, 40, 50)).astype(np.uint16)
        path = tmp_path / "images" / plate / f"{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, field, photometric="minisblack")
        written[plate].append(field)
    tifffile.imwrite(tmp_path / "images" / "P1" / "11.tif", written["P1"][0][:, :30], photometric="minisblack")
    (tmp_path / "images" / "P0" / "12.tif").write_bytes(b"II*\0 not a picture")
    return written


def summed(run: Run, *, seed: int) -> StageResult:
    """Sum up all partitions, and merge them two or three at a time in a random order."""
    parts = [run.do(sum_partition, partition=partition, source=run.source, **SUMMED) for partition in run.partitions]
    rng = np.random.default_rng(seed)
    while len(parts) > 1:
        parts = [parts[place] for place in rng.permutation(len(parts))]
        first_parts, parts = parts[:3], parts[3:]
        parts.append(run.do(merge_sums, parts=first_parts))
    return parts[0]


@pytest.mark.parametrize(("size", "seed"), [(1, 0), (1, 1), (4, 2), (100, 3)])
def test_correction_images_are_those_of_all_fields_at_once(
    fields: dict[str, list[AnyArray]], tmp_path: Path, size: int, seed: int
) -> None:
    run = Run.of(CONFIG, inputs=[tmp_path / "images"], output=tmp_path, size=size)
    total = summed(run, seed=seed)
    root, index = Path(total.folder), read_index(Path(total.folder))
    assert {entry.group: entry.images for entry in index.sums} == {
        A: 6, B: 5, FieldGroup(group=("P1",), height=30, width=50): 1,
    }  # fmt: skip
    assert not is_provisional(total)
    config = run.config.illumination
    assert isinstance(config, Jones2006)
    for entry in index.sums[:2]:
        images = (
            np.stack(fields[entry.group.group[0]]) if entry.group in {A, B} else np.stack([fields["P1"][0][:, :30]])
        )
        light = read_sum(root, entry)
        assert np.array_equal(light.totals, FieldSum.of(images.sum(axis=0, dtype=np.int64), downscale=3).totals)
        made = run.do(make_correction, total=total, group=entry.group, channels=("DNA", "RNA"), config=config)
        correction = np.load(made.file("correction.npy"))
        assert np.array_equal(correction, correction_image(light, config=config))
        assert np.array_equal(read_tiff(made.file("correction.tif")), correction)


def test_the_offset_travels_with_a_correction_image(tmp_path: Path) -> None:
    made, output, copied = tmp_path / "made", tmp_path / "out", tmp_path / "copied"
    made.mkdir()
    write_correction(made, np.ones((1, 40, 50), dtype=np.float32), channels=["DNA"], title="P0", offset=-32768.0)
    published = PublishedCorrections.of({A: 6}, config={}, channels=["DNA"], group_by=["plate"])
    publish_corrections(output / "statistics", published=published, folders=[made])
    (entry,) = read_published(output / "statistics" / "illumination.json").corrections
    assert entry.offset == -32768
    file = CorrectionFile(path=str(output / "statistics" / entry.file), content="", offset=entry.offset)
    copy_correction.fn(folder=str(copied), file=file, group=A, channels=["DNA"], run_id="test")
    assert read_offset(copied) == -32768


def test_the_tiff_names_its_channels_and_its_pixels_are_floats(tmp_path: Path) -> None:
    correction = np.random.default_rng(0).uniform(0.5, 1.5, (2, 30, 40)).astype(np.float32)
    write_correction(tmp_path, correction, channels=["DNA", "RNA [µ]"], title="P0")
    with tifffile.TiffFile(tmp_path / "correction.tif") as file:
        assert file.series[0].axes == "CYX"
        assert file.series[0].dtype == np.float32
        assert all(f'Name="{name}"' in (file.ome_metadata or "") for name in ("DNA", "RNA [µ]"))
    assert np.array_equal(read_tiff(tmp_path / "correction.tif"), correction)
    assert (tmp_path / "correction.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("channels", [1, 6, 45])
def test_pictures_are_drawn_of_few_and_of_many_channels(tmp_path: Path, channels: int) -> None:
    correction = np.ones((channels, 8, 9), dtype=np.float32)
    write_correction(tmp_path, correction, channels=[f"c{number}" for number in range(channels)], title="all")
    assert read_tiff(tmp_path / "correction.tif").shape == (channels, 8, 9)


def test_images_are_divided_by_the_correction_of_their_group_as_they_are_read(
    fields: dict[str, list[AnyArray]], tmp_path: Path
) -> None:
    run = Run.of(CONFIG, inputs=[tmp_path / "images"], output=tmp_path)
    shading = np.linspace(0.5, 1.5, 2 * 40 * 50, dtype=np.float32).reshape(2, 40, 50)
    folder = tmp_path / "correction"
    folder.mkdir()
    write_correction(folder, shading, channels=["DNA", "RNA"], title="P0", offset=20)
    store = CorrectionStore(group_by=("plate",), images=((A, Stopwatch().result(str(folder), run_id="test")),))
    (partition,) = run.partitions
    (plain,) = read_images(partition, source=run.source)
    (images,) = read_images(partition, source=run.source.transformed_by(store))
    first = images.table["meta__plate"].to_list().index("P0")
    image = images.pixels[first]
    assert image is not None
    assert np.array_equal(image, ((fields["P0"][0] - 20.0) / shading).astype(np.float32))
    assert images.table.equals(plain.table), "digests and types are those of the files"
    assert [image is not None for image in images.pixels] == [
        plate == "P0" and status == "read" for plate, status in images.table.select("meta__plate", "status").rows()
    ]
    messages = {fault.message for fault in images.faults if fault.stage == "illumination"}
    assert messages == {
        "has no correction image: illumination was not estimated for group 'P1', 40×50 px",
        "has no correction image: illumination was not estimated for group 'P1', 30×50 px",
    }


def test_a_changed_file_has_another_digest_although_its_pixels_are_corrected(
    fields: dict[str, list[AnyArray]], tmp_path: Path
) -> None:
    run = Run.of(CONFIG, inputs=[tmp_path / "images"], output=tmp_path)
    digests = []
    for _ in range(2):
        digests.append(run.do(sum_partition, partition=run.partitions[0], source=run.source, **SUMMED).content)
        tifffile.imwrite(tmp_path / "images" / "P0" / "0.tif", fields["P0"][0] + 1, photometric="minisblack")
    assert all(digests)
    assert digests[0] != digests[1]
