"""Configuration of the normalisation of pixels."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tasks.core.errors import ConfigError, suggestion
from tasks.core.registry import Registry
from tasks.core.section import Method

Transform = Literal["linear", "asinh"]
"""What is done to (x − center) / scale: nothing, or the inverse hyperbolic sine."""


class ScalingMethod(Method):
    """How pixels are scaled before features."""


scalings: Registry[ScalingMethod, Callable[..., Any]] = Registry("normalize", "tasks.normalize.methods")
"""Functions ``(pixels, config) -> (center, scale)`` of the pixels of one group and channel; that of ``use`` looks at no
pixels and is ``config -> scaling``."""


def _one_group(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Normalize(ScalingMethod):
    """A scaling found from the pixels of each channel, in masks or objects, over the whole data set."""

    transform: ClassVar[Transform] = "linear"

    group_by: Annotated[tuple[str, ...], BeforeValidator(_one_group)] = Field(
        default=(),
        description="Metadata of the images; each combination gets a scaling of its own.",
    )
    region: str = Field(
        default="", description="The mask or object whose pixels are looked at; default: the first one."
    )


class MinMax(Normalize):
    """From 0 at the smallest pixel to 1 at the largest."""

    method: Literal["minmax"] = Field(default="minmax", description="(x − smallest) / (largest − smallest).")


class Quantile(Normalize):
    """From 0 at a lower quantile of the pixels to 1 at an upper one; pixels beyond them lie beyond 0 and 1."""

    method: Literal["quantile"] = Field(
        default="quantile",
        description="(x − lower quantile) / (upper quantile − lower quantile), not cut off at 0 and 1.",
    )
    lower: float = Field(default=0.01, description="Share of the pixels below the value that becomes 0.", ge=0, le=1)
    upper: float = Field(default=0.99, description="Share of the pixels below the value that becomes 1.", ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lower >= self.upper:
            raise ValueError(f"upper: got {self.upper:g}; expected more than lower, which is {self.lower:g}")
        return self


class Robust(Normalize):
    """In robust standard deviations from the median."""

    method: Literal["robust"] = Field(
        default="robust", description="(x − median) / (1.4826 · median absolute deviation)."
    )


class Asinh(Normalize):
    """The inverse hyperbolic sine: linear near 0, logarithmic far from it."""

    transform: ClassVar[Transform] = "asinh"

    method: Literal["asinh"] = Field(default="asinh", description="asinh(x / cofactor).")
    cofactor: float | None = Field(
        default=None,
        description="The pixel value up to which the scale is about linear; default: 1.4826 · median absolute "
        "deviation of the pixels, for each group and channel.",
        gt=0,
        allow_inf_nan=False,
    )


class Use(ScalingMethod):
    """The scaling that another run has found."""

    method: Literal["use"] = Field(default="use", description="The scaling that another run has found.")
    use: str = Field(
        description="normalization.json of another run, the folder statistics/ that holds it, or that run's output "
        "folder.",
        min_length=1,
    )


def check_normalize(config: ScalingMethod, *, regions: Iterable[str], groups: Iterable[str]) -> None:
    """Refuse a region or group that does not exist.

    Raises
    ------
    ConfigError
        A line for each names the field, what was got and what is allowed.
    """
    if not isinstance(config, Normalize):
        return
    allowed, known = tuple(regions), tuple(groups)
    problems = [
        f"normalize.group_by: got {name!r}, which is no metadata of the images; {suggestion(name, known)}"
        for name in config.group_by
        if name not in known
    ]
    if config.region and config.region not in allowed:
        what = f"got {config.region!r}, which is no mask or object that a cell has once"
        problems.append(f"normalize.region: {what}; {suggestion(config.region, allowed)}")
    if problems:
        raise ConfigError("\n".join(problems))
