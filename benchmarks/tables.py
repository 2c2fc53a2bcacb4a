"""Measure the feature table's files: writing, size, and reading a few columns, beside one file of polars' own writing.

    python benchmarks/tables.py [--rows N] [--columns C] [--partition R] [--rounds R]

Partitions of generated features, float32 with names and a dictionary as long as ours, are published as a run does it,
in a process of its own whose peak memory beyond its modules is told. `not values` is the share of the bytes that are no
feature or metadata: dictionary, names, descriptions and headers of columns. Reading is the wall time of
``polars.read_parquet`` for three columns, in turn, least and median of all rounds; the files lie in the page cache.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.programs import machine
from tasks.core.columns import Column
from tasks.core.dictionary import encode
from tasks.core.feature_files import write_feature_file
from tasks.core.work import peak_bytes
from tasks.export.formats.csv import Csv, write_csv
from tasks.export.formats.parquet import Parquet, write_parquet
from tasks.export.registry import FeatureTable

CHANNELS, FORMS = 12, {"parquet": (write_parquet, Parquet()), "csv": (write_csv, Csv())}


def describe(count: int) -> list[Column]:
    """Make columns like those of a run of twelve channels."""
    return [
        Column(
            region="li.combined", family="texture", stat=f"statistic_{n // CHANNELS}", unit="intensity",
            channels=(f"Ch{n % CHANNELS:02d}",), reference="Haralick et al. 1973, https://doi.org/10.1109/TSMC.1973.4309314",
            definition=f"Statistic number {n // CHANNELS} of the co-occurrence matrix, over four directions.",
            invariances=("translation", "intensity shift"),
        )
        for n in range(count)
    ]  # fmt: skip


def write_partitions(folder: Path, *, rows: int, columns: list[Column], partition: int) -> None:
    """Write what the stage of features leaves in work/."""
    rng = np.random.default_rng(0)
    for start in range(0, rows, partition):
        size = min(partition, rows - start)
        values = rng.lognormal(0, 1, (len(columns), size)).astype(np.float32)
        meta = {
            "meta__image": pa.array([f"plate_{row // 1000}/image_{row:06d}.tif" for row in range(start, start + size)]),
            "meta__object": pa.array(np.ones(size, dtype=np.int32)),
        }
        table = meta | {column.name: pa.array(data) for column, data in zip(columns, values, strict=True)}
        write_feature_file(folder / f"{start:09d}.parquet", [pa.table(table)])


def publish(folder: Path, *, columns: int, form: str) -> None:
    """Publish the partitions in one form; print seconds and memory."""
    described = describe(columns)
    dictionary = encode({column.name: column for column in described}, meta={})
    before = psutil.Process().memory_info().rss
    start = time.perf_counter()
    write, config = FORMS[form]
    write(FeatureTable(files=tuple(sorted((folder / "work").iterdir())), dictionary=dictionary), folder, config)
    print(json.dumps({"seconds": time.perf_counter() - start, "bytes": peak_bytes() - before}))


def not_values(files: list[Path]) -> float:
    """Share of the files' bytes that are not values.

    Those of floats are known, 4 bytes each before they are compressed; what a column's chunk has beyond them are
    headers. The few metadata columns count as values whole.
    """
    size = values = 0
    for file in files:
        metadata = pq.read_metadata(file)
        size += file.stat().st_size
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            for chunk in (group.column(column) for column in range(group.num_columns)):
                plain = 4 * group.num_rows if chunk.physical_type == "FLOAT" else chunk.total_uncompressed_size
                dictionary = chunk.has_dictionary_page and chunk.physical_type == "FLOAT"  # as polars writes some
                values += chunk.total_compressed_size - (0 if dictionary else chunk.total_uncompressed_size - plain)
    return 1 - values / size


def in_turn(reads: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Time each several times, one after the other, in milliseconds."""
    seconds: dict[str, list[float]] = {name: [] for name in reads}
    for _ in range(rounds):
        for name, read in reads.items():
            start = time.perf_counter()
            read()
            seconds[name].append(1e3 * (time.perf_counter() - start))
    return seconds


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description="Measure the feature table's files.")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--columns", type=int, default=2_500)
    parser.add_argument("--partition", type=int, default=376, help="rows of a partition")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--publish", nargs=2, metavar=("FOLDER", "FORM"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish:
        publish(Path(options.publish[0]), columns=options.columns, form=options.publish[1])
        return
    columns = describe(options.columns)
    print(machine("polars", "pyarrow"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "work").mkdir()
        write_partitions(folder / "work", rows=options.rows, columns=columns, partition=options.partition)
        print(f"\n{options.rows:,} × {options.columns:,}, in partitions of {options.partition} rows\n")
        print("| form | written, s | memory, MiB | files | MB |\n|---|---:|---:|---:|---:|")
        command = [sys.executable, __file__, "--columns", str(options.columns), "--publish", str(folder)]
        for form, (_, config) in FORMS.items():
            report = json.loads(subprocess.run([*command, form], capture_output=True, check=True).stdout)
            files = list(config.PUBLISHED.files(folder))
            size = sum(file.stat().st_size for file in files) / 1e6
            print(f"| {form} | {report['seconds']:.1f} | {report['bytes'] / 2**20:.0f} | {len(files)} | {size:.1f} |")
        parts = sorted(Parquet.PUBLISHED.files(folder))
        path = folder / "polars.parquet"
        pl.read_parquet(parts).write_parquet(path)
        wanted = ["meta__image", columns[len(columns) // 3].name, columns[-1].name]
        sources = {"ours": parts, "partitions": sorted((folder / "work").iterdir()), "one file of polars": [path]}
        reads: dict[str, Callable[[], object]] = {
            name: lambda files=files: pl.read_parquet(files, columns=wanted)  # type: ignore[misc]
            for name, files in sources.items()
        }
        times = in_turn(reads, rounds=options.rounds)
        print("\n| read | files | not values | three columns, ms | median | ratio of medians |")
        print("|---|---:|---:|---:|---:|---:|")
        for name, files in sources.items():
            middle = median(times[name])
            print(
                f"| {name} | {len(files)} | {not_values(files):.2%} | {min(times[name]):.1f} | {middle:.1f} "
                f"| {middle / median(times['one file of polars']):.2f} |"
            )


if __name__ == "__main__":
    main()
