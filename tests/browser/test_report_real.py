"""Reports of real images, made by the command and looked at in a browser."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import PROJECT, Watched
from tests.browser.layout import check_layout
from tests.browser.pointing import point_at_a_cell

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_BYTES = 20_000_000


@pytest.mark.parametrize("config", ["ifc_jurkat_cellcycle", "hcs_nf1", "hcs_examplehuman"])
def test_the_report_of_real_images_has_its_place_and_shows_the_cell_pointed_at(
    config: str, open_page: Callable[..., Watched], data_root: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "flows.preprocess", data_root / config, "--output", tmp_path / config]
    options = ["--config", PROJECT / "deployments" / "configs" / f"{config}.yaml", "--workers", "2"]
    variables = os.environ | {"PYTHONPATH": str(PROJECT), "PREFECT_HOME": str(tmp_path / "prefect")}
    subprocess.run(list(map(str, [*command, *options])), cwd=tmp_path, env=variables, check=True, capture_output=True)
    page = tmp_path / config / "report.html"
    assert page.stat().st_size < MOST_BYTES
    for width in (360, 800, 1600):
        watched = open_page(viewport={"width": width, "height": 900})
        check_layout(watched, page.as_uri(), width=width, name=f"{config}-{width}")
    image = point_at_a_cell(watched.page, number=7)
    assert image in watched.page.locator("#map-words").inner_text()
    watched.picture(f"{config}-cell")
