"""Scalings against plain numpy over all pixels at once, however these are divided and merged; and their use."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.errors import ConfigError, PixelError
from tasks.core.exact.statistics import MAD_TO_DEVIATION
from tasks.core.types import AnyArray, FloatArray
from tasks.normalize import Asinh, MinMax, Normalize, Quantile, Robust, Use, check_fits, read_scaling, scalings
from tasks.normalize.find import find_scaling
from tasks.normalize.histogram import labelled, merge_histograms, pixel_histogram
from tasks.normalize.scaling import ChannelScaling, GroupScaling, Scaling, apply, apply_levels

METHODS = [MinMax(), Quantile(), Quantile(lower=0, upper=0.755), Robust(), Asinh(), Asinh(cofactor=150)]
TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"]


def plain(pixels: AnyArray, config: Normalize) -> tuple[float, float]:
    """Center and scale as numpy has them of all pixels, as float64: of int16 its quantiles may overflow."""
    pixels = pixels.astype(np.float64)
    if isinstance(config, Asinh) and config.cofactor is not None:
        return 0.0, config.cofactor
    if isinstance(config, MinMax):
        return float(pixels.min()), float(pixels.max()) - float(pixels.min())
    if isinstance(config, Quantile):
        lower, upper = (np.quantile(pixels, q, method="linear") for q in (config.lower, config.upper))
        return float(lower), float(upper - lower)
    median = np.median(pixels)
    deviation = MAD_TO_DEVIATION * np.median(np.abs(pixels - median))
    return (0.0 if isinstance(config, Asinh) else float(median)), float(deviation)


def scaling_of(
    pixels: dict[tuple[str, str], AnyArray], *, config: Normalize, size: int = 10**9, seed: int = 0
) -> Scaling:
    """Divide the pixels of each (well, channel) into parts, merge them in random order, and find the scaling."""
    rng = np.random.default_rng(seed)
    tables = []
    for (well, channel), values in pixels.items():
        group = {"well": well} if config.group_by else {}
        parts = [values[start : start + size] for start in range(0, len(values), size)]
        tables += [labelled(pixel_histogram(part), group=group, channel=channel) for part in parts]
    order, by = [tables[at] for at in rng.permutation(len(tables))], config.group_by
    while len(order) > 1:
        width = int(rng.integers(2, 5))
        order = [merge_histograms(order[at : at + width], group_by=by) for at in range(0, len(order), width)]
    channels = sorted({channel for _, channel in pixels})
    return find_scaling(merge_histograms(order, group_by=by), config=config, channels=channels)


def numbers(scaling: Scaling, *, well: str, channel: str) -> tuple[float, float]:
    (scaling_of_channel,) = [
        scaling_of_channel
        for scaling_of_channel in scaling.of({"well": well}).channels
        if scaling_of_channel.channel == channel
    ]
    return scaling_of_channel.center, scaling_of_channel.scale


def integers(name: str, *, seed: int, number: int = 3000) -> AnyArray:
    rng = np.random.default_rng(seed)
    info = np.iinfo(name)
    drawn = np.round(rng.lognormal(5, 2, size=number)) - 90
    return drawn.clip(max(info.min, -(2**51)), min(info.max, 2**51)).astype(name)


@pytest.mark.parametrize("config", METHODS, ids=repr)
@pytest.mark.parametrize("size", [97, 512, 10**6])
def test_of_integers_it_is_numpys_bit_for_bit_for_any_partition_size(config: Normalize, size: int) -> None:
    pixels = {
        (well, name): integers(name, seed=number, number=1500 + number)
        for number, (well, name) in enumerate((well, name) for well in "AB" for name in TYPES)
    }
    config = config.model_copy(update={"group_by": ("well",)})
    scaling = scaling_of(pixels, config=config, size=size, seed=size)
    for (well, name), values in pixels.items():
        center, scale = plain(values, config)
        assert numbers(scaling, well=well, channel=name) == (center, scale or 1.0)
    assert scaling == scaling_of(pixels, config=config, seed=1)
    pooled = {(name, name): np.concatenate([pixels["A", name], pixels["B", name]]) for name in TYPES}
    everything = scaling_of(pixels, config=config.model_copy(update={"group_by": ()}), size=size, seed=2)
    for name in TYPES:
        center, scale = plain(pooled[name, name], config)
        assert numbers(everything, well="", channel=name) == (center, scale or 1.0)


@given(
    values=hnp.arrays(st.sampled_from(TYPES), st.integers(1, 50)),
    config=st.sampled_from(METHODS),
    q=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    size=st.integers(1, 60),
    seed=st.integers(0, 9999),
)
def test_of_any_integers_it_is_numpys_bit_for_bit(
    values: AnyArray, config: Normalize, q: tuple[float, float], size: int, seed: int
) -> None:
    values = values // 2**14 if values.dtype.itemsize == 8 else values  # float64 holds them
    if isinstance(config, Quantile) and q[0] < q[1]:
        config = Quantile(lower=q[0], upper=q[1])
    center, scale = plain(values, config)
    scaling = scaling_of({("", "PI"): values}, config=config, size=size, seed=seed)
    assert numbers(scaling, well="", channel="PI") == (center, scale or 1.0)


SIZES = st.floats(-1e6, 1e6) | st.floats(-1e-6, 1e-6) | st.sampled_from([0.0, 1.0, 1000.0])


@given(
    values=hnp.arrays(np.float64, st.integers(1, 60), elements=SIZES),
    q=st.floats(0, 1),
    size=st.integers(1, 60),
    seed=st.integers(0, 9999),
)
def test_of_floats_it_is_within_the_stated_bound(values: FloatArray, q: float, size: int, seed: int) -> None:
    digit, rounding = 2.0**-13, 1e-9
    pixels = {("", "PI"): values}

    def fitted_to(config: Normalize) -> tuple[float, float]:
        return numbers(scaling_of(pixels, config=config, size=size, seed=seed), well="", channel="PI")

    low, spread = plain(values, MinMax())
    assert fitted_to(MinMax()) == (low, spread or 1.0)
    if q > 0:
        center, _ = fitted_to(Quantile(lower=0, upper=q))
        assert center == low
    if q < 1:
        center, _ = fitted_to(Quantile(lower=q, upper=1))
        # interpolated between two pixels, each of which is off by its own size
        around = np.sort(values)[[int(np.floor(q * (len(values) - 1))), int(np.ceil(q * (len(values) - 1)))]]
        assert abs(center - np.quantile(values, q)) <= digit * np.abs(around).max() * (1 + rounding) + 2.0**-1022
    median, deviation = (
        float(statistic) for statistic in (np.median(values), np.median(np.abs(values - np.median(values))))
    )
    center, scale = fitted_to(Robust())
    middle = np.sort(values)[[(len(values) - 1) // 2, len(values) // 2]]
    large = float(np.abs(middle).max())
    assert abs(center - median) <= digit * large * (1 + rounding) + 2.0**-1022
    off = abs((0.0 if scale == 1.0 else scale / MAD_TO_DEVIATION) - deviation)
    if scale != 1.0:
        distances = np.sort(np.abs(values - median))[[(len(values) - 1) // 2, len(values) // 2]]
        assert off <= digit * (2 * large + distances.max()) * (1 + rounding) + 2.0**-1021
    assert fitted_to(Robust()) == numbers(scaling_of(pixels, config=Robust(), seed=seed + 1), well="", channel="PI")


def test_of_many_floats_it_is_close_to_numpys() -> None:
    values = np.random.default_rng(0).lognormal(3, 0.5, size=50_000).astype(np.float32)
    for config in METHODS:
        got = numbers(scaling_of({("", "PI"): values}, config=config, size=999), well="", channel="PI")
        assert got == pytest.approx(plain(values.astype(np.float64), config), rel=2.0**-11)


def test_whole_and_floating_point_pixels_of_one_channel_agree_within_the_bound() -> None:
    rng = np.random.default_rng(0)
    integral, floats = rng.integers(0, 60_000, size=4000).astype(np.uint16), rng.uniform(0, 60_000, size=4000)
    for seed in range(3):
        tables = [labelled(pixel_histogram(part), group={}, channel="PI") for part in (integral, floats, integral[:9])]
        merged = merge_histograms([tables[at] for at in np.random.default_rng(seed).permutation(3)], group_by=())
        scaling = find_scaling(merged, config=Quantile(), channels=["PI"])
        expected = plain(np.concatenate([integral, floats, integral[:9]]), Quantile())
        assert numbers(scaling, well="", channel="PI") == pytest.approx(expected, rel=2.0**-12)
        assert scaling.groups[0].channels[0].count == 8009


@pytest.mark.parametrize("values", [np.full(5, 7, dtype=np.uint16), np.full(5, 7.3), np.array([7.3], dtype=np.float32)])
def test_equal_pixels_become_zero(values: AnyArray) -> None:
    for config in (MinMax(), Quantile(), Robust()):
        scaling = scaling_of({("", "PI"): values}, config=config)
        (group,) = scaling.groups
        assert (group.channels[0].center, group.channels[0].scale) == (float(values[0]), 1.0)
        assert not apply(values.reshape(1, 1, -1), group, transform=scaling.transform).any()


def test_a_group_of_one_pixel_has_a_scaling_of_its_own() -> None:
    pixels = {("A", "PI"): integers("uint16", seed=0), ("B", "PI"): np.array([12], dtype=np.uint16)}
    scaling = scaling_of(pixels, config=MinMax(group_by=("well",)))
    assert numbers(scaling, well="B", channel="PI") == (12.0, 1.0)
    assert [group.channels[0].count for group in scaling.groups] == [3000, 1]


def test_a_channel_or_group_without_pixels_is_missing_not_zero(tmp_path: Path) -> None:
    pixels = {"PI": np.array([1, 3], dtype=np.uint8), "BF": np.zeros(0, dtype=np.uint8)}
    tables = [labelled(pixel_histogram(pixels[name]), group={"well": "A"}, channel=name) for name in pixels]
    merged = merge_histograms(tables, group_by=["well"])
    config = MinMax(group_by=("well",))
    scaling = find_scaling(merged, config=config, channels=["BF", "PI"], groups=[("C",), ("A",)])
    assert [group.group for group in scaling.groups] == [{"well": "A"}, {"well": "C"}]
    assert np.isnan(numbers(scaling, well="A", channel="BF")).all()
    assert np.isnan(numbers(scaling, well="C", channel="PI")).all()
    record = json.loads(scaling.model_dump_json())
    assert record["groups"][0]["channels"] == [
        {"channel": "BF", "center": None, "scale": None, "count": 0},
        {"channel": "PI", "center": 1.0, "scale": 2.0, "count": 2},
    ]
    (tmp_path / "normalization.json").write_text(scaling.model_dump_json())
    assert read_scaling(tmp_path) == scaling
    image = np.ones((2, 2, 2), dtype=np.uint8)
    scaled = apply(image, scaling.of({"well": "A"}), transform="linear")
    assert np.isnan(scaled[0]).all()
    assert not scaled[1].any()


def test_without_any_pixel_there_is_a_scaling_that_is_missing() -> None:
    scaling = find_scaling(merge_histograms([], group_by=()), config=Robust(), channels=["PI"], region="li")
    assert scaling.region == "li"
    assert [group.group for group in scaling.groups] == [{}]
    assert np.isnan(scaling.groups[0].channels[0].scale)


BF = ChannelScaling(channel="BF", center=100.25, scale=0.3, count=9)
GROUP = GroupScaling(group={}, channels=(BF, ChannelScaling(channel="PI", center=-3.0, scale=7.0, count=9)))


@pytest.mark.parametrize("name", [*TYPES, "uint64", "float16", "float32", "float64"])
def test_images_are_scaled_in_double_precision_and_rounded_once(name: str) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 120, size=(2, 5, 4)).astype(name)
    scaled = apply(image, GROUP, transform="linear")
    double = np.dtype(name).itemsize > 2 and name != "float32"
    assert scaled.dtype == (np.float64 if double else np.float32)
    expected = (image.astype(np.float64) - np.array([100.25, -3])[:, None, None]) / np.array([0.3, 7])[:, None, None]
    assert np.array_equal(scaled, expected.astype(scaled.dtype))
    close = 1e-14 if double else 2.0**-23
    assert np.allclose(apply(image, GROUP, transform="asinh"), np.arcsinh(expected), rtol=close, atol=0)


def test_levels_are_put_on_the_scale_of_the_pixels() -> None:
    levels = np.array([[100.25, 4.0], [np.nan, -3.0]])
    assert np.array_equal(apply_levels(levels, GROUP, transform="linear"), [[0.0, 1.0], [np.nan, 0.0]], equal_nan=True)
    assert np.allclose(apply_levels(levels[0], GROUP, transform="asinh"), np.arcsinh([0.0, 1.0]), rtol=1e-14)
    assert levels[0, 1] == 4.0  # what was given is left as it was


def test_an_image_of_another_number_of_channels_or_of_an_unknown_group_is_set_aside() -> None:
    with pytest.raises(PixelError, match="has 3 channels, but 2 have a scaling"):
        apply(np.zeros((3, 2, 2)), GROUP, transform="linear")
    with pytest.raises(PixelError, match="has 3 channels, but 2 have a scaling"):
        apply_levels(np.zeros(3), GROUP, transform="linear")
    wells = {(f"W{number}", "PI"): integers("uint8", seed=number) for number in range(5)}
    scaling = scaling_of(wells, config=MinMax(group_by=("well",)))
    assert scaling.of({"well": "W3", "site": "1"}).group == {"well": "W3"}
    message = r"^belongs to the group well 'X', of which no scaling is known \('W0', 'W1', 'W2' and 2 more are\)$"
    with pytest.raises(PixelError, match=message):
        scaling.of({"well": "X"})
    with pytest.raises(PixelError, match="belongs to the group well ''"):
        scaling.of({})


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Output folder of a run that scaled by plate."""
    pixels = {(well, channel): integers("uint16", seed=3) for well in "AB" for channel in ("BF", "PI")}
    scaling = scaling_of(pixels, config=Quantile(group_by=("well",)))
    (tmp_path / "statistics").mkdir()
    (tmp_path / "statistics" / "normalization.json").write_text(scaling.model_dump_json(indent=2))
    return tmp_path


def test_a_scaling_is_found_by_file_folder_or_output(output: Path) -> None:
    paths = [output, output / "statistics", output / "statistics" / "normalization.json"]
    first, *others = (read_scaling(path) for path in paths)
    assert all(other == first for other in others)
    config = scalings.parse({"use": str(output)})
    assert isinstance(config, Use)
    assert scalings.function(config)(config) == first
    assert (first.method, first.group_by, first.channels) == ("quantile", ("well",), ("BF", "PI"))
    # one of more channels in another order serves, too
    scaling = read_scaling(output)
    narrowed = scaling.narrowed(["PI"])
    assert narrowed.channels == ("PI",)
    assert narrowed.of({"well": "B"}).channels == scaling.of({"well": "B"}).channels[1:]
    assert scaling.narrowed(["PI", "BF"]).narrowed(["BF", "PI"]) == scaling


def test_what_cannot_be_reused_is_told(output: Path) -> None:
    file = output / "statistics" / "normalization.json"
    expected = "expected normalization.json of a run that had a section normalize, or its output folder"
    ours = "expected normalization.json as a run with a section normalize writes it"

    def message(path: Path) -> str:
        with pytest.raises(ConfigError) as caught:
            read_scaling(path)
        return str(caught.value)

    assert message(output / "nowhere").endswith(f"nowhere', which is not there; {expected}")
    empty = output / "empty"
    empty.mkdir()
    nothing = "in which there is neither normalization.json nor statistics/normalization.json"
    assert message(empty).endswith(f"empty', {nothing}; {expected}")
    record = json.loads(file.read_text())
    file.write_text("{,")
    assert message(output).startswith(f"normalize.use: {file} is not JSON (Invalid JSON: ")
    assert message(output).endswith(ours)
    file.write_text('{"thresholds": []}')
    assert message(output) == f"normalize.use: {file} is not the scaling of a run (method: Field required); {ours}"
    record["groups"][1]["channels"][0]["scale"] = 0
    file.write_text(json.dumps(record))
    assert "(groups: channel BF of the group well 'B' has center" in message(output)
    record["groups"][0]["channels"].pop()
    file.write_text(json.dumps(record))
    assert "(groups: the channels of the group well 'A' are not BF, PI)" in message(output)
    file.write_text(json.dumps(record | {"group_by": ["plate"]}))
    assert "(groups: got one by well, expected plate)" in message(output)


def images(*wells: str | None) -> pl.DataFrame:
    return pl.DataFrame({"meta__image": [f"{well}.tif" for well in wells], "meta__well": wells})


def test_a_scaling_fits_images_of_its_channels_and_groups(output: Path) -> None:
    check_fits(read_scaling(output), channels=["PI"], images=images("A", "A"))
    plain_scaling = scaling_of({("", "PI"): integers("uint8", seed=0)}, config=MinMax())
    check_fits(plain_scaling, channels=["PI"], images=images("X", None))


def test_missing_channels_and_groups_are_told_at_once(output: Path) -> None:
    out = "Leave these images out, or scale with a method of your own"
    with pytest.raises(ConfigError) as caught:
        check_fits(read_scaling(output), channels=["pi", "BF"], images=images("A", "C", "D", None, "E", "D"))
    assert str(caught.value).splitlines() == [
        "normalize.use: has no scaling of channel 'pi'; allowed: BF, PI; did you mean 'PI'?",
        f"normalize.use: lacks 4 of the groups of the images by well: '', 'C', 'D' and 1 more; it has 'A', 'B'. {out}",
    ]
    with pytest.raises(ConfigError, match="lacks a group of the images by well: 'C'; it has 'A', 'B'"):
        check_fits(read_scaling(output), channels=["BF"], images=images("C"))
    with pytest.raises(ConfigError, match="found for each well, but the images have no well; add the named group"):
        check_fits(read_scaling(output), channels=["BF"], images=images("A").drop("meta__well"))
