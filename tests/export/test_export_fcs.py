"""FCS that readers of flow cytometry agree on: names, ranges, every value, what is missing."""

import json
import subprocess
from pathlib import Path
from typing import Any

import fcsparser
import flowio
import numpy as np
import polars as pl
import pytest

from tasks.core.errors import RunError
from tasks.export.formats.fcs import Fcs, short_names, write_fcs
from tasks.export.registry import FeatureTable
from tests.export.conftest import Environment
from tests.export.feature_tables import FEATURES, measured_table, odd_table, rows_of

META = (
    "meta__image", "meta__object", "meta__object_number", "meta__Größe/µm", "meta__note", "meta__temperature",
    "meta__valid__li__BF", "meta__centroid_row",
)  # fmt: skip
TEXTS = ("meta__image", "meta__Größe/µm", "meta__note")


def written(table: FeatureTable, output: Path) -> Path:
    write_fcs(table, output, Fcs())
    return output / "exports" / "features.fcs"


def numbers(text: dict[str, str], events: np.ndarray[Any, Any], name: str) -> list[str | None]:
    """Give back the texts of a parameter by the keywords that list them."""
    parameter = next(n for n in range(1, 99) if text[f"$P{n}S"] == name)
    values = events[:, parameter - 1].tolist()
    return [None if np.isnan(one) else text.get(f"SCIP_P{parameter}_VALUE_{one:.0f}", "") for one in values]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four rows."""
    monkeypatch.setattr("tasks.core.feature_files.GROUP_ROWS", 4)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_readers_find_every_value(dtype: str, tmp_path: Path) -> None:
    table = odd_table(tmp_path / "work", cuts=(3, 3, 17), dtype=dtype)
    path = written(table, tmp_path)
    rows = rows_of(table)
    text, frame = fcsparser.parse(path, channel_naming="$PnS")
    assert list(frame.columns) == rows.columns
    events = frame.to_numpy()
    read = flowio.FlowData(path)
    np.testing.assert_array_equal(read.as_array(preprocess=False).astype(np.float32), events)
    assert read.version == "3.1"
    others = [name for name in rows.columns if name not in TEXTS]
    expected = rows.select(pl.col(others).cast(pl.Float32)).to_numpy()
    np.testing.assert_array_equal(frame[others].to_numpy(), expected)  # NaN is equal to NaN
    assert all(numbers(text, events, name) == rows[name].to_list() for name in TEXTS)
    missing = rows.fill_nan(None).null_count().row(0)
    assert int(text["SCIP_MISSING"]) == sum(missing) == np.isnan(events).sum()
    assert [int(text.get(f"SCIP_P{n}_MISSING", 0)) for n in range(1, len(missing) + 1)] == list(missing)


def test_names_ranges_and_keywords_are_as_the_standard_has_them(tmp_path: Path) -> None:
    table = odd_table(tmp_path / "work")
    path = written(table, tmp_path)
    text, frame = fcsparser.parse(path)
    assert (text["$PAR"], text["$TOT"], text["$MODE"], text["$DATATYPE"]) == (10, 23, "L", "F")
    assert (text["$BYTEORD"], text["$NEXTDATA"], text["$FIL"]) == ("1,2,3,4", 0, "features.fcs")
    assert int(text["$ENDDATA"]) == path.stat().st_size - 1
    assert int(text["$ENDDATA"]) - int(text["$BEGINDATA"]) + 1 == 4 * 10 * 23
    header = text["__header__"]
    assert (header["data start"], header["data end"]) == (int(text["$BEGINDATA"]), int(text["$ENDDATA"]))
    short = [text[f"$P{n}N"] for n in range(1, 11)]
    assert short[-1] == "Zellkern__intensity_mean__Höhe; µm/h"
    assert [text[f"$P{n}S"] for n in range(1, 11)] == [*META, *(feature.name for feature in FEATURES)]
    for n, largest in enumerate(frame.max(), start=1):
        assert text[f"$P{n}E"] == "0,0"
        assert max(0, largest) <= int(text[f"$P{n}R"]) - 1 < max(0, largest) + 1
    assert text["SCIP_P10_DEFINITION"] == "Mittel ± Streuung ."
    assert text["SCIP_P10_INVARIANCES"] == "translation, rotation"
    assert text["SCIP_P9_UNIT"] == "px^2"
    assert text["SCIP_P4_DEFINITION"] == "A group of the path."
    assert "" not in text.values()


def test_short_names_have_no_comma_and_differ() -> None:
    assert short_names(["a,b", "a;b", "a;b;2", "c"]) == ["a;b", "a;b;2", "a;b;2;2", "c"]


def test_a_measured_table(tmp_path: Path) -> None:
    table = measured_table(tmp_path / "run", names="cytominer")
    _, frame = fcsparser.parse(written(table, tmp_path), channel_naming="$PnN")
    rows = rows_of(table)
    assert list(frame.columns) == rows.columns
    np.testing.assert_array_equal(frame[list(table.features)].to_numpy(), rows.select(table.features).to_numpy())


def test_a_table_without_rows_has_its_parameters(tmp_path: Path) -> None:
    path = written(odd_table(tmp_path / "work", rows=0), tmp_path)
    text, frame = fcsparser.parse(path, channel_naming="$PnS")
    assert frame.shape == (0, 10)
    assert [text[f"$P{n}R"] for n in range(1, 11)] == ["1"] * 10
    read = flowio.FlowData(path)
    assert (read.event_count, read.channel_count) == (0, 10)


def test_a_text_of_too_many_values_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.export.formats.fcs.MOST_VALUES", 6)
    text, frame = fcsparser.parse(written(odd_table(tmp_path / "work"), tmp_path), channel_naming="$PnS")
    assert text["SCIP_LEFT_OUT"] == "meta__note"
    assert frame.shape == (23, 9)


def test_data_beyond_a_hundred_megabytes_have_their_offsets_in_the_text_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = odd_table(tmp_path / "work", rows=4_000)
    monkeypatch.setattr("tasks.export.fcs_segments.LAST_IN_HEADER", 150_000)
    path = written(table, tmp_path)
    assert path.read_bytes()[26:42] == b"       0       0"
    text, frame = fcsparser.parse(path)
    assert int(text["$ENDDATA"]) == path.stat().st_size - 1
    np.testing.assert_array_equal(frame[FEATURES[0].name].to_numpy(), rows_of(table)[FEATURES[0].name].to_numpy())


def test_too_many_keywords_for_the_header_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.export.fcs_segments.LAST_IN_HEADER", 1_000)
    with pytest.raises(RunError, match=r"^export\.formats: the names and definitions of the columns take .* bytes"):
        write_fcs(odd_table(tmp_path / "work"), tmp_path, Fcs())
    assert not (tmp_path / "exports" / "features.fcs").exists()


def test_numbers_too_large_for_single_precision_are_missing(tmp_path: Path) -> None:
    table = odd_table(tmp_path / "work", dtype="float64", rows=5)
    rows_of(table).with_columns(pl.lit(1e300).alias(FEATURES[0].name)).write_parquet(table.files[0])
    text, frame = fcsparser.parse(written(table, tmp_path))
    assert frame[FEATURES[0].name].isna().all()
    assert text["SCIP_P9_MISSING"] == "5"


@pytest.mark.slow
def test_readfcs_makes_anndata_of_it(environment: Environment, tmp_path: Path) -> None:
    """In an environment of its own."""
    table = odd_table(tmp_path / "work")
    python = environment("python3.11", "readfcs>=2.1")
    script = "import readfcs; read = readfcs.read(sys.argv[1]); events = read.X; names = list(read.var['channel'])"
    save = "import json, numpy; print(json.dumps([names, numpy.asarray(events).tolist()]))"
    ran = subprocess.run(
        [python, "-c", f"import sys\n{script}\n{save}", written(table, tmp_path)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    names, events = json.loads(ran.stdout.splitlines()[-1])
    _, frame = fcsparser.parse(tmp_path / "exports" / "features.fcs", channel_naming="$PnN")
    assert names == list(frame.columns)
    np.testing.assert_array_equal(np.array(events, dtype=np.float32), frame.to_numpy())
