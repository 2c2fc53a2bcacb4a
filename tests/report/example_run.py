"""A run as it lies in an output folder, small but whole, with names that try to break out of the page."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tasks.core.columns import Column
from tasks.core.dictionary import encode, meta_definitions
from tasks.report.material import (
    CellPicture,
    ChannelRange,
    Display,
    FieldPicture,
    IlluminationPicture,
    write_display,
    write_pictures,
)

HOSTILE = "<script>alert(1)</script>"
ENDING = 'x</script><img src=x onerror="alert(2)">'
CHANNELS = ("DNA", ENDING)
LIMIT = 30.0
CELLS = 240


def write_example(output: Path) -> list[Path]:
    """Write the output folder of a run; return the folders of its pictures."""
    rng = np.random.default_rng(7)
    images = [f"plate/{HOSTILE}_{number:03}.tif" for number in range(CELLS)]
    group = np.array([HOSTILE, "B", None])[rng.integers(0, 3, CELLS)]
    metric = rng.gamma(4, 20, CELLS)
    status = np.where(metric > LIMIT, "kept", "quality:dim")
    status[:9] = "border"
    cells = pl.DataFrame(
        {
            "meta__image": images,
            "meta__object": pl.Series([1] * CELLS, dtype=pl.Int32),
            "meta__dose": group.tolist(),
            "status": status,
            "image__quality_sum__DNA": metric,
        }
    )
    for folder in ("features", "statistics", "work", "material"):
        (output / folder).mkdir(parents=True)
    cells.write_parquet(output / "cells.parquet")
    _write_features(output / "features" / "part-00000.parquet", cells, rng=rng)
    reached = int((status != "border").sum())
    _write_json(output / "statistics" / "quality.json", _decision(before=reached, after=int((status == "kept").sum())))
    quarantine = {"meta__image": [HOSTILE], "stage": ["mask"], "error": ["PixelError"], "message": [ENDING]}
    pl.DataFrame(quarantine).write_parquet(output / "quarantine.parquet")
    counts = dict(cells["status"].value_counts().iter_rows())
    stages = {
        "mask": {"computed": 2, "cached": 0, "seconds": 4.0},
        "features": {"computed": 2, "cached": 1, "seconds": 9},
    }
    summary = {"images": CELLS + 1, "quarantined": 1, "cells": CELLS, "statuses": counts, "stages": stages}
    _write_json(output / "run.json", _record(status="running"))
    _write_json(output / "work" / "so_far.json", {**summary, "warnings": [f"{ENDING}: none of its cells was kept"]})
    _write_timeline(output / "work" / "timeline.parquet")
    _write_pictures(output / "material", cells)
    return [output / "material"]


def _record(**more: object) -> dict[str, object]:
    load = {"pattern": r"(?P<dose>.*)_\d+\.tif", "channels": [{"name": name} for name in CHANNELS]}
    configuration = {"load": load, "mask": {"methods": [{"name": "li"}]}, "run": {"seed": 0}, "normalize": None}
    return {
        "run": "0123456789ab",
        "inputs": [f"/data/{HOSTILE}"],
        "limit": None,
        "cluster": "local",
        "device": "cpu",
        "started": "2026-01-02T03:04:05+00:00",
        "configuration": configuration,
        "digest": "0" * 40,
        "python": "3.11",
        "versions": {"scip-flows": "0.1.0", "numpy": "2.4"},
        **more,
    }


def _decision(*, before: int, after: int) -> dict[str, object]:
    group = {"group": {}, "threshold": LIMIT, "upper": None, "before": before, "after": after}
    rule = {
        "rule": "dim",
        "column": "image__quality_sum__DNA",
        "keep": "above",
        "group_by": [],
        "groups": [group],
    }
    asked = {"name": "dim", "metric": "sum", "channel": "DNA", "over": "image", "percentile": None, "region": ""}
    return {"rules": [rule], "quality": {"rules": [asked]}}


def _write_features(path: Path, cells: pl.DataFrame, *, rng: np.random.Generator) -> None:
    kept = cells.filter(pl.col("status") == "kept")
    columns = [
        Column(region="li", family=family, stat=stat, channels=(channel,), definition=f"The {stat} of {ENDING}.")
        for family, stat in (("shape", "area"), ("intensity", "mean"), ("intensity", "std"), ("texture", "contrast"))
        for channel in CHANNELS
    ]
    values = rng.normal(size=(len(kept), len(columns))).astype(np.float32)
    values[:, 1] = 3.0
    values[:5, 2] = np.nan
    meta = kept.select("meta__image", "meta__object", "meta__dose")
    table = meta.hstack(pl.DataFrame(values, schema=[column.name for column in columns])).to_arrow()
    schema = pa.schema([pa.field(field.name, field.type) for field in table.schema]).with_metadata(
        encode({column.name: column for column in columns}, meta=meta_definitions(meta.columns))
    )
    pq.write_table(table.cast(schema), path, row_group_size=50)


def _write_timeline(path: Path) -> None:
    rows = {
        "stage": ["mask", "mask", "features", "features"],
        "task": [0, 1, 0, 1],
        "resources": ["GPU", "CPU", "CPU", "CPU"],
        "worker": ["gpu-0", "cpu-0", "cpu-0", "cpu-1"],
        "host": ["node"] * 4,
        "started": [1000.0, 1000.0, 1003.0, 1004.0],
        "ended": [1003.0, 1004.0, 1008.0, 1012.0],
        "peak_bytes": [3 << 20, 5 << 20, 7 << 20, 2 << 30],
    }
    pl.DataFrame(rows).write_parquet(path)


def _write_pictures(folder: Path, cells: pl.DataFrame) -> None:
    ranks: dict[str, int] = {}
    pictures = []
    for place, (image, number, status) in enumerate(cells.select("meta__image", "meta__object", "status").iter_rows()):
        ranks[status] = ranks.get(status, -1) + 1
        rule = "dim" if status == "quality:dim" else None
        shape = (24, 49)
        pictures.append(
            CellPicture(
                image=image,
                object=number,
                status=status,
                rule=rule,
                rank=ranks[status],
                width=shape[1],
                height=shape[0],
                webp=_webp(shape, shade=place % 200),
                alt=f"cell of {image}",
            )
        )
    field = FieldPicture(
        image=HOSTILE, group=ENDING, width=300, height=200, reduction=2, kept=5, rejected=1,
        webp=_webp((200, 300), shade=90), alt=ENDING,
    )  # fmt: skip
    light = IlluminationPicture(
        group="",
        channel=ENDING,
        width=60,
        height=40,
        lowest=0.8,
        highest=1.2,
        webp=_webp((40, 60), shade=99),
        alt="light",
    )
    write_pictures(folder, cells=pictures, fields=[field], illumination=[light])
    ranges = tuple(ChannelRange(name=name, low=0, high=4095, colour="#33cc33") for name in CHANNELS)
    write_display(folder, Display(channels=ranges, composite=ranges, rule="quantiles", outlines={"li": "#ffd400"}))


def _webp(shape: Sequence[int], *, shade: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((*shape, 3), shade, dtype=np.uint8)).save(file, "WEBP")
    return file.getvalue()


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
