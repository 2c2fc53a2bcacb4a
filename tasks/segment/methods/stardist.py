"""StarDist: star-convex outlines, such as nuclei, by a network of rays."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tasks.core.errors import ConfigError
from tasks.core.gpus import tensorflow_obstacle
from tasks.core.registry import Device
from tasks.core.types import AnyArray, LabelArray
from tasks.segment.matched import select_channels
from tasks.segment.networks import Network, NetworkMethod
from tasks.segment.registry import segmenters

TILE = 1024
"""Rows and columns of what is looked at at a time, about; no result depends on it."""


class StarDist(NetworkMethod):
    """StarDist (an extra): round objects, such as nuclei, in crowded fields."""

    PACKAGE: ClassVar[str] = "stardist>=0.9.1"
    EXTRA: ClassVar[str] = "stardist"

    method: Literal["stardist"] = "stardist"
    model: str = Field(
        min_length=1,
        description="Path of the model's folder (config.json, weights, thresholds.json), absolute or relative to the "
        "folder in which the program is started, or its name in "
        "~/.keras/models/StarDist2D, such as 2D_versatile_fluo.",
    )
    scale: float = Field(
        default=1.0,
        gt=0,
        description="The image is enlarged by this factor before; objects should have the size that the model knows.",
    )
    prob_threshold: float | None = Field(
        default=None, gt=0, lt=1, description="Least probability of an object; lower finds more. Default: the model's."
    )
    nms_threshold: float | None = Field(
        default=None, gt=0, lt=1, description="Overlap above which two outlines are one object. Default: the model's."
    )

    @classmethod
    def places(cls, model: str) -> Sequence[Path]:
        """Where StarDist puts the models that it downloads."""
        folder = Path.home() / ".keras" / "models" / "StarDist2D" / model
        inside = [folder / f"{model}_extracted", folder / model, folder]
        return [place for place in inside if (place / "config.json").exists()] or [folder]

    @classmethod
    def files(cls, path: Path) -> Sequence[Path]:
        """Everything that the folder's model is made of."""
        weights = sorted(file for suffix in ("*.h5", "*.hdf5") for file in path.glob(suffix))
        best = [file for file in weights if "best" in file.name] or weights
        if not (path / "config.json").is_file() or len(best) != 1:
            raise ConfigError(
                f"{path} is no model of StarDist, or not one: it has {len(best)} files of weights (*.h5), expected one "
                "beside config.json"
            )
        return [path / "config.json", path / "thresholds.json", *best]

    def check_fit(self, network: Network) -> None:
        """Check that the network looks at as many channels."""
        if (wanted := int(network.config.n_channel_in)) != len(self.channels):
            raise ConfigError(f"the model looks at {wanted} channels, but channels has {len(self.channels)}")

    @classmethod
    def limit_threads(cls) -> None:
        """Keep TensorFlow to one thread."""
        import tensorflow as tf

        with suppress(RuntimeError):  # it has computed in this process before
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)

    @classmethod
    def open(cls, path: Path, *, device: Device) -> Network:
        """Build the network that config.json describes, and load its weights, which are numbers only."""
        import tensorflow as tf

        if device == "cpu":
            with suppress(RuntimeError):  # it has computed in this process before
                tf.config.set_visible_devices([], "GPU")
        from stardist.models import StarDist2D

        return StarDist2D(None, name=path.name, basedir=str(path.parent))


@segmenters.register(StarDist, gpu=tensorflow_obstacle)
def stardist(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    config: StarDist,
    channels: Sequence[str],
    device: Device = "cpu",
) -> LabelArray:
    """Outline objects by StarDist [1]_; each channel is scaled by its own percentiles 1 and 99.8, as it was trained.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype.
    labels
        Objects found before, for the match.
    config
        As many channels as the model was trained with, the model, and thresholds.
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
        The model is not there, cannot be used, or looks at another number of channels.

    References
    ----------
    .. [1] Schmidt, Weigert, Broaddus & Myers, MICCAI 2018, 265-273.
    """
    from csbdeep.utils import normalize

    network = config.network(device=device)
    shown = np.moveaxis(select_channels(image, names=config.channels, channels=channels), 0, -1)
    scaled = normalize(shown, 1, 99.8, axis=(0, 1))
    objects, _ = network.predict_instances(
        scaled,
        axes="YXC",
        prob_thresh=config.prob_threshold,
        nms_thresh=config.nms_threshold,
        scale=None if config.scale == 1 else (config.scale, config.scale, 1),
        n_tiles=(*(math.ceil(length * config.scale / TILE) for length in shown.shape[:2]), 1),
        show_tile_progress=False,
    )
    return config.fit(np.asarray(objects), earlier=labels, shape=image.shape[1:])
