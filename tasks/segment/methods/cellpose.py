"""Cellpose, release 4: outlines of cells and nuclei by the network Cellpose-SAM, or one that was trained from it."""

import os
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


class Cellpose(NetworkMethod):
    """Cellpose (an extra): a generalist for cells and nuclei of any look."""

    PACKAGE: ClassVar[str] = "cellpose>=4.0.1"
    EXTRA: ClassVar[str] = "cellpose"

    method: Literal["cellpose"] = "cellpose"
    channels: tuple[str, ...] = Field(
        min_length=1, max_length=3, description="Up to three channels that the network is shown; the order is its own."
    )
    model: str = Field(
        default="cpsam",
        min_length=1,
        description="Path of the weights, absolute or relative to the folder in which the program is started, or their "
        "name in ~/.cellpose/models (CELLPOSE_LOCAL_MODELS_PATH). Weights of "
        "Cellpose 3 and before do not fit.",
    )
    diameter: float | None = Field(
        default=None,
        gt=0,
        description="Typical diameter in pixels; the image is scaled so that it becomes 30. Default: as it is.",
    )
    flow_threshold: float = Field(default=0.4, ge=0, description="Largest error of an object's flows; 0: any.")
    cellprob_threshold: float = Field(default=0.0, description="Least logit of a pixel of an object; lower finds more.")
    min_area: int = Field(default=15, ge=0, description="Objects of fewer pixels are dropped.")

    @classmethod
    def places(cls, model: str) -> Sequence[Path]:
        """Where Cellpose keeps models."""
        folder = os.environ.get("CELLPOSE_LOCAL_MODELS_PATH")
        return [(Path(folder) if folder else Path.home() / ".cellpose" / "models") / model]

    @classmethod
    def files(cls, path: Path) -> Sequence[Path]:
        """One file of weights."""
        if not path.is_file():
            raise ConfigError(f"{path} is a folder, expected a file of weights")
        return [path]

    @classmethod
    def limit_threads(cls) -> None:
        """Keep torch to one thread."""
        limit_torch()

    @classmethod
    def open(cls, path: Path, *, device: Device) -> Network:
        """Load weights, refusing what is more than weights, and those of another network.

        Cellpose itself would leave weights that a file lacks at random.
        """
        import torch

        weights = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        if not isinstance(weights, Mapping) or "W2" not in weights:
            raise ConfigError(f"{path} holds no weights of Cellpose 4; those of Cellpose 3 and before do not fit")
        from cellpose.models import CellposeModel

        model = CellposeModel(
            pretrained_model=str(path),
            device=torch.device("cuda" if device == "gpu" else "cpu"),
            use_bfloat16=device == "gpu",
        )
        known = {name.removeprefix("module.") for name in weights}
        if lacking := sorted(name for name in model.net.state_dict() if name not in known):
            raise ConfigError(f"{path} lacks {len(lacking)} of the network's weights, such as {lacking[0]}")
        return model


@segmenters.register(Cellpose, gpu=torch_obstacle)
def cellpose(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    config: Cellpose,
    channels: Sequence[str],
    device: Device = "cpu",
) -> LabelArray:
    """Outline objects by Cellpose [1]_, which scales each channel of the image by its own percentiles 1 and 99.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype.
    labels
        Objects found before, for the match.
    config
        Channels, model and thresholds.
    channels
        C names.
    device
        On a GPU in bfloat16, Cellpose's default; on a processor in float32.

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
    .. [1] Pachitariu, Rariden & Stringer, bioRxiv 2025.04.28.651001.
    """
    shown = select_channels(image, names=config.channels, channels=channels)
    masks, _, _ = config.network(device=device).eval(
        shown,
        channel_axis=0,
        diameter=config.diameter,
        flow_threshold=config.flow_threshold,
        cellprob_threshold=config.cellprob_threshold,
        min_size=config.min_area or -1,
    )
    return config.fit(np.asarray(masks).reshape(image.shape[1:]), earlier=labels, shape=image.shape[1:])
