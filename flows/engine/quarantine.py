"""How many images may be set aside before a run counts as failed."""

from pathlib import Path

from flows.engine.preparation import Preparation
from tasks.core.errors import RunError
from tasks.core.work import StageResult


class TooManyQuarantinedError(RunError):
    """More images were set aside than run.max_quarantined allows."""


class QuarantineLimit:
    """Counts images that are set aside as the stage goes on that reads them first.

    Parameters
    ----------
    images
        Images of the run.
    quarantined
        Those that are set aside already.
    allowed
        Fraction of the images, run.max_quarantined.
    output
        Where the reasons are written.
    """

    def __init__(self, *, images: int, quarantined: int, allowed: float, output: Path) -> None:
        self._images = images
        self._quarantined = quarantined
        self._allowed = allowed
        self._output = output

    @classmethod
    def of(cls, preparation: Preparation) -> "QuarantineLimit":
        """Set the limit of a run."""
        spec, images = preparation.spec, preparation.listing.images
        return cls(
            images=images.images + images.faults,
            quarantined=images.faults,
            allowed=spec.config.run.max_quarantined,
            output=spec.output,
        )

    def add(self, result: StageResult) -> None:
        """Count what a task set aside.

        Raises
        ------
        TooManyQuarantinedError
            It is too much by now.
        """
        self._quarantined += result.counts["quarantined"]
        self.check(self._quarantined)

    def check(self, quarantined: int) -> None:
        """Refuse too many.

        Raises
        ------
        TooManyQuarantinedError
            With the numbers, and where the reasons are.
        """
        if quarantined > self._allowed * self._images:
            raise TooManyQuarantinedError(
                f"{quarantined} of {self._images} images were quarantined, more than run.max_quarantined: "
                f"{self._allowed} allows; which and why is in {self._output / 'quarantine.parquet'}"
            )
