"""Objects as a learned model sees them: a network's maps, then a watershed."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tasks.core.errors import ConfigError
from tasks.core.gpus import onnx_obstacle
from tasks.core.registry import Device
from tasks.core.section import Section
from tasks.core.types import AnyArray, LabelArray
from tasks.segment.model.diameter import field_diameter, pooled_diameter
from tasks.segment.model.form import MULTIPLE
from tasks.segment.model.instances import instances
from tasks.segment.model.maps import field_maps
from tasks.segment.model.network import find_network, open_network
from tasks.segment.registry import ObjectMethod, segmenters


class Reuse(Section):
    """A diameter that another run has decided."""

    use: str = Field(
        min_length=1,
        description="diameters.json of another run, the folder statistics/ that holds it, or that run's output folder; "
        "absolute or relative to the folder in which the program is started.",
    )


class Model(ObjectMethod):
    """Objects of the kind that a network has learned; nuclei, by the one that comes with the program."""

    method: Literal["model"] = "model"
    channel: str = Field(description="Channel in which the objects are bright.")
    model: str = Field(
        default="nucleus",
        min_length=1,
        description="nucleus, which comes with the program, or the path of an ONNX file of the same form, absolute or "
        "relative to the folder in which the program is started.",
    )
    diameter: float | Literal["auto"] | Reuse = Field(
        default="auto",
        description="Typical diameter in pixels; the image is scaled by it to the size that the network has learned. "
        "auto: estimated for each group from a sample of its fields. {use: DIR}: as another run has decided.",
    )
    group_by: tuple[str, ...] = Field(
        default=(),
        description="Metadata of the images; each combination, such as each plate, gets a diameter of "
        "its own where that is estimated.",
    )
    foreground_threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Least probability that a pixel is inside an object; lower finds more, with wider outlines. "
        "Default: the model's own.",
    )
    peak_drop: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Two peaks of the distance to the rim, which is 1 in the middle of an object, are two objects "
        "where it falls by this between them; lower parts more. Default: the model's own.",
    )
    min_diameter: float | None = Field(
        default=None, ge=0, description="Objects smaller than a disc of this diameter are dropped; default diameter/4."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_group(cls, data: Any) -> Any:  # noqa: ANN401
        if isinstance(data, Mapping) and isinstance(data.get("group_by"), str):
            return {**data, "group_by": (data["group_by"],)}
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.diameter, float):
            if not 0 < self.diameter < np.inf:
                raise ValueError(f"diameter: got {self.diameter:g}, expected a length in pixels above 0, or auto")
            if self.group_by:
                raise ValueError(
                    "group_by: got it beside a diameter, which holds for all images; leave one of them out"
                )
        if isinstance(self.diameter, Reuse) and self.group_by:
            raise ValueError("group_by: got it beside diameter.use; the other run's groups are taken; leave it out")
        return self

    def located(self) -> Self:
        """Name the model's file by its absolute path."""
        return self.model_copy(update={"model": find_network(self.model).path})

    def load(self, *, device: Device) -> None:
        """Open the network, and have it look at a few pixels: on a GPU, more is loaded and chosen for that."""
        network = open_network(find_network(self.model), device=device)
        network.run(np.zeros((1, 1, MULTIPLE, MULTIPLE), dtype=np.float32))

    @property
    def identity(self) -> dict[str, object]:
        """What objects depend on, but for the model's file and a diameter that is decided: tasks are given these."""
        decided = {} if isinstance(self.diameter, float) else {"diameter"}
        return self.model_dump(exclude={"model", "group_by", *decided})

    def decided(self, *, model: str, diameter: float) -> "Model":
        """Return the configuration with a diameter that was decided, and the path of the model's file."""
        return self.model_copy(update={"model": model, "diameter": diameter, "group_by": ()})


@segmenters.register(Model, gpu=onnx_obstacle)
def model(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    config: Model,
    channels: Sequence[str],
    device: Device = "cpu",
) -> LabelArray:
    """Find objects by a learned model.

    The image is scaled by percentiles and resampled so that objects have the size that the network has learned; its
    maps are brought back to the image's pixels, in which the objects are told apart: see
    `tasks.segment.model.instances.instances`.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype. Pixels that are not finite belong to no object.
    labels
        Ignored: these objects are found by themselves.
    config
        Parameters. With ``diameter: auto`` the diameter is estimated from this image alone; a run decides it before,
        from a sample of the images.
    channels
        C names.
    device
        Where the network runs; the rest is done on the processor.

    Returns
    -------
    (H, W) int32
        1..K in raster order of first pixels; zeros where the channel is constant or holds no finite value.

    Raises
    ------
    ConfigError
        The model cannot be used, or the diameter is another run's, which a run takes over.
    """
    del labels
    plane = image[list(channels).index(config.channel)]
    network = open_network(find_network(config.model), device=device)
    diameter = config.diameter
    if isinstance(diameter, Reuse):
        raise ConfigError(f"objects.{config.name}.diameter: use is for runs; give the diameter that stands there")
    if diameter == "auto":
        diameter = pooled_diameter([field_diameter(plane, network=network)]) or network.form.diameter
    maps = field_maps(plane, network=network, diameter=diameter)
    if maps is None:
        return np.zeros(plane.shape, dtype=np.int32)
    form = network.form
    return instances(
        maps,
        foreground_threshold=config.foreground_threshold or form.foreground_threshold,
        peak_drop=form.peak_drop if config.peak_drop is None else config.peak_drop,
        boundary_weight=form.boundary_weight,
        min_diameter=diameter / 4 if config.min_diameter is None else config.min_diameter,
    )
