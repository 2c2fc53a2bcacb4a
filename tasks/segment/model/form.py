"""What a model file must be: one ONNX network that turns an image into three maps, and says how to prepare the image.

======== ==================== ====================================================================================
input    ``image``            float32 (N, 1, H, W); H and W multiples of 8
output   ``maps``             float32 (N, 3, H, W), each in [0, 1]: the probability that a pixel is inside an
                              object; its distance to the object's rim over the greatest such distance in the object;
                              the probability that it is rim, where objects touch or end
metadata as `Form` tells      texts in ``metadata_props``, ``scip_flows.form`` being "1"
======== ==================== ====================================================================================

The network may not normalize over the image: a map's pixel depends on the `receptive_field` around it and on nothing
else, so that a field may be worked on in tiles.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tasks.core.errors import ConfigError
from tasks.core.work import Frozen

FORM = "1"
FORM_KEY = "scip_flows.form"
MULTIPLE = 8
"""Height and width of what the network is given are multiples of this."""

INPUT = ("image", "tensor(float)", 4, 1)
OUTPUT = ("maps", "tensor(float)", 4, 3)
"""Name, type, number of axes, and length of the second one."""


class Form(BaseModel):
    """The metadata of a model file.

    An image v becomes ``(v − low) / (high − low)``, clipped, where low and high are percentiles of all its finite
    pixels; then it is resampled so that objects have the model's diameter.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    diameter: float = Field(gt=0, allow_inf_nan=False, description="Diameter of objects in the network's pixels.")
    lower_percentile: float = Field(ge=0, le=100, description="Percentile of the image that becomes 0.")
    upper_percentile: float = Field(ge=0, le=100, description="Percentile of the image that becomes 1.")
    clip_low: float = Field(allow_inf_nan=False, description="Least value that the network is given.")
    clip_high: float = Field(allow_inf_nan=False, description="Greatest value that the network is given.")
    receptive_field: int = Field(
        ge=1, description="Side of the square of the network's pixels on which a pixel of the maps depends."
    )
    foreground_threshold: float = Field(gt=0, lt=1, description="Least foreground of an object's pixel.")
    peak_drop: float = Field(ge=0, le=1, description="Fall of the height that parts two peaks.")
    boundary_weight: float = Field(ge=0, le=1, description="How much of the height a certain boundary takes away.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for low, high in (("lower_percentile", "upper_percentile"), ("clip_low", "clip_high")):
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} {getattr(self, low):g} is not below {high} {getattr(self, high):g}")
        return self

    @property
    def halo(self) -> int:
        """How far, in the network's pixels, what surrounds a tile must be known; a multiple of `MULTIPLE`."""
        return -(-self.receptive_field // (2 * MULTIPLE)) * MULTIPLE


class NetworkFile(Frozen):
    """A model file that was found in order.

    Parameters
    ----------
    path
        Where it is; of no account.
    content
        Digest of its bytes.
    form
        Its metadata.
    """

    path: str
    content: str
    form: Form

    @property
    def identity(self) -> str:
        """What results depend on."""
        return self.content


def parse_form(metadata: dict[str, str], *, path: str) -> Form:
    """Read the metadata of a model file.

    Raises
    ------
    ConfigError
        It is of another form, or lacks something; the message names all that is missing or wrong.
    """
    if metadata.get(FORM_KEY) != FORM:
        got = f"has {FORM_KEY} {metadata[FORM_KEY]!r}" if FORM_KEY in metadata else f"lacks {FORM_KEY}"
        raise ConfigError(f"{path} {got} in its metadata, expected {FORM!r}; {NEEDED}")
    try:
        return Form.model_validate(metadata)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'metadata'}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_url=False)
        ]
        raise ConfigError(f"{path} has metadata that cannot be used ({'; '.join(problems)}); {NEEDED}") from error


NEEDED = f"a model file carries {FORM_KEY}, {', '.join(Form.model_fields)} in its metadata_props"
