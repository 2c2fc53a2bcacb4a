"""The configuration: what it accepts, and what it says about every mistake. The messages here are the specification."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema

from flows.config import Config, load_config, parse_config
from flows.preprocess import preprocess
from tasks.core.errors import ConfigError
from tasks.core.registry import Registry
from tasks.export.registry import exporters
from tasks.ingest.channels import Channels
from tasks.mask.registry import channel_filters, masks
from tasks.quality.registry import thresholds
from tasks.segment.registry import segmenters

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "deployments" / "configs").glob("*.yaml"))

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
MASKS = "circle, li, otsu, spot, watershed"
SECTIONS = "load, project, illumination, segment, mask, quality, normalize, features, export, run"
WATERSHED_KEYS = (
    "name, method, channel, diameter, sigma, threshold, threshold_correction, local_contrast, rim, declump, neck, "
    "min_contrast, min_diameter, max_diameter"
)
NO_DOUBLE_UNDERSCORE = (
    "cannot be used: '__' separates the parts of a column name, so a name may not contain it, nor start or end with '_'"
)
YES_AND_NO = "expected text; YAML reads yes, no, on and off as true and false, so put the word in quotes"


def told(text: str) -> list[str]:
    """Return what is said about a configuration, without its first line, which says where it comes from."""
    with pytest.raises(ConfigError) as caught:
        parse_config(yaml.safe_load(text))
    first, *lines = str(caught.value).splitlines()
    assert first == "configuration:"
    assert all(line.startswith("  ") for line in lines)
    return [line.removeprefix("  ") for line in lines]


UNKNOWN_KEYS = {
    "maks: {}": [f"maks: unknown key; allowed: {SECTIONS}; did you mean 'mask'?"],
    "1: 2": [f"1: unknown key; allowed: {SECTIONS}"],
    "load: {chanels: {BF: 0}}": [
        "load.chanels: unknown key; allowed: reader, pattern, channels; did you mean 'channels'?"
    ],
    "load: {channels: {BF: {source: 0, color: red}}}": ["load.channels.BF.color: unknown key; allowed: name, source"],
    "load: {channels: [{name: BF, sorce: 0}]}": [
        (
            "load.channels.0.source: this key is missing (index of the channel in the file, from 0; or the channel's "
            "own name in the file; with the reader tiff_per_channel the text of the pattern's group 'channel')"
        ),
        "load.channels.0.sorce: unknown key; allowed: name, source; did you mean 'source'?",
    ],
    "mask: {methods: li, main_channel: BF, combined: [BF]}": [
        (
            "mask.combined: unknown key; allowed: methods, main_channel, border, combine, channel_filter; did you mean "
            "'combine'?"
        )
    ],
    "mask: {methods: [circle, {method: li, sgima: 1}], main_channel: BF}": [
        "mask.methods.1.sgima: unknown key; allowed: name, method, sigma; did you mean 'sigma'?"
    ],
    "mask: {methods: {wide: {method: li, sgima: 1}}, main_channel: BF}": [
        "mask.methods.wide.sgima: unknown key; allowed: name, method, sigma; did you mean 'sigma'?"
    ],
    "mask: {methods: {method: li, sgima: 1}, main_channel: BF}": [
        "mask.methods.sgima: unknown key; allowed: name, method, sigma; did you mean 'sigma'?"
    ],
    "mask: {methods: {method: circle, sigma: 1}, main_channel: BF}": [
        "mask.methods.sigma: unknown key; allowed: name, method"
    ],
    "mask: {methods: li, main_channel: BF, channel_filter: [{method: normaltest, q: 1}]}": [
        "mask.channel_filter.0.q: unknown key; allowed: channels, method, p"
    ],
    "segment: {objects: {nucleus: {method: watershed, channel: DAPI, diametre: 20}}}": [
        f"segment.objects.nucleus.diametre: unknown key; allowed: {WATERSHED_KEYS}; did you mean 'diameter'?"
    ],
    "segment: {objects: [{name: nucleus, method: watershed, channel: DAPI, diametre: 20}]}": [
        f"segment.objects.0.diametre: unknown key; allowed: {WATERSHED_KEYS}; did you mean 'diameter'?"
    ],
    "mask: {methods: li, main_channel: BF}\nquality: {rule: []}": [
        "quality.rule: unknown key; allowed: rules, use, allow_none; did you mean 'rules'?"
    ],
    "mask: {methods: li, main_channel: BF}\n"
    "quality: [{metric: sum, channel: BF, threshold: {method: quantile, q: 0.1}},"
    " {metric: sum, channel: PI, groupby: well, threshold: {method: quantile, p: 0.1, q: 0.1}}]": [
        "quality.1.threshold.p: unknown key; allowed: method, q",
        (
            "quality.1.groupby: unknown key; allowed: metric, percentile, channel, over, region, name, keep, "
            "threshold, upper, group_by; did you mean 'group_by'?"
        ),
    ],
    "mask: {methods: li, main_channel: BF}\nfeatures: {family: [shape]}": [
        "features.family: unknown key; allowed: profile, families, names, dtype; did you mean 'families'?"
    ],
    "mask: {methods: li, main_channel: BF}\nexport: {format: [parquet]}": [
        "export.format: unknown key; allowed: formats, labels; did you mean 'formats'?"
    ],
    "mask: {methods: li, main_channel: BF}\nrun: {partition: 5, resources: {masks: {CPU: 1}}}": [
        (
            "run.resources.masks: unknown key; allowed: illumination, mask, segment, quality, normalize, features, "
            "files; did you mean 'mask'?"
        ),
        (
            "run.partition: unknown key; allowed: partition_size, max_quarantined, retries, seed, resources; "
            "did you mean 'partition_size'?"
        ),
    ],
}


@pytest.mark.parametrize("text", UNKNOWN_KEYS)
def test_an_unknown_key_is_told_with_the_nearest_one_at_every_level(text: str) -> None:
    assert told(text) == UNKNOWN_KEYS[text]


UNKNOWN_NAMES = {
    "mask: {methods: [li, circel], main_channel: BF}": [
        f"mask.methods.1: unknown mask method 'circel'; allowed: {MASKS}; did you mean 'circle'?"
    ],
    "mask: {methods: {disc: circel}, main_channel: BF}": [
        f"mask.methods.disc: unknown mask method 'circel'; allowed: {MASKS}; did you mean 'circle'?"
    ],
    "mask: {methods: li, main_channel: BF, channel_filter: normal}": [
        (
            "mask.channel_filter: unknown channel_filter method 'normal'; allowed: normaltest, std, value_range; "
            "did you mean 'normaltest'?"
        )
    ],
    "segment: {objects: {nucleus: {method: watersheds, channel: DAPI}}}": [
        (
            "segment.objects.nucleus: unknown segment method 'watersheds'; allowed: seeded_watershed, subtract, "
            "watershed; did you mean 'watershed'?"
        )
    ],
    "segment: {objects: {nucleus: {channel: DAPI}}}": [
        "segment.objects.nucleus: the key 'method' is missing; allowed: seeded_watershed, subtract, watershed"
    ],
    "mask: {methods: li, main_channel: BF}\n"
    "quality: {rules: [{metric: sum, channel: BF, threshold: {method: normal-quantile, q: 0.05}}]}": [
        (
            "quality.rules.0.threshold: unknown threshold method 'normal-quantile'; allowed: absolute, mad, mixture, "
            "normal_quantile, otsu, quantile; did you mean 'normal_quantile'?"
        )
    ],
    "load: {reader: tiff-per-channel}": [
        (
            "load.reader: unknown reader 'tiff-per-channel'; allowed: auto, image, multiframe_tiff, ragged_zarr, "
            "tiff_per_channel; did you mean 'tiff_per_channel'?"
        )
    ],
    "mask: {methods: li, main_channel: BF}\nfeatures: {families: [shape, textures]}": [
        (
            "features.families: profile 'standard' has no family 'textures'; allowed: shape, intensity, texture, "
            "colocalization, glcm, gldzm, glrlm, glszm, granularity, haralick, histogram, ibsi_intensity, neighbors, "
            "ngldm, ngtdm, radial_distribution, radial_zernike, zernike; did you mean 'texture'?"
        )
    ],
    "mask: {methods: li, main_channel: BF}\nfeatures: {profile: Scip, names: nativ}": [
        "features.profile: got 'Scip'; allowed: standard, scip; did you mean 'scip'?",
        "features.names: got 'nativ'; allowed: native, scip, cytominer; did you mean 'native'?",
    ],
    "mask: {methods: li, main_channel: BF}\nfeatures: {names: scip}": [
        (
            "features.names: 'scip' are the names of profile 'scip', got profile 'standard'; set names to native or "
            "cytominer, or profile to scip"
        )
    ],
    "mask: {methods: li, main_channel: BF}\nexport: {formats: [cvs]}": [
        "export.formats.0: unknown exporter method 'cvs'; allowed: csv, parquet; did you mean 'csv'?"
    ],
    "segment: {device: GPU, objects: {nucleus: {method: watershed, channel: DAPI, threshold: lee}}}": [
        "segment.device: got 'GPU'; allowed: auto, cpu; did you mean 'cpu'?",
        "segment.objects.nucleus.threshold: got 'lee'; allowed: li, otsu, triangle",
    ],
    "segment: {objects: {nucleus: {method: watershed, channel: DAPI},"
    " cell: {method: seeded_watershed, channel: RFP, seeds: nuclei}}}": [
        (
            "segment.objects.cell.seeds: got 'nuclei', expected an object listed earlier; allowed: nucleus; "
            "did you mean 'nucleus'?"
        )
    ],
}


@pytest.mark.parametrize("text", UNKNOWN_NAMES)
def test_an_unknown_method_reader_family_or_profile_is_told_with_the_nearest_one(text: str) -> None:
    assert told(text) == UNKNOWN_NAMES[text]


BAD_NAMES = {
    "load: {channels: {B__F: 0}}": [f"load.channels.B__F: the name 'B__F' {NO_DOUBLE_UNDERSCORE}"],
    "load: {channels: [{name: B__F, source: 0}]}": [f"load.channels.0.name: the name 'B__F' {NO_DOUBLE_UNDERSCORE}"],
    "load: {pattern: '(?P<a__b>x)'}": [f"load.pattern: the name 'a__b' {NO_DOUBLE_UNDERSCORE}"],
    "mask: {methods: {my__mask: li}, main_channel: BF}": [
        f"mask.methods.my__mask: the name 'my__mask' {NO_DOUBLE_UNDERSCORE}"
    ],
    "mask: {methods: [{method: li, name: _li}], main_channel: BF}": [
        f"mask.methods.0.name: the name '_li' {NO_DOUBLE_UNDERSCORE}"
    ],
    "segment: {objects: {my__nucleus: {method: watershed, channel: DAPI}}}": [
        f"segment.objects.my__nucleus: the name 'my__nucleus' {NO_DOUBLE_UNDERSCORE}"
    ],
    "load: {channels: {1: 0, NO: 1}}": [
        "load.channels.1: got 1; expected text; put it in quotes: '1'",
        f"load.channels.False: got false; {YES_AND_NO}",
    ],
    "mask: {methods: [li, li], main_channel: BF}": [
        "mask.methods: two masks have the name 'li', and their columns would clash; give one of them another 'name'"
    ],
    "mask: {methods: li, main_channel: BF}\n"
    "quality: [{metric: sum, channel: BF, threshold: {method: quantile, q: 0.1}},"
    " {metric: sum, channel: BF, keep: below, threshold: {method: quantile, q: 0.9}}]": [
        "quality.rules: two rules are named 'sum_BF'; give one of them another 'name'"
    ],
}


@pytest.mark.parametrize("text", BAD_NAMES)
def test_names_that_cannot_be_used_are_told(text: str) -> None:
    assert told(text) == BAD_NAMES[text]


ONE_WAY = "expected mask (for stamps of one cell each) or segment (for fields of many)"
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
        "mask.methods: got an empty list, expected at least one method; allowed: circle, li, otsu, spot, watershed"
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
}


@pytest.mark.parametrize("text", WRONG_VALUES)
def test_wrong_values_are_told_with_what_would_do(text: str) -> None:
    assert told(text) == WRONG_VALUES[text]


def test_all_mistakes_are_told_at_once() -> None:
    lines = told("load: {reader: x, pattern: '('}\nmask: {methods: x}\nfeatures: {profile: x}\nrnu: {}")
    assert [line.split(":")[0] for line in lines] == [
        "load.reader", "load.pattern", "mask.methods", "mask.main_channel", "features.profile", "rnu",
    ]  # fmt: skip


ODD: list[Any] = [None, True, -1, 10**6, 1.5, float("nan"), "odd", "", [], [None], ["odd"], {}]
ODD += [{"a": 1}, {"method": "a"}, {3: 4}, {"name": "x"}]
OF_PYDANTIC = ["nput should", "Field required", "Extra inputs", "Value error", "tuple", "dictionary", "instance"]
OF_PYDANTIC += ["literal", "constrained", "validation", "parse", "unable", "keyword", "union", "None"]


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a configuration."""
    if path:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from places(entry, (*path, key))


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
    for path in places(complete):
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
    (line,) = told(f"mask: {{methods: li, main_channel: {[*range(100)]}}}")
    assert line.startswith("mask.main_channel: got [0, 1, 2")
    assert line.endswith("…; expected text")
    assert len(line) < 130


NOT_YAML = {
    "mask: {methods: li, main_channel: BF}\nmask: {}\n": (
        "config.yaml is not YAML that can be read, line 2, column 1: the key 'mask' is given twice"
    ),
    "load:\n  channels: {BF: 0, PI: 1, BF: 2}\n": (
        "config.yaml is not YAML that can be read, line 2, column 28: the key 'BF' is given twice"
    ),
    "load:\n\treader: auto\n": (
        "config.yaml is not YAML that can be read, line 2, column 1: found character '\\t' that cannot start any "
        "token; indent with spaces, not with tabs"
    ),
    'load: {pattern: "sample(\\d+)"}\n': (
        "config.yaml is not YAML that can be read, line 1, column 26: found unknown escape character 'd'; put a "
        "pattern in single quotes: 'sample(?P<sample>\\d+)'"
    ),
    "load: reader: auto\n": (
        "config.yaml is not YAML that can be read, line 1, column 13: mapping values are not allowed here; a text that "
        "holds a colon and a blank needs quotes"
    ),
    "run: !!python/object/apply:os.system ['touch owned']\n": (
        "config.yaml is not YAML that can be read, line 1, column 6: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.system'; only plain text, numbers, lists and mappings are allowed"
    ),
    "{methods: [li\n": (
        "config.yaml is not YAML that can be read, line 2, column 1: expected ',' or ']', but got '<stream end>'"
    ),
    "just text": "config.yaml: expected sections such as `load:` and `mask:`, got 'just text'",
    "- mask\n- load\n": "config.yaml: expected sections such as `load:` and `mask:`, got [mask, load]",
}


@pytest.mark.parametrize("text", NOT_YAML)
def test_a_file_that_is_no_configuration_is_told_with_line_and_remedy(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config("config.yaml")
    assert str(caught.value) == NOT_YAML[text]
    assert not Path("owned").exists()


def test_mistakes_in_a_file_are_told_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == f"{path}:\n  top level: got neither mask nor segment; {ONE_WAY}"


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_bytes(b"\xff\xfe\x00m")
    expected = {
        "confg.yaml": "there is no configuration file 'confg.yaml'; did you mean 'config.yaml'?",
        "far/away.yaml": "there is no configuration file 'far/away.yaml'",
        ".": "the configuration '.' is a folder; give a YAML file",
        "config.yaml": "the configuration 'config.yaml' is no text file in UTF-8",
    }
    for name, message in expected.items():
        with pytest.raises(ConfigError) as caught:
            load_config(name)
        assert str(caught.value) == message


def test_anchors_and_merges_of_yaml_may_be_used(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "mask: {methods: li, main_channel: BF}\n"
        "quality:\n"
        "  - &dim {name: dim, metric: sum, channel: BF, threshold: {method: quantile, q: 0.1}}\n"
        "  - {<<: *dim, name: dim_pi, channel: PI}\n"
    )
    quality = load_config(path).quality
    assert quality is not None
    assert [(rule.name, rule.channel, rule.metric) for rule in quality.rules] == [
        ("dim", "BF", "sum"),
        ("dim_pi", "PI", "sum"),
    ]


def test_a_section_left_empty_has_its_defaults() -> None:
    assert parse_config(
        yaml.safe_load("load:\nmask: {methods: li, main_channel: BF}\nquality:\nfeatures:\nrun:\n")
    ) == (parse_config({"mask": {"methods": ["li"], "main_channel": "BF"}}))


def channels(*names: str) -> Channels:
    return Channels(names=names, sources=None, count=len(names))


def test_every_channel_region_and_group_that_does_not_exist_is_told_at_once() -> None:
    config = parse_config(yaml.safe_load(STAMPS))
    group = "which is no named group of load.pattern"
    with pytest.raises(ConfigError) as caught:
        config.layout(channels=channels("bf", "PI", "SSC"), groups=["wel"], numbered=False)
    assert str(caught.value).splitlines() == [
        "mask.main_channel: got 'BF', which is not a channel; allowed: bf, PI, SSC; did you mean 'bf'?",
        "mask.methods.1.sigma: got 'BF', which is not a channel; allowed: bf, PI, SSC; did you mean 'bf'?",
        "quality.rules.0.channel: got 'BF', which is not a channel; allowed: bf, PI, SSC; did you mean 'bf'?",
        f"quality.rules.0.group_by: got 'well', {group}; allowed: wel; did you mean 'wel'?",
    ]
    fields = parse_config(yaml.safe_load(FIELDS))
    with pytest.raises(ConfigError, match=r"^segment\.objects\.nucleus\.channel: got 'DAPI', which is no channel here"):
        fields.layout(channels=channels("DNA", "RFP"), groups=[], numbered=False)


def test_the_layout_lists_channels_and_regions_in_order() -> None:
    layout = parse_config(yaml.safe_load(STAMPS)).layout(channels=channels("BF", "PI"), groups=["well"], numbered=True)
    assert (layout.channels, layout.regions, layout.stamps) == (("BF", "PI"), ("li", "wide"), True)
    assert (layout.groups, layout.numbered) == (("well",), True)
    layout = parse_config(yaml.safe_load(FIELDS)).layout(channels=channels("RFP", "DAPI"), groups=[], numbered=False)
    assert (layout.regions, layout.stamps) == (("nucleus", "cell", "cytoplasm"), False)


def test_only_the_resources_of_stages_that_run_are_needed() -> None:
    stamps, fields = parse_config(yaml.safe_load(STAMPS)), parse_config(yaml.safe_load(FIELDS))
    assert set(stamps.needed_resources) == {"files", "mask", "quality", "features"}
    assert fields.needed_resources == {"files": {"CPU": 1}, "segment": "auto", "features": {"CPU": 1}}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configurations_that_come_with_the_program_survive_their_record(path: Path) -> None:
    config = load_config(path)
    record = config.model_dump(mode="json")
    assert parse_config(json.loads(json.dumps(record, allow_nan=False))) == config
    assert parse_config(config.model_dump(mode="json", by_alias=True)) == config
    assert parse_config(config.model_dump()) == config


def test_there_are_configurations_to_start_from() -> None:
    configs = [load_config(path) for path in CONFIGS]
    assert any(config.mask for config in configs)


@pytest.mark.parametrize("text", [STAMPS, FIELDS], ids=["stamps", "fields"])
def test_every_shorthand_survives_its_record(text: str) -> None:
    config = parse_config(yaml.safe_load(text))
    assert parse_config(json.loads(config.model_dump_json())) == config


def models(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every model in a JSON schema, wherever it stands."""
    if schema.get("type") == "object" and "properties" in schema:
        yield schema
    for value in schema.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from models(inner)


def test_every_field_of_the_form_is_described_and_no_union_is_discriminated() -> None:
    schema = Config.model_json_schema()
    titles = set()
    for model in models(schema):
        titles.add(model["title"])
        generic = "[" in model["title"]  # pydantic leaves out the docstring of PerChannel[float]
        assert model.get("description") or generic, f"{model['title']} needs a docstring"
        for name, field in model["properties"].items():
            # what a method is for stands in the description of its model, which is not repeated for a section either
            inherited = name == "method" or "$ref" in field
            assert field.get("description") or inherited, f"{model['title']}.{name} needs a description"
    assert "oneOf" not in json.dumps(schema)
    registries: list[Registry[Any, Any]] = [masks, channel_filters, segmenters, thresholds, exporters]
    assert titles >= {config.__name__ for registry in registries for config in registry}


def test_prefect_can_build_the_form() -> None:
    schema = parameter_schema(preprocess).model_dump()
    assert schema["required"] == ["config"]
    assert set(schema["properties"]) == {"config", "inputs", "output", "cluster", "workers", "limit"}
    text = json.dumps(schema)
    assert "oneOf" not in text
    references = {part.split('"')[0] for part in text.split('"#/definitions/')[1:]}
    assert references <= set(schema["definitions"])
    assert {"Config", "Load", "Mask", "Segment", "Quality", "Features", "Export", "Run"} <= references


@pytest.mark.parametrize(
    ("sections", "channels", "message"),
    [
        (
            {"features": {"profile": "scip", "families": ["raw"]}},
            ("DNA",),
            "'raw' is measured on stamps that have masks",
        ),
        ({"features": {"names": "cytominer"}, "second": "nuclei"}, ("DNA",), "Nuclei"),
    ],
)
def test_columns_that_cannot_be_named_are_refused_before_anything_is_computed(
    sections: dict[str, Any], channels: tuple[str, ...], message: str
) -> None:
    objects: dict[str, Any] = {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 20}}
    if second := sections.pop("second", None):
        objects[second] = {"method": "seeded_watershed", "channel": "DNA", "seeds": "nucleus"}
    config = parse_config({"segment": {"objects": objects}, **sections})
    with pytest.raises(ConfigError, match=message):
        config.layout(channels=Channels(names=channels, sources=None, count=len(channels)), groups=(), numbered=False)
