"""Configuration of the quality filter."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tasks.core.errors import ConfigError, suggestion
from tasks.core.section import Section
from tasks.quality.thresholds import ThresholdMethod, thresholds


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
    def _unique(self) -> "Quality":
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two rules are named {name!r}; give each its own name")
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
        Naming the rule's field, what was got and what is allowed.
    """
    channels, regions, groups = tuple(channels), tuple(regions), tuple(groups)
    for number, rule in enumerate(config.rules):
        key = f"quality.rules.{number}"
        if rule.channel not in channels:
            raise ConfigError(f"{key}.channel: no channel {rule.channel!r}; {suggestion(rule.channel, channels)}")
        if rule.region and rule.region not in regions:
            raise ConfigError(f"{key}.region: no mask or object {rule.region!r}; {suggestion(rule.region, regions)}")
        for group in rule.group_by:
            if group not in groups:
                raise ConfigError(
                    f"{key}.group_by: no metadata {group!r}; {suggestion(group, groups)} (named groups of load.pattern)"
                )
