"""Damaged files, few of each reader; more by ``python -m tests.chaos.fuzz``."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.core.registry import Parts
from tasks.ingest.readers import readers
from tests.chaos.fuzz import fuzz
from tests.chaos.fuzz_damage import damaged
from tests.chaos.fuzz_seeds import cases

FANCY = """
import os, time
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from tasks.ingest.readers.base import FileReader, Header, ReaderListing, register
from tasks.ingest.readers.image import file_reference

@dataclass(frozen=True)
class FancyReader(FileReader):
    name: str = "fancy"
    accepted: str = ".fancy"
    def accepts(self, source): return source.suffix == ".fancy"
    def suits(self, source, *, by_channel): return self.accepts(source)
    def index(self, sources, *, pattern, wanted):
        return ReaderListing(references=[file_reference(source, reader=self.name) for source in sources])
    def probe(self, reference, *, pattern): return Header(channels=1, height=2, width=2, dtype=np.dtype("u1"))
    def read(self, reference, *, channels, z):
        return np.frombuffer(Path(reference.paths[0]).read_bytes(), "u1").reshape(1, 2, 2)
    {example}

register(FancyReader())
"""


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize("reader", [name for name in readers.names if name != "aicsimageio"])  # see test_aicsimageio.py
def test_damaged_files_are_read_or_quarantined_and_nothing_else(reader: str) -> None:
    outcomes = fuzz(reader, files=60, seed=0)
    assert outcomes.bad == []
    assert outcomes.tried == 60
    assert min(outcomes.counts["read"], outcomes.counts["quarantined"]) > 0


def test_a_reader_without_a_seed_is_not_passed_over(install: Callable[[str, Parts[Any]], None], tmp_path: Path) -> None:
    install(FANCY.format(example=""), readers)
    with pytest.raises(LookupError, match=r"'fancy' reads none of the seeds; give it a method example\(folder\)"):
        cases("fancy", folder=tmp_path / "seeds")


def test_a_reader_that_is_added_declares_its_seed(install: Callable[[str, Parts[Any]], None], tmp_path: Path) -> None:
    install(FANCY.format(example='def example(self, folder): (folder / "a.fancy").write_bytes(b"1234")'), readers)
    (case,) = cases("fancy", folder=tmp_path / "seeds")
    assert case.seed.files == {"a.fancy": b"1234"}


def test_damage_follows_from_its_seed() -> None:
    def tries(seed: int) -> list[bytes]:
        draw = random.Random(seed)  # noqa: S311 - damage, not a secret
        return [damaged(bytes(range(200)), draw=draw, other=b"other") for _ in range(50)]

    assert tries(1) == tries(1) != tries(2)
    assert sum(one == bytes(range(200)) for one in tries(1)) < 10


KILLERS = {
    "exit": ("os._exit(3)", "crashed"),
    "segfault": ("os.kill(os.getpid(), 11)", "crashed"),
    "raise": ("raise SystemExit('no')", "crashed"),
    "memory": ("bytearray(2**32)", "crashed"),
    "loop": ("time.sleep(60)", "hung"),
}


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize("kind", KILLERS)
def test_a_reader_that_dies_or_hangs_is_found_out_and_the_other_files_are_tried(
    kind: str, install: Callable[[str, Parts[Any]], None]
) -> None:
    does, outcome = KILLERS[kind]
    example = 'def example(self, folder): (folder / "a.fancy").write_bytes(b"1234")'
    body = FANCY.format(example=example).replace(
        "        return np.frombuffer(", f"        if len(Path(reference.paths[0]).read_bytes()) < 2: {does}\n"
        "        return np.frombuffer("
    )  # fmt: skip
    install(body, readers)
    outcomes = fuzz("fancy", files=12, seed=0, seconds=8)
    assert outcomes.tried == 12
    assert outcomes.counts[outcome] == len(outcomes.bad) > 0
    assert outcomes.counts["read"] > 0
