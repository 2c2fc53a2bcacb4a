"""How many images may be set aside before a run counts as failed."""

from pathlib import Path

from flows.config import Config
from tasks.core.errors import RunError


def too_many(quarantined: int, *, images: int, config: Config) -> bool:
    """Whether more images were quarantined than run.max_quarantined allows."""
    return quarantined > config.run.max_quarantined * images


def check_quarantined(quarantined: int, *, images: int, config: Config, output: str) -> None:
    """Fail where too many images were quarantined.

    Raises
    ------
    RunError
        With the numbers, and where the reasons stand.
    """
    if too_many(quarantined, images=images, config=config):
        raise RunError(
            f"{quarantined} of {images} images were quarantined, more than run.max_quarantined: "
            f"{config.run.max_quarantined} allows; which and why stands in {Path(output) / 'quarantine.parquet'}"
        )
