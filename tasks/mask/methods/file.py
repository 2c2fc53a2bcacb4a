"""Mask ``file``: the masks that the files hold beside the pixels."""

from typing import ClassVar, Literal

from pydantic import Field

from tasks.core.types import Batch, Ragged
from tasks.mask.registry import MaskMethod, masks


class File(MaskMethod):
    """The masks in the image files."""

    from_files: ClassVar[bool] = True

    method: Literal["file"] = Field(
        default="file",
        description="Masks in the image files, one per channel, as the instrument's software drew them (.cif).",
    )


@masks.register(File)
def file_mask(batch: Batch, config: File) -> Ragged:
    """Masks of a batch: bool, C channels.

    Raises
    ------
    ValueError
        The batch was read without them.
    """
    if batch.file_masks is None:
        raise ValueError(f"the mask {config.name!r} needs the masks in the files, which this batch does not have")
    return batch.file_masks
