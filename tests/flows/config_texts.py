"""Configurations that are right, and what is said about one that is not."""

import pytest
import yaml

from flows.config import parse_config
from tasks.core.errors import ConfigError

STAMPS = """
load: {channels: {BF: 0, PI: 1, SSC: 2}, pattern: '(?P<well>[A-H]\\d+)'}
mask:
  methods: [li, {method: li, name: wide, sigma: {BF: 0, PI: 2}}]
  main_channel: BF
  channel_filter: [{method: normaltest, p: 0.1}]
quality:
  rules:
    - {metric: sum, channel: BF, threshold: {method: normal_quantile, q: 0.05}, group_by: [well]}
    - {metric: mean, channel: PI, over: mask, keep: below, threshold: {method: absolute, value: 900}}
"""
FIELDS = """
segment:
  objects:
    nucleus: {method: watershed, channel: DAPI, diameter: 20}
    cell: {method: seeded_watershed, channel: RFP, seeds: nucleus}
    cytoplasm: {method: subtract, from: cell, remove: nucleus}
"""
ONE_WAY = "expected mask (for stamps of one cell each) or segment (for fields of many)"
YES_AND_NO = "expected text; YAML reads yes, no, on and off as true and false, so put the word in quotes"


def messages(text: str) -> list[str]:
    """Return what is said about a configuration, without its first line, which says where it comes from."""
    with pytest.raises(ConfigError) as caught:
        parse_config(yaml.safe_load(text))
    first, *lines = str(caught.value).splitlines()
    assert first == "configuration:"
    assert all(line.startswith("  ") for line in lines)
    return [line.removeprefix("  ") for line in lines]
