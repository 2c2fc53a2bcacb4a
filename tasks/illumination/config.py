"""Configuration of the illumination correction: how the shading follows from the mean image of many fields."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from pydantic import Field, field_validator

from tasks.core.errors import ConfigError, suggestion
from tasks.core.registry import Registry
from tasks.core.section import Method


class IlluminationMethod(Method):
    """Where the correction images come from."""


illuminations: Registry[IlluminationMethod, Callable[..., Any]] = Registry(
    "illumination", "tasks.illumination.methods", "tasks.illumination.published"
)
"""Functions ``(mean (h, w) float64, config) -> (h, w) float64`` that smooth a channel's mean image; that of ``use``
looks at no image and is ``config -> list of correction images``."""


class Estimated(IlluminationMethod):
    """Estimated from the fields of this run."""

    group_by: tuple[str, ...] = Field(
        default=(),
        description="Metadata of the images; each combination, such as each plate, gets correction images of its own.",
    )
    downscale: int = Field(
        default=4,
        description="The mean image is scaled down so many times before it is smoothed; sizes below are in its pixels.",
        ge=1,
        le=16,
    )
    offset: float | None = Field(
        default=None,
        description="Gray level of no light: what the camera adds to every pixel, subtracted before pixels are "
        "divided. Left out: 0, or the smallest number of a signed integer type where the mean light is nearer to that.",
        ge=-(2**32),
        le=2**32,
    )
    rescale: Literal["mean", "none"] = Field(
        default="mean",
        description="mean: correction images have the mean 1, so that pixels keep their unit and size. none: pixels "
        "are divided by the smoothed mean itself and become about 1, as in the published system.",
    )

    @field_validator("group_by", mode="before")
    @classmethod
    def _one_group(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Jones2006(Estimated):
    """Median filter of the mean image."""

    method: Literal["jones2006"] = Field(default="jones2006", description="Median filter of the mean image.")
    median_size: int | None = Field(
        default=None,
        description="Side of the filter's square window, odd, in pixels of the scaled-down image; left out: about a "
        "fifth of the image's shorter side. A window as large as the shading flattens it.",
        ge=1,
    )

    @field_validator("median_size")
    @classmethod
    def _odd(cls, size: int | None) -> int | None:
        if size is not None and size % 2 == 0:
            raise ValueError(f"got {size}, expected an odd number, as a window has a middle: {size - 1} or {size + 1}")
        return size


class Gaussian(Estimated):
    """Gaussian filter of the mean image."""

    method: Literal["gaussian"] = Field(default="gaussian", description="Gaussian filter of the mean image.")
    sigma: float | None = Field(
        default=None,
        description="Standard deviation of the filter, in pixels of the scaled-down image; left out: a sixteenth of "
        "the image's shorter side.",
        gt=0,
    )


class Polynomial(Estimated):
    """Polynomial fitted to the mean image."""

    method: Literal["polynomial"] = Field(
        default="polynomial", description="Least-squares polynomial in row and column, fitted to the mean image."
    )
    degree: int = Field(default=2, description="Highest total degree of row and column.", ge=0, le=8)


class Use(IlluminationMethod):
    """Correction images of another run."""

    method: Literal["use"] = Field(default="use", description="Correction images of another run.")
    use: str = Field(description="That run's output folder, or its statistics/illumination.json.")


def check_illumination(config: IlluminationMethod, *, groups: Iterable[str]) -> None:
    """Refuse a grouping by metadata that does not exist.

    Raises
    ------
    ConfigError
        A line for each names what was got and what is allowed.
    """
    known = tuple(groups)
    unknown = [name for name in config.group_by if name not in known] if isinstance(config, Estimated) else []
    if unknown:
        raise ConfigError(
            "\n".join(
                f"illumination.group_by: got {name!r}, which is no metadata of the images; {suggestion(name, known)}"
                for name in unknown
            )
        )
