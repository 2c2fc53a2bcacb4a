"""A run that is repeated by its run.json: what is taken over, what is refused, what is noted."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.compare import compare_outputs
from flows.comparison.records import read_published
from flows.config import parse_config
from flows.preprocess import preprocess
from flows.terminal.command import Command
from flows.terminal.repeat import read_recorded
from tasks.core.errors import ConfigError, InputError
from tasks.core.storage import read_table
from tasks.ingest.example import write_example

CONFIG: dict[str, Any] = {
    "load": {"channels": {"BF": 0, "DNA": 2}},
    "mask": {"methods": ["li"], "main_channel": "BF"},
    "features": {"families": ["shape"]},
    "run": {"partition_size": 4, "seed": 3},
}


@pytest.fixture(scope="module")
def first(scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the pipeline on a sample of eight of twelve images, and return its record."""
    folder = tmp_path_factory.mktemp("first")
    inputs = write_example(folder, count=12, seed=2)
    output = folder / "output"
    preprocess(config=parse_config(CONFIG), inputs=[str(inputs)], output=str(output), cluster=scheduler, limit=8)
    return output / "run.json"


@pytest.fixture
def images(first: Path) -> Iterator[Path]:
    """Name the folder of images, and put back afterwards what a test did to it."""
    folder = first.parents[1]
    shutil.copytree(folder / "example", folder / "kept", copy_function=shutil.copy2)
    yield folder / "example"
    shutil.rmtree(folder / "example")
    (folder / "kept").rename(folder / "example")


def repeated(record: Path, output: Path, *inputs: str, limit: int | None = None) -> Command:
    return Command.of(list(inputs), config=record, output=output, limit=limit)


def test_configuration_seed_sample_and_inputs_are_taken_over_and_results_are_equal(
    first: Path, scheduler: str, tmp_path: Path
) -> None:
    command = repeated(first, tmp_path / "again")
    spec = command.spec
    assert spec.config == parse_config(CONFIG)
    assert (spec.inputs, spec.limit) == ((str(first.parents[1] / "example"),), 8)
    command.prepare()
    preprocess(
        config=spec.config, inputs=list(spec.inputs), output=str(spec.output), cluster=scheduler, limit=spec.limit
    )
    runs = read_published(first.parent), read_published(spec.output)
    assert not any(compare_outputs(*runs, tolerance=0).values())


def test_other_inputs_may_be_given(first: Path, tmp_path: Path) -> None:
    other = write_example(tmp_path, count=4, seed=5)
    command = repeated(first, tmp_path / "again", str(other), limit=3)
    assert (command.spec.inputs, command.spec.limit) == ((str(other),), 3)
    command.prepare()


def test_another_sample_of_the_same_inputs_is_refused(first: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--limit: got 5, and .*run\.json was made with 8; leave it out"):
        repeated(first, tmp_path, limit=5)


def test_images_that_are_missing_or_of_another_size_are_refused(first: Path, images: Path, tmp_path: Path) -> None:
    sample = read_table(first.with_name("images.parquet"))["meta__image"].to_list()
    (images.parent / sample[0]).write_bytes((images.parent / sample[1]).read_bytes() + b"more")
    with pytest.raises(
        InputError, match=rf"no longer those of .*: 1 image \({sample[0]}\) have another size\. Put them"
    ):
        repeated(first, tmp_path / "again").prepare()
    (images.parent / sample[0]).unlink()
    with pytest.raises(InputError, match=rf"are new; 1 image \({sample[0]}\) are missing"):  # another one is drawn
        repeated(first, tmp_path / "again").prepare()
    shutil.rmtree(images)
    try:
        with pytest.raises(InputError, match="example"):
            repeated(first, tmp_path / "again").prepare()
    finally:
        images.mkdir()


def test_images_that_were_copied_are_noted(
    first: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in images.rglob("*.tif"):
        os.utime(path, (1, 1))
    repeated(first, tmp_path / "again").prepare()
    assert "note: 8 images (" in (noted := capsys.readouterr().err)
    assert "changed or copied since" in noted


def test_other_versions_are_noted(first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(first.read_text(encoding="utf-8"))
    content["versions"] |= {"numpy": "1.0", "no-such-package": "2"}
    record = tmp_path / "run.json"
    record.write_text(json.dumps(content), encoding="utf-8")
    repeated(record, tmp_path / "again")
    noted = capsys.readouterr().err
    assert "numpy 1.0, now " in noted
    assert "no-such-package 2, now not installed" in noted
    assert "whether the inputs are the same is not checked" in noted  # the table of images was left behind


def test_a_run_on_the_generated_example_generates_it_again(first: Path, tmp_path: Path) -> None:
    content = json.loads(first.read_text(encoding="utf-8")) | {"example": True}
    record = tmp_path / "run.json"
    record.write_text(json.dumps(content), encoding="utf-8")
    assert repeated(record, tmp_path / "again").spec.inputs == ()


@pytest.mark.parametrize(
    ("change", "message"), [({"inputs": 3}, "not a whole record"), ({"limit": "x"}, "not a whole")]
)
def test_a_damaged_record_is_refused(first: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    record = tmp_path / "run.json"
    record.write_text(json.dumps(json.loads(first.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_recorded(record)


def test_a_record_of_an_unknown_configuration_names_the_key(first: Path, tmp_path: Path) -> None:
    content = json.loads(first.read_text(encoding="utf-8"))
    content["configuration"]["maks"] = {}
    record = tmp_path / "run.json"
    record.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"(?s)run\.json:.*maks.*did you mean 'mask'"):
        read_recorded(record)


def test_json_that_is_a_configuration_is_one(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    assert read_recorded(path) is None
    assert Command.of(["x"], config=path, output=tmp_path, limit=None).spec.config == parse_config(CONFIG)
