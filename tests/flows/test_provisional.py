"""An image that could not be opened is not set aside for good: the next run tries it again."""

from pathlib import Path

import polars as pl

from tasks.core.work import StageResult, discard_unfinished, is_provisional
from tasks.features.task import extract_partition
from tasks.ingest.example import write_example
from tasks.mask.task import mask_partition
from tests.running import Run


def test_a_file_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    stamps = write_example(tmp_path / "stamps", count=6, seed=1)
    config = {"load": {"channels": {"BF": 0}}, "mask": {"methods": ["circle"], "main_channel": "BF"}}
    run = Run.of(config, inputs=[stamps], output=tmp_path)
    (partition,) = run.partitions

    def compute() -> tuple[StageResult, StageResult, int]:
        cells = run.do(mask_partition, partition=partition, source=run.source, config=run.config.mask)
        features = run.do_kept(extract_partition, cells=cells, config=run.config.features)
        return cells, features, len(pl.read_parquet(features.file("features.parquet")))

    away = sorted(stamps.rglob("*.tif"))[2]
    hidden = away.rename(tmp_path / away.name)
    cells, features, rows = compute()
    assert rows == 5
    assert is_provisional(cells)
    assert is_provisional(features)
    assert pl.read_parquet(cells.file("faults.parquet"))["message"].to_list() == ["is not there any more"]

    hidden.rename(away)
    discard_unfinished(run.work)
    assert not Path(cells.folder).exists()
    cells, features, rows = compute()
    assert rows == 6
    assert not is_provisional(cells, features)

    away.write_bytes(b"damaged")
    discard_unfinished(run.work)
    assert Path(cells.folder).exists(), "a complete result stays"
