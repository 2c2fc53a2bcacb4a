"""What is said about keys and names that do not exist or cannot be used. The messages here are the specification."""

import pytest

from tests.flows.config_texts import YES_AND_NO, messages

MASKS = "circle, file, li, otsu, spot, watershed"
SECTIONS = "load, project, illumination, segment, mask, quality, normalize, features, export, report, run"
WATERSHED_KEYS = (
    "name, within, method, channel, diameter, sigma, threshold, window, threshold_correction, local_contrast, rim, "
    "declump, neck, min_contrast, min_diameter, max_diameter"
)
SEGMENTERS = (
    "callable, cellpose, expand, instanseg, labels, model, seeded_watershed, stardist, subtract, threshold, watershed"
)
NO_DOUBLE_UNDERSCORE = (
    "cannot be used: '__' separates the parts of a column name, so a name may not contain it, nor start or end with '_'"
)

UNKNOWN_KEYS = {
    "maks: {}": [f"maks: unknown key; allowed: {SECTIONS}; did you mean 'mask'?"],
    "1: 2": [f"1: unknown key; allowed: {SECTIONS}"],
    "load: {chanels: {BF: 0}}": [
        (
            "load.chanels: unknown key; allowed: reader, pattern, channels, offset, pixel_size, metadata, "
            "max_pixels, max_compression; did you mean 'channels'?"
        ),
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
        "features.family: unknown key; allowed: profile, families, names, units, dtype; did you mean 'families'?"
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
            "run.partition: unknown key; allowed: partition_size, max_quarantined, retries, time_limit, seed, "
            "resources; did you mean 'partition_size'?"
        ),
    ],
}


@pytest.mark.parametrize("text", UNKNOWN_KEYS)
def test_an_unknown_key_is_told_with_the_nearest_one_at_every_level(text: str) -> None:
    assert messages(text) == UNKNOWN_KEYS[text]


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
            f"segment.objects.nucleus: unknown segment method 'watersheds'; allowed: {SEGMENTERS}; "
            "did you mean 'watershed'?"
        )
    ],
    "segment: {objects: {nucleus: {channel: DAPI}}}": [
        f"segment.objects.nucleus: the key 'method' is missing; allowed: {SEGMENTERS}"
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
            "load.reader: unknown reader 'tiff-per-channel'; allowed: auto, aicsimageio, bioio, cif, image, "
            "multiframe_tiff, ome_tiff, ome_zarr, ragged_zarr, tiff_per_channel; did you mean 'tiff_per_channel'?"
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
    "mask: {methods: li, main_channel: BF}\nexport: {formats: [csvs]}": [
        (
            "export.formats.0: unknown exporter method 'csvs'; allowed: anndata, csv, fcs, ome_zarr_labels, parquet; "
            "did you mean 'csv'?"
        )
    ],
    "segment: {device: GPU, objects: {nucleus: {method: watershed, channel: DAPI, threshold: lee}}}": [
        "segment.device: got 'GPU'; allowed: auto, cpu, gpu; did you mean 'gpu'?",
        "segment.objects.nucleus.threshold: got 'lee'; allowed: li, otsu, triangle, local",
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
    assert messages(text) == UNKNOWN_NAMES[text]


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
    assert messages(text) == BAD_NAMES[text]
