"""InstanSeg: nuclei and cells by a small network of embeddings."""

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tasks.core.errors import ConfigError
from tasks.core.gpus import torch_obstacle
from tasks.core.registry import Device
from tasks.core.types import AnyArray, LabelArray
from tasks.segment.matched import select_channels
from tasks.segment.networks import Network, NetworkMethod, limit_torch
from tasks.segment.registry import segmenters

FILE = "instanseg.pt"
"""A model in its folder."""


class InstanSeg(NetworkMethod):
    """InstanSeg (an extra): nuclei and cells, in any number of fluorescence channels."""

    PACKAGE: ClassVar[str] = "instanseg-torch>=0.1.1"
    EXTRA: ClassVar[str] = "instanseg"

    method: Literal["instanseg"] = "instanseg"
    model: str = Field(
        min_length=1,
        description=f"Path of the model's TorchScript file ({FILE}) or of its folder, absolute or relative to the "
        "folder in which the program is started, or the name of that in the folder that INSTANSEG_BIOIMAGEIO_PATH "
        "names. TorchScript is a program: take it from whom you trust.",
    )
    pixel_size: float | None = Field(
        default=None,
        gt=0,
        description="Micrometers per pixel; the image is scaled to those that the model knows. Default: as it is.",
    )
    outline: Literal["nuclei", "cells"] = Field(
        default="nuclei", description="What of a model that outlines both is taken."
    )

    @classmethod
    def places(cls, model: str) -> Sequence[Path]:
        """Where InstanSeg looks for models; of those it downloads, the folder of a version."""
        folder = Path(os.environ.get("INSTANSEG_BIOIMAGEIO_PATH", "bioimageio_models")) / model
        return [folder, *sorted(file.parent for file in folder.glob(f"*/{FILE}"))][::-1]

    @classmethod
    def files(cls, path: Path) -> Sequence[Path]:
        """One file of TorchScript, which is not a pickle."""
        file = path / FILE if path.is_dir() else path
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
        except (OSError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{file} is no TorchScript file: {error}") from error
        if not any(name.endswith("constants.pkl") for name in names):
            raise ConfigError(f"{file} is no TorchScript file; weights that come as a pickle are refused")
        return [file]

    @classmethod
    def limit_threads(cls) -> None:
        """Keep torch to one thread."""
        limit_torch()

    @classmethod
    def open(cls, path: Path, *, device: Device) -> Network:
        """Load TorchScript, whose loader makes no Python objects."""
        import instanseg
        import torch

        (file,) = cls.files(path)
        where = "cuda" if device == "gpu" else "cpu"
        module = torch.jit.load(str(file), map_location=where)
        if not hasattr(module, "pixel_size") or not hasattr(module, "cells_and_nuclei"):
            raise ConfigError(f"{file} is TorchScript, but no model of InstanSeg")
        return instanseg.InstanSeg(module, device=where, verbosity=0)


@segmenters.register(InstanSeg, gpu=torch_obstacle)
def instanseg(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    config: InstanSeg,
    channels: Sequence[str],
    device: Device = "cpu",
) -> LabelArray:
    """Outline objects by InstanSeg [1]_, which scales each channel by its own percentiles.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype.
    labels
        Objects found before, for the match.
    config
        Channels, model and size of pixels.
    channels
        C names.
    device
        Where the network runs.

    Returns
    -------
    (H, W) int32
        Its objects in raster order, or with the numbers of those that they are matched to.

    Raises
    ------
    ConfigError
        The model is not there or cannot be used.

    References
    ----------
    .. [1] Goldsborough et al., arXiv:2408.15954.
    """
    shown = select_channels(image, names=config.channels, channels=channels)
    network = config.network(device=device)
    large = shown.size > network.small_image_threshold
    objects = (network.eval_medium_image if large else network.eval_small_image)(
        shown.astype(np.float32),
        pixel_size=config.pixel_size,
        return_image_tensor=False,
        target=config.outline,
    )
    plane = objects.cpu().numpy().reshape(-1, *image.shape[1:])[-1 if config.outline == "cells" else 0]
    return config.fit(plane.astype(np.int32), earlier=labels, shape=image.shape[1:])
