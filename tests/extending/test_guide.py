"""docs/extending.md shows the package as it is, and its configurations do what it says, in runs by the command line."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
import yaml

from flows.config import parse_config
from tasks.ingest.example import write_example
from tests.extending.conftest import EXAMPLE, install

PROJECT = EXAMPLE.parents[1]
GUIDE = (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, flags=re.DOTALL | re.MULTILINE)


def sections() -> dict[str, Any]:
    """Join what the guide shows of the configuration, one block per kind of part."""
    return {key: value for block in blocks("yaml") for key, value in yaml.safe_load(block).items()}


def test_the_guide_shows_the_files_of_the_package_whole() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLE.rglob("*.py") if path.stem != "__init__"}
    assert sorted(blocks("python")) == sorted(files.values())
    assert blocks("toml") == [(EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")]


@pytest.mark.usefixtures("installed")
def test_the_guides_configurations_are_valid() -> None:
    shown = sections()
    assert list(shown) == ["load", "mask", "segment", "features", "export"]
    parse_config({key: value for key, value in shown.items() if key != "segment"})
    parse_config({key: value for key, value in shown.items() if key not in {"load", "mask"}})


def run(folder: Path, *options: str, site: Path, images: str, config: dict[str, Any]) -> str:
    """Run the command line in a folder, with the package installed where `site` says."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    paths = {"PYTHONPATH": os.pathsep.join([str(PROJECT), str(site)]), "PREFECT_HOME": str(folder / "prefect")}
    command = [sys.executable, "-m", "flows.preprocess", images, "--config", "config.yaml", "--output", "results"]
    ran = subprocess.run(
        [*command, "--workers", "1", *options],
        cwd=folder, env=inherited | paths, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def results(folder: Path) -> dict[str, set[str]]:
    """Keys of what is finished, by stage."""
    found: dict[str, set[str]] = {}
    for path in (folder / "results" / "work").glob("*/*"):
        if path.is_dir() and re.fullmatch(r"[0-9a-f]{40}", path.name):
            found.setdefault(path.parent.name, set()).add(path.name)
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_stamps_are_done_anew_when_the_package_has_another_version_and_only_then(site: Path, tmp_path: Path) -> None:
    autocorrelation = import_module("example_parts.autocorrelation").autocorrelation
    peak_mask = import_module("example_parts.peak_fraction").peak_mask
    images = tmp_path / "images"
    for path in sorted(write_example(tmp_path, count=8, seed=1).rglob("*.tif")):
        place = images / path.relative_to(tmp_path).with_suffix(".npy")
        place.parent.mkdir(parents=True, exist_ok=True)
        np.save(place, tifffile.imread(path)[[0, 2]])
    damaged = min(images.rglob("*.npy"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    config = {key: value for key, value in sections().items() if key != "segment"}
    config["mask"] |= {"border": "off"}
    config |= {"report": "off", "run": {"max_quarantined": 0.5}}

    assert "autocorrelation" in run(tmp_path, "--plan", site=site, images="images", config=config)
    run(tmp_path, site=site, images="images", config=config)
    quarantined = pl.read_parquet(tmp_path / "results" / "quarantine.parquet")
    assert [Path(name).name for name in quarantined["meta__image"]] == [damaged.name]
    table = pl.read_parquet(tmp_path / "results" / "features" / "*.parquet")
    assert len(table) == 7
    for row in table.iter_rows(named=True):
        pixels = np.load(tmp_path / row["meta__image"])[1].astype(np.float64)
        expected = autocorrelation(pixels, mask=peak_mask(pixels, fraction=0.3))
        measured = [row[f"peak_fraction__autocorrelation_{stat}__DNA"] for stat in ("moran", "geary")]
        np.testing.assert_allclose(measured, expected, rtol=1e-6)
    text = pl.read_csv(tmp_path / "results" / "exports" / "features.tsv.gz", separator="\t")
    assert text["meta__image"].to_list() == table["meta__image"].to_list()

    before = results(tmp_path)
    run(tmp_path, site=site, images="images", config=config)
    assert results(tmp_path) == before
    run(tmp_path, site=install(tmp_path, version="1.1"), images="images", config=config)
    raised = results(tmp_path)
    assert {stage for stage in raised if raised[stage] - before[stage]} >= {"ingest", "mask", "features"}
    versions = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))["versions"]
    assert versions["example-parts"] == "1.1"


@pytest.mark.slow
def test_spots_of_nuclei_are_counted(site: Path, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:120, :120]
    image = np.random.default_rng(0).normal(200, 5, (2, 120, 120))
    drawn = {(30, 30): 2, (30, 90): 0, (85, 60): 3}
    for (row, column), count in drawn.items():
        image[0] += 500 * (np.hypot(rows - row, columns - column) < 14)
        for number in range(count):
            image[1] += 300 * (np.hypot(rows - row + 5, columns - column + 7 - 7 * number) <= 2)
    (tmp_path / "images").mkdir()
    np.save(tmp_path / "images" / "field.npy", image.clip(0).astype(np.uint16))
    shown = sections()
    shown["segment"]["objects"]["spots"] |= {"contrast": 15.0}
    config = {"load": {"channels": {"DNA": 0, "FISH": 1}}} | {
        key: shown[key] for key in ("segment", "features", "export")
    }
    config["report"] = "off"
    run(tmp_path, site=site, images="images", config=config)
    table = pl.read_parquet(tmp_path / "results" / "features" / "*.parquet")
    assert table["nucleus__spots_count"].to_list() == [drawn[30, 30], drawn[30, 90], drawn[85, 60]]
    assert table["nucleus__autocorrelation_moran__DNA"].is_finite().all()
    assert (tmp_path / "results" / "exports" / "columns.tsv.gz").is_file()
