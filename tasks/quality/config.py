"""Configuration of the quality filter."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tasks.core.errors import ConfigError, suggestion
from tasks.core.packages import offered_by
from tasks.core.section import Section
from tasks.quality.registry import ThresholdMethod, metrics, thresholds

WHOLE = "image"
"""In the names of metrics, what stands for the whole image in place of a mask or object."""


class Measurement(Section):
    """What is measured of every cell."""

    metric: Annotated[str, metrics] = Field(description="What is measured of the pixels, or of the mask or object.")
    percentile: float | None = Field(
        default=None, description="Which percentile, where that is the metric.", ge=0, le=100
    )
    channel: str = Field(
        default="",
        description="The channel in which it is measured. Metrics of shape need none: they take the combined mask.",
    )
    over: Literal["image", "mask"] = Field(
        default="image",
        description="Measure the whole image, or the pixels in the cell's mask or object. Of shapes it is the mask.",
    )
    region: str = Field(
        default="", description="The mask or object to measure when over is mask; default: the first one."
    )

    @property
    def measure(self) -> str:
        """The metric with its parameter, as it is in the name of a column."""
        return self.metric if self.percentile is None else f"{self.metric}_{self.percentile:g}"

    @property
    def identity(self) -> dict[str, object]:
        """What results depend on: all fields, and the version of the package whose metric it is, if it is another's."""
        package = offered_by(metrics[self.metric].function.__module__)
        return {name: getattr(self, name) for name in type(self).model_fields} | (
            {"package": package} if package else {}
        )


class Rule(Measurement):
    """Cells to keep: those whose metric lies on one side of a threshold, or between two."""

    name: str = Field(
        default="", description="Name of the rule, recorded for each cell it rejects; default: metric and channel."
    )
    keep: Literal["above", "below", "between"] = Field(
        default="above", description="Keep the cells strictly above or below the threshold, or between two."
    )
    threshold: Annotated[ThresholdMethod, thresholds] = Field(description="Where the (lower) threshold lies.")
    upper: Annotated[ThresholdMethod, thresholds] | None = Field(
        default=None, description="Where the upper threshold lies; for keep: between."
    )
    group_by: tuple[str, ...] = Field(
        default=(),
        description="Metadata of the images; each combination gets a threshold of its own.",
    )

    @field_validator("group_by", mode="before")
    @classmethod
    def _one_group(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        metric = metrics[self.metric]
        if self.over == "image" and metric.of_region:
            raise ValueError(f"over: {self.metric} is measured of a mask or object; set over: mask, or leave it out")
        if self.region and self.over == "image":
            raise ValueError(
                f"region: got {self.region!r}, but the whole image is measured; add over: mask, or leave region out"
            )
        if not self.channel and metric.needs_channel:
            raise ValueError(f"channel: {self.metric} is measured in a channel; name one")
        if metric.takes_percentile != (self.percentile is not None):
            raise ValueError("percentile: belongs to metric: percentile, as in {metric: percentile, percentile: 99}")
        if (self.keep == "between") != (self.upper is not None):
            raise ValueError("upper: keep: between needs two thresholds, threshold and upper; the others need one")
        return self

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        filled = dict(data)
        if (name := str(filled.get("metric"))) in metrics.names and metrics[name].of_region:
            filled.setdefault("over", "mask")
        if not filled.get("name") and "metric" in filled:
            filled["name"] = "_".join(
                str(filled[key]) for key in ("metric", "percentile", "channel") if filled.get(key)
            )
        return filled


class Quality(Section):
    """Which cells are kept, decided over the whole data set, before features."""

    rules: tuple[Rule, ...] = Field(
        default=(),
        description="Applied in this order; a rule's threshold is taken from the cells that the rules before it kept.",
    )
    use: str = Field(
        default="",
        description="In place of rules: the output folder of another run, or its statistics/quality.json, whose rules "
        "and thresholds are taken over.",
    )
    allow_none: bool = Field(
        default=False, description="Whether the run goes on where a rule rejects every cell that was left."
    )

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """What is measured of every cell, each once; thresholds are not part of it."""
        fields = set(Measurement.model_fields)
        return tuple(
            dict.fromkeys(Measurement.model_construct(**rule.model_dump(include=fields)) for rule in self.rules)
        )

    @model_validator(mode="after")
    def _rules_or_use(self) -> Self:
        if bool(self.rules) == bool(self.use):
            raise ValueError(f"got {'both rules and' if self.use else 'neither rules nor'} use; expected one of them")
        return self

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"rules: two rules are named {twice[0]!r}; give one of them another 'name'")
        return self

    @model_validator(mode="before")
    @classmethod
    def _list(cls, data: object) -> object:
        return {"rules": data} if isinstance(data, list) else data


def check_quality(config: Quality, *, channels: Iterable[str], regions: Iterable[str], groups: Iterable[str]) -> None:
    """Refuse rules that name a channel, region or group that does not exist.

    Raises
    ------
    ConfigError
        A line for each names the rule's field, what was got and what is allowed.
    """
    known = {
        "channel": (tuple(channels), "which is not a channel"),
        "region": (tuple(regions), "which is no mask or object that a cell has once"),
        "group_by": (tuple(groups), "which is no metadata of the images"),
    }
    problems = [
        f"quality.rules.{number}.{key}: got {name!r}, {what}; {suggestion(name, allowed)}"
        for number, rule in enumerate(config.rules)
        for key, (allowed, what) in known.items()
        for name in _named(rule, key)
        if name not in allowed
    ]
    if WHOLE in known["region"][0] and any(rule.over == "image" for rule in config.rules):
        problems.append(f"quality.rules: a mask or object is named {WHOLE!r}, as is the whole image; rename it")
    if problems:
        raise ConfigError("\n".join(problems))


def _named(rule: Rule, key: str) -> tuple[str, ...]:
    value = getattr(rule, key)
    return value if isinstance(value, tuple) else (value,) if value else ()
