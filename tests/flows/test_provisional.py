"""An image that could not be opened is not set aside for good: the next run tries it again."""

from pathlib import Path

import polars as pl
from tasks.pixels import Reading

from flows.config import parse_config
from tasks.core.decision import Decision
from tasks.core.work import discard_unfinished, is_provisional
from tasks.features.task import extract_partition
from tasks.ingest.example import write_example
from tasks.ingest.task import ingest
from tasks.mask.task import mask_partition


def test_a_file_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    stamps = write_example(tmp_path / "stamps", count=6, seed=1)
    config = parse_config({"load": {"channels": {"BF": 0}}, "mask": {"methods": ["circle"], "main_channel": "BF"}})
    work = tmp_path / "work"
    listed = ingest.fn(
        inputs=[str(stamps)], config=config.load, partition_size="auto", limit=None, seed=0, work=str(work)
    )
    layout = config.layout(channels=listed.channels, groups=listed.groups, numbered=listed.numbered)
    reading = Reading(channels=listed.channels, layout=layout)
    assert config.mask is not None
    found, features = work / "mask" / ("a" * 40), work / "features" / ("b" * 40)

    def compute() -> pl.DataFrame:
        (partition,) = listed.partitions
        assert config.mask is not None
        mask_partition.fn(folder=str(found), partition=partition, reading=reading, config=config.mask, run="r")
        extract_partition.fn(
            folder=str(features),
            found=str(found),
            metrics=None,
            decision=Decision(rules=()),
            partition=partition,
            reading=reading,
            config=config.features,
            run="r",
        )
        return pl.read_parquet(features / "features.parquet")

    away = sorted(stamps.rglob("*.tif"))[2]
    hidden = away.rename(tmp_path / away.name)
    assert len(compute()) == 5
    assert is_provisional(found)
    assert is_provisional(features)
    assert pl.read_parquet(found / "faults.parquet")["message"].to_list() == ["is not there any more"]

    hidden.rename(away)
    discard_unfinished(work)
    assert not found.exists()
    assert len(compute()) == 6
    assert not is_provisional(found, features)

    away.write_bytes(b"damaged")
    discard_unfinished(work)
    assert found.exists(), "a complete result stays"
