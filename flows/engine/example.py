"""The data set that a run without inputs works on."""

from pathlib import Path

from flows.config import Config, load_config
from tasks.ingest.example import write_example

COUNT = 200
"""Cells: enough to see every stage, few enough for a minute or two on a laptop."""

EXAMPLE = Path(__file__).resolve().parents[2] / "deployments" / "configs" / "example.yaml"


def example_config() -> Config:
    """Read the configuration of the example images."""
    return load_config(EXAMPLE)


def example_inputs(output: Path, *, seed: int) -> list[str]:
    """Write the example images into the output folder, unless they are there, and name them."""
    return [str(write_example(output / "work" / "example", count=COUNT, seed=seed))]
