"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")
"""A run tests what the run before it tested, however slowly; an example that fails goes into a test of its own."""

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of real images; set SCIP_TEST_DATA where it does not lie beside the project."""
    root = Path(os.environ.get("SCIP_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no real images at {root}; set SCIP_TEST_DATA to their folder")
    return root
