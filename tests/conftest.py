"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of real images; set SCIP_TEST_DATA where it does not lie beside the project."""
    root = Path(os.environ.get("SCIP_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no real images at {root}; set SCIP_TEST_DATA to their folder")
    return root
