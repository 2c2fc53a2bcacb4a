"""Images that end their reader's process, fill the memory or are never read: they alone are set aside."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.chaos.processes import end_orphans
from tests.chaos.services import environment

READER = """
import os
import time
from dataclasses import dataclass

import numpy as np

from tasks.ingest.readers.base import FileReader, Header, ReaderListing, positions, register
from tasks.ingest.readers.image import file_reference


def allocate():
    kept = []
    while True:
        kept.append(np.ones(2**23))
        time.sleep(0.02)  # 3 GB a second


def loop():
    while True:
        pass


PLANTED = {"stamp_0123.planted": lambda: os._exit(17), "stamp_0500.planted": allocate, "stamp_0877.planted": loop}


@dataclass(frozen=True)
class PlantedReader(FileReader):
    name: str = "planted"
    accepted: str = ".planted"

    def accepts(self, source):
        return source.suffix == ".planted"

    def suits(self, source, *, by_channel):
        return self.accepts(source)

    def index(self, sources, *, pattern, wanted):
        return ReaderListing(references=[file_reference(source, reader=self.name) for source in sources])

    def probe(self, reference, *, pattern):
        return Header(channels=1, height=24, width=24, dtype=np.dtype("uint16"))

    def read(self, reference, *, channels, z):
        name = reference.paths[0].rpartition("/")[2]
        PLANTED.get(name, int)()
        rows, columns = np.mgrid[:24, :24] - 12
        disc = rows**2 + columns**2 < 30 + int(name[6:10]) % 20
        return np.where(disc, 900, 100).astype(np.uint16)[np.newaxis]


register(PlantedReader())
"""

CONFIG = """
load: {channels: {BF: 0}}
mask: {methods: [otsu], main_channel: BF}
features: {families: [shape]}
report: off
run: {max_quarantined: 0.01, time_limit: {start: 5, image: 0.1, megabyte: 1}}
"""

CLUSTER = "{kind: local, workers: 2, memory: 1.5 GB}"
"""Other processes of this machine need their memory."""

DEADLY = {"stamp_0123.planted", "stamp_0500.planted", "stamp_0877.planted"}


def install(folder: Path) -> None:
    """Install a package with the reader as pip does, in a folder for PYTHONPATH."""
    info = folder / "planted-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "planted.py").write_text(READER, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[scip_flows.reader]\nplanted = planted\n", encoding="utf-8")


@pytest.mark.slow
@pytest.mark.chaos
def test_three_deadly_images_of_a_thousand_are_quarantined_and_the_others_are_in_the_table(tmp_path: Path) -> None:
    install(tmp_path / "site")
    (tmp_path / "images").mkdir()
    for number in range(1000):
        (tmp_path / "images" / f"stamp_{number:04}.planted").write_bytes(b"%d" % number)
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "cluster.yaml").write_text(CLUSTER, encoding="utf-8")
    variables = environment(tmp_path, mark=str(tmp_path))
    variables["PYTHONPATH"] += f":{tmp_path / 'site'}"
    line = [sys.executable, "-m", "flows.preprocess", "images", "--config", "config.yaml", "--output", "out"]
    try:
        done = subprocess.run(
            [*line, "--cluster", "cluster.yaml"],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    finally:
        orphans = end_orphans([str(tmp_path)])
    assert done.returncode == 0, done.stderr
    assert orphans == ()

    quarantined = pl.read_parquet(tmp_path / "out" / "quarantine.parquet")
    reasons = dict(zip(quarantined["meta__image"], quarantined["message"], strict=True))
    assert {name.rpartition("/")[2] for name in reasons} == DEADLY
    assert all(reasons.values())
    table = pl.read_parquet(tmp_path / "out" / "features" / "*.parquet")
    assert table.height == 997
    assert not DEADLY & {name.rpartition("/")[2] for name in table["meta__image"]}
