"""The list of a run's images: never its own results, wherever they lie, and true after a move."""

from pathlib import Path

import numpy as np
import tifffile

from tasks.core.storage import write_json
from tasks.ingest.config import Load
from tasks.ingest.index import LeftOut, build_index
from tasks.ingest.listing import ImageList, list_images


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, np.arange(12, dtype=np.uint8).reshape(3, 4))
    return path


def image_list(*inputs: Path, config: Load | None = None, work: Path, limit: int | None = None) -> ImageList:
    return list_images(
        [str(path) for path in inputs],
        config=config or Load(),
        partition_size="auto",
        limit=limit,
        seed=0,
        work=work,
    ).images


def test_results_below_the_input_are_no_images(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write(folder / "a.tif")
    output = folder / "output"
    for name in ("labels/images/a.tif.nucleus.tif", "work/segment/x/labels/00000.nucleus.tif", "preview.tif"):
        write(output / name)
    assert image_list(folder, work=output / "work").images == 1
    assert [reference.image for reference in build_index([folder / "*"], config=Load(), exclude=output).references] == [
        "a.tif"
    ]


def test_results_of_an_earlier_run_below_the_input_are_no_images(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write(folder / "a.tif")
    earlier = folder / "results"
    for name in ("labels/a.nucleus.tif", "work/segment/x/labels/00000.nucleus.tif", "statistics/light.tif", "my.tif"):
        write(earlier / name)
    for name in ("cells.parquet", "notes.txt"):
        (earlier / name).touch()
    record = dict.fromkeys(("run", "configuration", "digest", "versions"), "")
    write_json(earlier / "run.json", record)
    images = build_index([folder], config=Load())
    assert [reference.image for reference in images.references] == ["images/a.tif", "images/results/my.tif"]
    assert images.left_out == LeftOut(no_image=1, results=(str(earlier),))  # the notes
    assert len(build_index([earlier / "labels"], config=Load()).references) == 1
    write_json(earlier / "run.json", {"run": 7})
    assert len(build_index([folder], config=Load()).references) == 5


def test_an_input_inside_the_output_folder_is_read(tmp_path: Path) -> None:
    output = tmp_path / "output"
    write(output / "work" / "example" / "a.tif")
    assert image_list(output / "work" / "example", work=output / "work").images == 1


def test_a_data_set_that_was_moved_keeps_its_partitions_but_not_its_list_of_paths(tmp_path: Path) -> None:
    write(tmp_path / "here" / "images" / "a.tif")
    before = image_list(tmp_path / "here" / "images", work=tmp_path / "work")
    (tmp_path / "here").rename(tmp_path / "there")
    after = image_list(tmp_path / "there" / "images", work=tmp_path / "work")
    assert [partition.digest for partition in after.partitions] == [partition.digest for partition in before.partitions]
    assert after.folder != before.folder


def test_an_image_that_lacks_a_file_keeps_what_its_path_tells(tmp_path: Path) -> None:
    for name in ("A1_DNA", "A1_ER", "B2_DNA"):
        write(tmp_path / "plate" / f"{name}.tif")
    config = Load(pattern=r"(?P<well>[A-Z]\d)(_s(?P<site>\d))?_(?P<channel>\w+)\.tif")
    faults = list_images(
        [str(tmp_path / "plate")], config=config, partition_size=1, limit=None, seed=0, work=tmp_path / "work"
    ).faults
    row = {"meta__image": "plate/B2_*.tif", "meta__well": "B2", "meta__site": None}
    assert faults.select(list(row)).row(0, named=True) == row


def test_a_sample_holds_images_that_lack_a_file_in_their_share(tmp_path: Path) -> None:
    for field in range(10):
        write(tmp_path / "plate" / f"f{field}_DNA.tif")
        if field >= 3:
            write(tmp_path / "plate" / f"f{field}_ER.tif")
    config = Load(reader="tiff_per_channel", pattern=r"f(?P<site>\d)_(?P<channel>\w+)\.tif")
    everything = image_list(tmp_path / "plate", config=config, work=tmp_path / "work")
    assert (everything.images, everything.faults) == (7, 3)
    few = image_list(tmp_path / "plate", config=config, work=tmp_path / "work", limit=5)
    assert few.images + few.faults == 5
