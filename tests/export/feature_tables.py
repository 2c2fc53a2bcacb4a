"""Feature tables for the tests of formats: one with all that a column may hold, and one that was measured."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from tasks.core.columns import Column
from tasks.core.dictionary import encode
from tasks.core.feature_files import write_feature_file
from tasks.export.registry import FeatureTable
from tasks.features.table import table_dictionary
from tasks.ingest.example import write_example
from tests.running import Run

ROWS = 23
FEATURES = (
    Column(region="li", family="shape", stat="area", unit="px^2", definition="Number of pixels."),
    Column(
        region="Zellkern",
        family="intensity",
        stat="mean",
        channels=("Höhe, µm/h",),
        definition="Mittel ± Streuung\f.",
        reference="Müller, 1999",
        invariances=("translation", "rotation"),
    ),
)
META = {"meta__image": "Where it is from.", "meta__Größe/µm": "A group of the path."}


def odd_rows(start: int, stop: int, *, dtype: str = "float32") -> pl.DataFrame:
    """Rows with every type of column, odd names, and values missing from each but the identity."""
    numbers = np.arange(start, stop)
    floats = np.where(numbers % 5 == 0, np.nan, np.exp(numbers % 60 / 3 - 40))
    rest = [None if number % 3 == 0 else number for number in numbers.tolist()]
    return pl.DataFrame(
        {
            "meta__image": pl.Series([f'bäume/"{number // 4}",\n' for number in numbers], dtype=pl.String),
            "meta__object": pl.Series(numbers % 4 + 1, dtype=pl.Int32),
            "meta__object_number": pl.Series(rest, dtype=pl.Int64),
            "meta__Größe/µm": pl.Series([None if n is None else f"µ{n % 2}" for n in rest], dtype=pl.String),
            "meta__note": pl.Series(["" if number % 2 else f"note {number}" for number in numbers], dtype=pl.String),
            "meta__temperature": pl.Series([None if n is None else n / 3 for n in rest], dtype=pl.Float64),
            "meta__valid__li__BF": pl.Series([None if n is None else n % 2 == 0 for n in rest], dtype=pl.Boolean),
            "meta__centroid_row": floats * 3,
            FEATURES[0].name: floats.astype(dtype),
            FEATURES[1].name: (-floats).astype(dtype),
        }
    )


def odd_table(folder: Path, *, cuts: Sequence[int] = (), rows: int = ROWS, dtype: str = "float32") -> FeatureTable:
    """Write the rows as partitions that end at `cuts`."""
    folder.mkdir(exist_ok=True)
    edges = [0, *sorted(cuts), rows]
    files = [folder / f"{number}.parquet" for number in range(len(edges) - 1)]
    for file, start, stop in zip(files, edges[:-1], edges[1:], strict=True):
        write_feature_file(file, [pa.table(odd_rows(start, stop, dtype=dtype).to_arrow())])
    return FeatureTable(files=tuple(files), dictionary=encode({one.name: one for one in FEATURES}, meta=META))


def measured_table(folder: Path, **features: object) -> FeatureTable:
    """Mask generated stamps and measure them, as the section `features` says."""
    images = write_example(folder / "images", count=12, seed=1)
    sections = {
        "load": {"channels": {"BF": 0, "DNA": 2}},
        "mask": {"methods": ["li"], "main_channel": "DNA"},
        "features": features,
    }
    run = Run.of(sections, inputs=[images], output=folder / "output", size=5)
    write_feature_file(folder / "measured.parquet", [pa.table(run.features().to_arrow())])
    dictionary = table_dictionary(layout=run.layout, config=run.config.features)
    return FeatureTable(files=(folder / "measured.parquet",), dictionary=dictionary)


def rows_of(table: FeatureTable) -> pl.DataFrame:
    """Read a table into memory."""
    return pl.concat(pl.read_parquet(file, glob=False) for file in table.files)
