"""What is said about wrong values. The messages here are the specification."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from flows.config import parse_config
from tasks.core.errors import ConfigError
from tests.flows.config_texts import FIELDS, ONE_WAY, STAMPS, YES_AND_NO, messages

WRONG_VALUES = {
    "{}": [f"top level: got neither mask nor segment; {ONE_WAY}"],
    "mask:\nsegment:": [f"top level: got neither mask nor segment; {ONE_WAY}"],
    f"mask: {{methods: li, main_channel: BF}}\n{FIELDS}": [f"top level: got both mask and segment; {ONE_WAY}"],
    "mask: li": [
        (
            "mask: got 'li'; expected keys and values; the keys allowed are methods, main_channel, border, "
            "combine, channel_filter"
        )
    ],
    "mask: {main_channel: BF}": [
        (
            "mask.methods: this key is missing (ways to find the cell, at least one; each gives its own group of "
            "columns in the same row)"
        )
    ],
    "mask: {methods: [], main_channel: BF}": [
        (
            "mask.methods: got an empty list, expected at least one method; "
            "allowed: circle, file, li, otsu, spot, watershed"
        )
    ],
    "mask: {methods: 3, main_channel: 3}": [
        "mask.methods: got 3; expected a list: [3]",
        "mask.main_channel: got 3; expected text; put it in quotes: '3'",
    ],
    "mask: {methods: [3], main_channel: NO}": [
        "mask.methods.0: got 3, expected a mapping with a key 'method'",
        f"mask.main_channel: got false; {YES_AND_NO}",
    ],
    "mask: {methods: {method: li, sigma: wide}, main_channel: [BF]}": [
        "mask.methods.sigma: got 'wide'; expected a number",
        "mask.main_channel: got [BF]; expected text",
    ],
    "mask: {methods: [{method: li, sigma: {BF: 0, default: -2, PI: much}}], main_channel: BF}": [
        "mask.methods.0.sigma.default: got -2; expected at least 0",
        "mask.methods.0.sigma.PI: got 'much'; expected a number",
    ],
    "mask: {methods: li, main_channel: BF, channel_filter: {method: normaltest, p: 0}}": [
        "mask.channel_filter.p: got 0; expected more than 0"
    ],
    "segment: {objects: {nucleus: watershed}}": [
        "segment.objects.nucleus: got 'watershed', expected its settings, as in nucleus: {key: value}"
    ],
    "segment: {objects: {}}": ["segment.objects: got {}; expected at least 1 of them"],
    "segment: {objects: {nucleus: {method: watershed}, cell: {method: subtract, from: x}}}": [
        "segment.objects.nucleus.channel: this key is missing (channel in which the objects are bright)",
        "segment.objects.cell.remove: this key is missing (earlier object that is cut out, such as nucleus)",
    ],
    "mask: {methods: li, main_channel: BF}\n"
    "quality: {rules: [{metric: median, threshold: 5}, {metric: sum, channel: BF, threshold: quantile},"
    " {metric: sum, channel: PI, region: li, threshold: {method: absolute, value: bright}}]}": [
        (
            "quality.rules.0.metric: unknown metric 'median'; allowed: area, aspect_ratio, border_contact, "
            "eccentricity, laplacian_variance, max, mean, percentile, power_slope, regions, saturated, "
            "signal_to_background, solidity, std, sum; did you mean 'mean'?"
        ),
        "quality.rules.0.threshold: got 5, expected a mapping with a key 'method'",
        "quality.rules.1.threshold.q: this key is missing (share of the values below the threshold)",
        "quality.rules.2.threshold.value: got 'bright'; expected a number",
    ],
    "mask: {methods: li, main_channel: BF}\n"
    "quality: {rules: [{metric: sum, threshold: otsu}, {metric: area, over: image, threshold: otsu},"
    " {metric: percentile, channel: PI, threshold: otsu}, "
    "{name: mid, metric: area, keep: between, threshold: otsu}]}": [
        "quality.rules.0.channel: sum is measured in a channel; name one",
        "quality.rules.1.over: area is measured of a mask or object; set over: mask, or leave it out",
        ("quality.rules.2.percentile: belongs to metric: percentile, as in {metric: percentile, percentile: 99}"),
        "quality.rules.3.upper: keep: between needs two thresholds, threshold and upper; the others need one",
    ],
    "mask: {methods: li, main_channel: BF}\n"
    "quality: {rules: [{metric: sum, channel: PI, region: li, threshold: {method: absolute, value: 1}}]}": [
        "quality.rules.0.region: got 'li', but the whole image is measured; add over: mask, or leave region out"
    ],
    "mask: {methods: li, main_channel: BF}\nfeatures: {families: shape}": [
        "features.families: got 'shape'; expected a list: [shape]"
    ],
    "mask: {methods: li, main_channel: BF}\nexport: {labels: perhaps, formats: }": [
        "export.formats: got nothing; expected a list",
        "export.labels: got 'perhaps'; expected true or false",
    ],
    "mask: {methods: li, main_channel: BF}\nrun: {partition_size: many, max_quarantined: 5%, retries: 1.5, seed: x}": [
        "run.partition_size: got 'many'; expected a whole number or 'auto'",
        "run.max_quarantined: got '5%'; expected a number",
        "run.retries: got 1.5; expected a whole number",
        "run.seed: got 'x'; expected a whole number",
    ],
    "mask: {methods: li, main_channel: BF}\nrun: {partition_size: 0, max_quarantined: 5, retries: -1}": [
        "run.partition_size: got 0; expected at least 1 or 'auto'",
        "run.max_quarantined: got 5; expected at most 1",
        "run.retries: got -1; expected at least 0",
    ],
    "mask: {methods: li, main_channel: BF}\nrun: {resources: {mask: GPU, segment: {GPU: many}, features: {2: 1}}}": [
        "run.resources.mask: got 'GPU'; expected names and values, as in {name: value}",
        "run.resources.segment.GPU: got 'many'; expected a number",
        "run.resources.features.2: got 2; expected text; put it in quotes: '2'",
    ],
    "load: {channels: {BF: -1, PI: [1], SSC: {a: 1}, X: 1.5}}": [
        "load.channels.BF: got -1, expected an index from 0 on or a channel's name in the file",
        "load.channels.PI: got [1]; expected a whole number or text",
        (
            "load.channels.SSC.source: this key is missing (index of the channel in the file, from 0; or the channel's "
            "own name in the file; with the reader tiff_per_channel the text of the pattern's group 'channel')"
        ),
        "load.channels.SSC.a: unknown key; allowed: name, source",
        "load.channels.X: got 1.5; expected a whole number or text; put it in quotes: '1.5'",
    ],
    "load: {pattern: '(?P<well>'}": [
        (
            "load.pattern: '(?P<well>' is not a regular expression: missing ), unterminated subpattern at position 0. "
            "Named groups are written (?P<well>[A-H]\\d+)"
        )
    ],
    "load: {reader: tiff_per_channel}": [
        (
            "load: the reader tiff_per_channel needs a pattern with a group 'channel', there is no pattern; for names "
            r"such as B07_site1_DAPI.tif write (?P<well>[A-Z]\d+)_site(?P<site>\d)_(?P<channel>[A-Z]+)"
        )
    ],
    "segment: {objects: {nucleus: {method: model, channel: DNA, diameter: small}}}": [
        (
            "segment.objects.nucleus.diameter: got 'small'; expected a number or 'auto' or keys and values; the keys "
            "allowed are use"
        )
    ],
    "segment: {objects: {nucleus: {method: model, channel: DNA, diameter: {use: a, group: b}}}}": [
        "segment.objects.nucleus.diameter.group: unknown key; allowed: use"
    ],
    "segment: {objects: {nucleus: {method: model, channel: DNA, diameter: {use: 3}}}}": [
        "segment.objects.nucleus.diameter.use: got 3; expected text; put it in quotes: '3'"
    ],
}


@pytest.mark.parametrize("text", WRONG_VALUES)
def test_wrong_values_are_told_with_what_would_do(text: str) -> None:
    assert messages(text) == WRONG_VALUES[text]


def test_all_mistakes_are_told_at_once() -> None:
    lines = messages("load: {reader: x, pattern: '('}\nmask: {methods: x}\nfeatures: {profile: x}\nrnu: {}")
    assert [line.split(":")[0] for line in lines] == [
        "load.reader", "load.pattern", "mask.methods", "mask.main_channel", "features.profile", "rnu",
    ]  # fmt: skip


ODD: list[Any] = [None, True, -1, 10**6, 1.5, float("nan"), "odd", "", [], [None], ["odd"], {}]
ODD += [{"a": 1}, {"method": "a"}, {3: 4}, {"name": "x"}]
OF_PYDANTIC = ["nput should", "Field required", "Extra inputs", "Value error", "tuple", "dictionary", "instance"]
OF_PYDANTIC += ["literal", "constrained", "validation", "parse", "unable", "keyword", "union", "None"]


def paths_of(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a configuration."""
    if path:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from paths_of(entry, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: object) -> Any:  # noqa: ANN401 - as YAML has it
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("text", [STAMPS, FIELDS], ids=["stamps", "fields"])
def test_no_mistake_is_told_in_the_words_of_a_library(text: str) -> None:
    """Every value of a configuration replaced by odd ones: the key is the user's, and no word is pydantic's."""
    complete = yaml.safe_load(text) | {
        "features": {"profile": "standard", "families": ["shape"], "dtype": "float32"},
        "export": {"formats": [{"method": "parquet"}], "labels": True},
        "run": {"partition_size": 5, "max_quarantined": 0.1, "retries": 1, "resources": {"mask": {"CPU": 1}}},
    }
    refused = 0
    for path in paths_of(complete):
        for odd in ODD:
            try:
                parse_config(changed(complete, path, odd))
            except ConfigError as error:
                refused += 1
                _, *lines = str(error).splitlines()
                assert lines, (path, odd)
                for line in lines:
                    assert not [word for word in OF_PYDANTIC if word in line], (path, odd, line)
                assert any(line.strip().startswith((path[0], "top level")) for line in lines), (path, odd, lines)
    assert refused > 400


def test_a_long_value_is_cut_short() -> None:
    (line,) = messages(f"mask: {{methods: li, main_channel: {[*range(100)]}}}")
    assert line.startswith("mask.main_channel: got [0, 1, 2")
    assert line.endswith("…; expected text")
    assert len(line) < 130
