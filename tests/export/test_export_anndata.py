"""AnnData that anndata reads back: every value, every type, in every release that the program may be installed with."""

import json
import subprocess
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import polars as pl
import pytest

from tasks.core.dictionary import describe
from tasks.core.feature_files import WORK_GROUP_BYTES, group_rows
from tasks.export.formats.anndata import AnnData, write_anndata
from tasks.export.registry import FeatureTable
from tests.export.conftest import Environment
from tests.export.feature_tables import FEATURES, measured_table, odd_rows, odd_table, rows_of

STORES = ("h5ad", "zarr")


def written(table: FeatureTable, output: Path, store: str) -> Path:
    config = AnnData.model_validate({"store": store})
    write_anndata(table, output, config)
    return output / config.path


def read(path: Path) -> Any:  # noqa: ANN401
    return anndata.read_h5ad(path) if path.suffix == ".h5ad" else anndata.read_zarr(path)


def column(obs: pd.DataFrame, name: str) -> list[object]:
    """Values of a column, None where one is missing."""
    values = obs[name].astype(object)
    return [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]


def check(table: FeatureTable, made: Any) -> None:  # noqa: ANN401
    """Compare what was read with the table, value by value."""
    rows, names = rows_of(table), list(table.features)
    features = rows.select(names).to_numpy()
    assert made.X.dtype == features.dtype
    np.testing.assert_array_equal(made.X, features)  # NaN is equal to NaN
    meta = rows.drop(names).fill_nan(None)
    assert list(made.obs.columns) == [name.replace("/", "%2F") for name in meta.columns]
    assert all(column(made.obs, name.replace("/", "%2F")) == meta[name].to_list() for name in meta.columns)
    image, number = meta.columns[:2]
    assert list(made.obs_names) == [f"{one}:{other}" for one, other in meta.select(image, number).rows()]
    assert made.obs_names.is_unique
    described = describe(table.schema.with_metadata(table.dictionary))
    of_features = described.filter(pl.col("name").is_in(names)).drop("dtype")
    assert list(made.var_names) == names
    assert [column for column in of_features.columns if column != "name"] == list(made.var.columns)
    for one in ("unit", "definition", "reference", "object", "family", "stat", "param"):
        assert list(made.var[one]) == of_features[one].to_list()
    assert list(made.var["channels"]) == [", ".join(channels) for channels in of_features["channels"]]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four rows, and chunks of two."""
    monkeypatch.setattr("tasks.core.feature_files.GROUP_ROWS", 4)
    monkeypatch.setattr("tasks.export.formats.anndata.CHUNKS", {"h5ad": 2, "zarr": 2})


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("store", STORES)
def test_all_values_come_back_whatever_the_types_and_the_partitions(store: str, dtype: str, tmp_path: Path) -> None:
    table = odd_table(tmp_path / "work", cuts=(3, 3, 17), dtype=dtype)
    made = read(written(table, tmp_path, store))
    check(table, made)
    assert made.obs["meta__image"].dtype == "category"
    assert list(made.obs["meta__image"].cat.categories[-1:]) == ['bäume/"5",\n']
    assert made.obs["meta__object_number"].dtype == "Int64"
    assert made.obs["meta__valid__li__BF"].dtype == "boolean"
    assert made.obs["meta__temperature"].dtype == "float64"
    assert made.var.loc[FEATURES[1].name, "reference"] == "Müller, 1999"
    assert made.uns["scip_flows"]["obs"].loc["meta__Größe/µm", "definition"] == "A group of the path."


@pytest.mark.parametrize("features", [{}, {"names": "scip", "profile": "scip"}, {"names": "cytominer"}])
def test_a_measured_table_in_every_spelling(features: dict[str, str], tmp_path: Path) -> None:
    table = measured_table(tmp_path / "run", **features)
    assert len(table.features) > 50
    check(table, read(written(table, tmp_path, "h5ad")))


@pytest.mark.parametrize("store", STORES)
def test_a_table_without_rows_has_its_columns(store: str, tmp_path: Path) -> None:
    table = odd_table(tmp_path / "work", rows=0)
    made = read(written(table, tmp_path, store))
    assert made.shape == (0, 2)
    check(table, made)


@pytest.mark.parametrize("store", STORES)
def test_text_with_too_many_values_for_categories_is_plain_text(
    store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tasks.export.formats.anndata.MOST_CATEGORIES", 1)
    table = odd_table(tmp_path / "work", cuts=(9,))
    made = read(written(table, tmp_path, store))
    check(table, made)
    assert "category" not in {str(dtype) for dtype in made.obs.dtypes}


@pytest.mark.usefixtures("small")
def test_backed_mode_reads_rows_from_the_file(tmp_path: Path) -> None:
    table = odd_table(tmp_path / "work", rows=50)
    backed = anndata.read_h5ad(written(table, tmp_path, "h5ad"), backed="r")
    assert backed.isbacked
    np.testing.assert_array_equal(
        backed[[3, 30, 49]].to_memory().X, odd_rows(0, 50)[[3, 30, 49]].select(table.features).to_numpy()
    )
    backed.file.close()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("store", STORES)
def test_equal_tables_are_equal_to_the_last_byte_whatever_the_partitions(store: str, tmp_path: Path) -> None:
    made = []
    for name, cuts in [("one", (3, 9)), ("two", ()), ("three", range(1, 23))]:
        path = written(odd_table(tmp_path / "work", cuts=cuts), tmp_path / name, store)
        files = [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
        made.append({file.relative_to(path.parent): file.read_bytes() for file in files})
    assert made[0] == made[1] == made[2]


def test_blocks_do_not_split_chunks(tmp_path: Path) -> None:
    table = odd_table(tmp_path / "work", rows=100)
    with h5py.File(written(table, tmp_path, "h5ad")) as file:
        length, width = file["X"].chunks
    assert group_rows(table.schema, size=WORK_GROUP_BYTES) // length == 32
    assert width == 2


@pytest.mark.slow
def test_newer_releases_read_what_older_ones_write_and_the_other_way_round(
    environment: Environment, tmp_path: Path
) -> None:
    """On Python 3.12 with its anndata ≥ 0.13, zarr and pandas 3."""
    packages = ("anndata>=0.13", "natsort", "packaging", "polars", "pyarrow", "pydantic", "pyyaml")
    python = environment("python3.12", *packages, project=True)
    table = odd_table(tmp_path / "work", cuts=(9,))
    script = f"""
import json, sys
from importlib.metadata import version
from pathlib import Path
import anndata
from tasks.export.formats.anndata import AnnData, write_anndata
from tasks.export.registry import FeatureTable

given, output = json.loads(sys.argv[1]), Path(sys.argv[2])
said = {{"version": version("anndata")}}
for path in map(Path, given):
    read = anndata.read_h5ad(path) if path.suffix == ".h5ad" else anndata.read_zarr(path)
    read.obs.index.name = "cell"
    said[path.name] = [read.X.tolist(), json.loads(read.obs.to_json(orient="split")), read.var["definition"].tolist()]
table = FeatureTable(files=tuple(map(Path, {[str(file) for file in table.files]!r})), dictionary={table.dictionary!r})
for store in ("h5ad", "zarr"):
    write_anndata(table, output, AnnData(store=store))
    (output / "exports" / f"features.{{store}}").rename(output / f"features.{{store}}")
print(json.dumps(said))
"""
    ours = [written(table, tmp_path / store, store) for store in STORES]
    ran = subprocess.run(
        [python, "-W", "error", "-c", script, json.dumps([str(path) for path in ours]), tmp_path / "theirs"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["version"] >= "0.13"
    for path in ours:
        here = read(path)
        here.obs.index.name = "cell"
        features, obs, definitions = said[path.name]
        np.testing.assert_array_equal(np.array(features, dtype=np.float32), here.X)
        assert obs == json.loads(here.obs.to_json(orient="split"))
        assert definitions == list(here.var["definition"])
        check(table, read(tmp_path / "theirs" / path.name))
