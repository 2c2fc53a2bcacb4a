"""Configuration of the quality filter."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tasks.core.errors import ConfigError, suggestion
from tasks.core.section import Section
from tasks.quality.thresholds import ThresholdMethod, thresholds

WHOLE = "image"
"""In the names of metrics, what stands for the whole image in place of a mask or object."""


class Rule(Section):
    """Cells to keep: those whose metric lies on one side of a threshold."""

    name: str = Field(
        default="", description="Name of the rule, recorded for each cell it rejects; default: metric and channel."
    )
    metric: Literal["sum", "mean"] = Field(description="What is measured of the pixels.")
    channel: str = Field(description="The channel in which it is measured.")
    over: Literal["image", "mask"] = Field(
        default="image", description="Measure the whole image, or the pixels in the cell's mask or object."
    )
    region: str = Field(
        default="", description="The mask or object to measure when over is mask; default: the first one."
    )
    keep: Literal["above", "below"] = Field(
        default="above", description="Keep the cells strictly above, or strictly below, the threshold."
    )
    threshold: Annotated[ThresholdMethod, thresholds] = Field(description="Where the threshold lies.")
    group_by: tuple[str, ...] = Field(
        default=(), description="Metadata (named groups of load.pattern); each combination gets a threshold of its own."
    )

    @field_validator("group_by", mode="before")
    @classmethod
    def _one_group(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _region_is_used(self) -> Self:
        if self.region and self.over == "image":
            raise ValueError(
                f"region: got {self.region!r}, but the whole image is measured; add over: mask, or leave region out"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _default_name(cls, data: object) -> object:
        if isinstance(data, dict) and not data.get("name") and "metric" in data and "channel" in data:
            return {**data, "name": f"{data['metric']}_{data['channel']}"}
        return data


class Quality(Section):
    """Which cells are kept, decided over the whole data set, before features."""

    rules: tuple[Rule, ...] = Field(
        description="Applied in this order; a rule's threshold is taken from the cells that the rules before it kept.",
        min_length=1,
    )

    @property
    def measured(self) -> list[tuple[str, str, str, str]]:
        """What is measured of every cell; the thresholds are not part of it."""
        return [(rule.metric, rule.channel, rule.over, rule.region) for rule in self.rules]

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
        "region": (tuple(regions), "which is no mask or object"),
        "group_by": (tuple(groups), "which is no named group of load.pattern"),
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
