"""Correction images: the published definition, and a shading that was put in and is taken out."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.transform import downscale_local_mean, rescale

from tasks.core.errors import InputError
from tasks.core.types import AnyArray, FloatArray
from tasks.illumination.config import Estimated, Gaussian, Jones2006, Polynomial
from tasks.illumination.correction import corrected, correction_image, light_offset
from tasks.illumination.sums import FieldSum, added

HEIGHT, WIDTH, FIELDS = 260, 348, 200


def light(images: AnyArray, *, downscale: int) -> FieldSum:
    return added([FieldSum.of(image, downscale=downscale) for image in images])


def vignette(centre: tuple[float, float]) -> FloatArray:
    """Make light that falls off by 30 % to the farthest corner, as the square of the distance from a centre."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = (rows / HEIGHT - centre[0]) ** 2 + (columns / WIDTH - centre[1]) ** 2
    shade: FloatArray = 1 - 0.3 * distance / distance.max()
    return shade


def draw_field(rng: np.random.Generator, shade: FloatArray) -> AnyArray:
    """Draw a field of 80 round cells on a background, with the camera's noise."""
    spots = np.zeros((HEIGHT + 40, WIDTH + 40))
    rows, columns = rng.integers(0, HEIGHT + 40, 80), rng.integers(0, WIDTH + 40, 80)
    np.add.at(spots, (rows, columns), rng.uniform(300, 1200, 80))
    cells = ndimage.gaussian_filter(spots, 5, mode="constant")[20:-20, 20:-20] * 2 * np.pi * 25
    field: AnyArray = rng.poisson((200 + cells) * shade).astype(np.uint16)[np.newaxis]
    return field


@pytest.fixture(scope="module")
def plates() -> list[tuple[FloatArray, list[AnyArray]]]:
    """Draw two plates of 200 fields, each with its own shading."""
    rng = np.random.default_rng(0)
    shades = [vignette((0.45, 0.55)), vignette((0.6, 0.4))]
    return [(shade, [draw_field(rng, shade) for _ in range(FIELDS)]) for shade in shades]


def test_the_definition_of_the_published_system() -> None:
    images = np.random.default_rng(0).integers(50, 3000, (7, 2, 48, 64)).astype(np.uint16)
    config = Jones2006(median_size=5, downscale=4, rescale="none")
    mean = downscale_local_mean(images.mean(axis=0), (1, 4, 4))
    smooth = np.stack([ndimage.median_filter(plane, size=5) for plane in mean])
    expected = rescale(smooth, scale=4, anti_aliasing=True, channel_axis=0)
    correction = correction_image(light(images, downscale=4), config=config)
    assert correction.dtype == np.float32
    assert np.allclose(correction, expected, rtol=1e-6)


def test_fields_whose_sides_are_no_multiple_are_corrected_to_the_last_pixel() -> None:
    images = np.full((3, 1, 41, 59), 500, dtype=np.uint16)
    correction = correction_image(light(images, downscale=4), config=Jones2006(median_size=3))
    assert correction.shape == (1, 41, 59)
    assert np.array_equal(correction, np.ones_like(correction))


def test_pixels_keep_their_mean_with_rescale_mean() -> None:
    rng = np.random.default_rng(3)
    images = (rng.uniform(900, 1100, (5, 1, 40, 40)) * np.linspace(0.5, 1.5, 40)).astype(np.uint16)
    correction = correction_image(light(images, downscale=2), config=Polynomial(downscale=2))
    assert correction.mean() == pytest.approx(1, rel=1e-3)
    assert np.stack([corrected(image, correction) for image in images]).mean() == pytest.approx(images.mean(), rel=0.02)


def test_a_channel_without_light_is_left_alone() -> None:
    images = np.zeros((3, 2, 30, 30), dtype=np.uint16)
    images[:, 1] = 100
    for config in (Jones2006(median_size=3, downscale=1), Jones2006(median_size=3, downscale=1, rescale="none")):
        correction = correction_image(light(images, downscale=1), config=config)
        assert np.array_equal(correction[0], np.ones((30, 30)))
        assert np.array_equal(corrected(images[0], correction)[0], np.zeros((30, 30)))


METHODS = [Jones2006(median_size=3, downscale=2), Gaussian(sigma=2), Polynomial(downscale=3)]


@pytest.mark.parametrize("config", METHODS, ids=lambda config: config.method)
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4"])
def test_signed_counts_are_corrected_as_unsigned_ones(config: Estimated, dtype: str) -> None:
    rng = np.random.default_rng(5)
    unsigned = rng.poisson(40 * np.linspace(0.6, 1.2, 37), (5, 2, 30, 37)).astype(f"u{dtype[1]}")
    unsigned[:, 1] = 0  # without light
    signed = (unsigned ^ unsigned.dtype.type(1 << (8 * unsigned.itemsize - 1))).view(dtype)
    expected, correction = (
        correction_image(light(images, downscale=config.downscale), config=config) for images in (unsigned, signed)
    )
    assert np.array_equal(correction, expected)
    assert np.array_equal(correction[1], np.ones((30, 37)))
    offset = light_offset(light(signed, downscale=2), config=config)
    assert offset == np.iinfo(dtype).min
    assert np.array_equal(corrected(signed[0], correction, offset=offset), corrected(unsigned[0], expected))


def test_signed_counts_from_0_on_have_no_offset_and_a_given_one_is_taken() -> None:
    counts = np.random.default_rng(5).poisson(40 * np.linspace(0.6, 1.2, 37), (5, 1, 30, 37))
    config = Polynomial(offset=100.5)
    for dtype in ("int16", "int32", "float32"):
        assert light_offset(light(counts.astype(dtype), downscale=1), config=Polynomial()) == 0
    correction = correction_image(light(counts + 100.5, downscale=4), config=config)
    assert np.allclose(correction, correction_image(light(counts, downscale=4), config=Polynomial()), rtol=1e-6)
    assert np.allclose(corrected(np.full((1, 30, 37), 140.5), correction, offset=100.5), 40 / correction)


@pytest.mark.parametrize("config", METHODS, ids=lambda config: config.method)
@pytest.mark.parametrize("subtracted", [38, 400])
def test_light_that_is_not_clearly_positive_is_an_error(config: Estimated, subtracted: int) -> None:
    counts = np.random.default_rng(5).poisson(40 * np.linspace(0.6, 1.2, 37), (5, 2, 30, 37)).astype(np.float32)
    counts[:, 1] -= subtracted
    share = r"100.0%" if subtracted == 400 else r"[3-7]\d\.\d%"
    message = f"mean light of RNA of group 'P1' is not clearly positive in {share} of the field"
    sums = light(counts, downscale=config.downscale)
    with pytest.raises(InputError, match=message):
        correction_image(sums, config=config, channels=["DNA", "RNA"], title="group 'P1'")


@pytest.mark.parametrize(
    ("dtype", "result"),
    [("uint8", "float32"), ("uint16", "float32"), ("float32", "float32"), ("int32", "float64"), ("float64", "float64")],
)
def test_corrected_pixels_are_floats_that_lose_no_digit(dtype: str, result: str) -> None:
    image = np.full((1, 2, 2), 200, dtype=dtype)
    result_image = corrected(image, np.full((1, 2, 2), 0.5, dtype=np.float32))
    assert result_image.dtype == result
    assert np.array_equal(result_image, np.full((1, 2, 2), 400))


@pytest.mark.parametrize(
    "config", [Jones2006(), Polynomial(degree=2), Polynomial(degree=4)], ids=["median", "square", "fourth"]
)
def test_a_planted_vignette_is_flattened(config: Estimated, plates: list[tuple[FloatArray, list[AnyArray]]]) -> None:
    for shade, images in plates:
        assert shade.std() / shade.mean() > 0.05
        left = shade / correction_image(light(np.stack(images), downscale=config.downscale), config=config)[0]
        assert left.std() / left.mean() < 0.02
        if config == Polynomial(degree=2):  # leaves hardly a pixel two percent off
            assert np.mean(np.abs(left / left.mean() - 1) < 0.02) > 0.98
