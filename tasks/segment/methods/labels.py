"""Objects that were outlined before, by another program or by hand: label images, a file for each field."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from tasks.core.errors import PixelError
from tasks.core.label_files import check_template
from tasks.core.types import AnyArray, LabelArray
from tasks.segment.matched import MatchedMethod
from tasks.segment.registry import segmenters


class Labels(MatchedMethod):
    """Objects of label images that are there already, such as those of Cellpose or CellProfiler."""

    method: Literal["labels"] = "labels"
    files: str = Field(
        description="Label image of each field: a TIFF or PNG of whole numbers, 0 for background. A path, absolute or "
        "relative to the folder of the field, in which {stem} stands for the name of the field's (first) file "
        "without suffix, {name} for that with it, {folder} for its folder relative to the input's parent, and other "
        "names in braces for groups of load.pattern: '{stem}_cp_masks.png', '../labels/{well}_{site}.tif'."
    )
    holds: Literal["labels", "mask"] = Field(
        default="labels",
        description="labels: a number for each object, in any order and with gaps. mask: everything but 0 is object, "
        "and connected areas (along rows and columns) are told apart.",
    )

    @field_validator("files")
    @classmethod
    def _check_files(cls, files: str) -> str:
        return check_template(files)

    @property
    def label_files(self) -> str:
        """Where the label images are."""
        return self.files


@segmenters.register(Labels)
def labels(image: AnyArray, *, labels: Mapping[str, AnyArray], config: Labels, channels: Sequence[str]) -> LabelArray:
    """Take over a label image.

    Parameters
    ----------
    image, channels
        Ignored but for the shape.
    labels
        The label image under the object's own name, and objects found before.
    config
        What it holds, and to which of these it is matched.

    Returns
    -------
    (H, W) int32
        The objects in raster order, or with the numbers of those that they are matched to. Objects keep all of their
        pixels, connected or not.

    Raises
    ------
    PixelError
        It has another shape than the image, pixels that are no whole numbers, or negative ones.

    Examples
    --------
    >>> config = Labels(name="nucleus", files="{stem}_cp_masks.tif")
    >>> labels(np.zeros((1, 1, 4)), labels={"nucleus": np.array([[0, 9, 9, 3]])}, config=config, channels=["DNA"])
    array([[0, 1, 1, 2]], dtype=int32)
    """
    from skimage.measure import label

    del channels
    given = labels[config.name]
    if config.holds == "mask" and given.shape == image.shape[1:]:
        given = np.asarray(label(given != 0, connectivity=1))
    try:
        return config.fit(given, earlier=labels, shape=image.shape[1:])
    except ValueError as error:
        raise PixelError(
            f"its label image {config.files!r} does not do: {error}; write it in whole numbers of 16 or 32 bits and "
            f"in the shape of the image, or correct segment.objects.{config.name}.files"
        ) from error
