"""A folder that grows: what was made of the images that were there is kept, but for those beside the new ones."""

import shutil
from pathlib import Path

import pytest

from flows.config import parse_config
from flows.engine.summary import Summary
from flows.preprocess import preprocess
from tasks.ingest.example import write_example

STAMPS = 300
CONFIG = parse_config(
    {
        "load": {"channels": {"BF": 0, "DNA": 2}},
        "mask": {"methods": ["circle"], "main_channel": "BF"},
        "quality": [{"metric": "sum", "channel": "DNA", "threshold": {"method": "quantile", "q": 0.1}}],
        "features": {"families": ["shape"]},
        "report": "off",
        "run": {"partition_size": 3},
    }
)


@pytest.mark.slow
def test_one_percent_more_stamps_redo_at_most_five_percent_of_the_tasks_before_the_decisions(
    scheduler: str, tmp_path: Path
) -> None:
    drawn = sorted(write_example(tmp_path / "drawn", count=STAMPS + STAMPS // 100).rglob("*.tif"))

    def run_with(stamps: int) -> Summary:
        for number, path in enumerate(drawn[:stamps]):
            target = tmp_path / "stamps" / f"night{number // 60}" / f"{number}.tif"
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copyfile(path, target)
        output = str(tmp_path / "output")
        return preprocess(config=CONFIG, inputs=[str(tmp_path / "stamps")], output=output, cluster=scheduler)

    before, after = run_with(STAMPS), run_with(len(drawn))
    assert (before.images, after.images) == (STAMPS, len(drawn))
    for stage in ("mask", "quality metrics"):
        assert before.stages[stage].computed > 64
        assert after.stages[stage].computed + after.stages[stage].cached >= before.stages[stage].computed
        assert 1 <= after.stages[stage].computed <= 0.05 * before.stages[stage].computed
