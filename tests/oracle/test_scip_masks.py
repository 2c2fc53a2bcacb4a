"""Masks against the published program's own, bit for bit; the layout of the fixture: fixtures/README.md."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tasks.core.types import AnyArray, Batch, BoolArray, MaskResult
from tasks.mask import (
    Mask,
    circle_mask,
    li_mask,
    mask_batch,
    otsu_mask,
    remove_border_objects,
    spot_mask,
    watershed_mask,
)
from tasks.mask.cleaning import count_regions
from tasks.mask.filters.normaltest import normaltest_passes
from tasks.mask.filters.std import std_passes
from tasks.mask.filters.value_range import value_range_passes

FIXTURE = Path(__file__).parent / "fixtures" / "scip_masks.npz"
METHODS = (
    *("li", "li_wide", "li_mixed", "li_normaltest", "circle"),
    *("otsu", "watershed", "spot", "spot_small", "spot_wide"),
)
"""Their masks, each a method's own name or that name, ``_`` and what is particular about it."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """One set of stamps, and what the original found in it."""

    group: str
    images: list[AnyArray]
    arrays: dict[str, npt.NDArray[Any]]
    computed: dict[tuple[str, int, int], MaskResult] = field(default_factory=dict)

    def of(self, method: str, key: str) -> npt.NDArray[Any]:
        return self.arrays[f"{self.group}.{method}.{key}"]

    def packed(self, method: str, key: str) -> list[BoolArray]:
        shapes = [image.shape for image in self.images]
        if key == "combined":
            shapes = [shape[1:] for shape in shapes]
        sizes = [int(np.prod(shape)) for shape in shapes]
        flat = np.unpackbits(self.of(method, key), count=sum(sizes)).astype(bool)
        pieces = np.split(flat, np.cumsum(sizes)[:-1])
        return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def config(self, method: str, *, main: int) -> Mask:
        parameters: dict[str, object] = {"method": method.split("_", maxsplit=1)[0]}
        if parameters["method"] == "li":
            sigmas = self.of(method, "sigma").tolist()
            parameters["sigma"] = {f"c{number}": sigma for number, sigma in enumerate(sigmas)}
        if parameters["method"] == "spot":
            parameters["size"] = int(self.of(method, "size"))
        return Mask.model_validate(
            {
                "methods": [parameters],
                "main_channel": f"c{main}",
                "combine": [f"c{number}" for number in self.of(method, "combine")],
                "channel_filter": ["normaltest"] if self.of(method, "filtered") else [],
            }
        )

    def masked(self, method: str, stamp: int, *, main: int) -> MaskResult:
        """Mask one stamp by the whole stage; once, whichever test asks first."""
        key = (method, stamp, main)
        if key not in self.computed:
            (self.computed[key],) = mask_batch(_batch(self.images[stamp]), config=self.config(method, main=main))
        return self.computed[key]

    def mask(self, method: str, plane: AnyArray, *, channel: int) -> BoolArray:
        """Mask one channel by the function itself, without a configuration."""
        if method.startswith("li"):
            return li_mask(plane, sigma=self.of(method, "sigma")[channel])
        if method.startswith("spot"):
            return spot_mask(plane, size=int(self.of(method, "size")))
        plain = {"circle": circle_mask, "otsu": otsu_mask, "watershed": watershed_mask}
        return plain[method](plane)


@pytest.fixture(scope="module", params=["zarr", "generated"])
def original(request: pytest.FixtureRequest) -> Original:
    with np.load(FIXTURE, allow_pickle=False) as stored:
        arrays = dict(stored)
    assert tuple(arrays["methods"]) == METHODS
    shapes = arrays[f"{request.param}.shapes"]
    if request.param == "generated":
        pieces = np.split(arrays["generated.pixels"], np.cumsum(shapes.prod(axis=1))[:-1])
        images = [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]
    else:
        root: Path = request.getfixturevalue("data_root")
        with np.load(root / "ifc_pbmc_multiframe" / "test_zarr_decoded.npz") as decoded:
            images = [decoded[f"obj_{number}"] for number in range(len(shapes))]
    assert [image.shape for image in images] == [tuple(shape) for shape in shapes]
    return Original(group=request.param, images=images, arrays=arrays)


def _batch(image: AnyArray, dtype: npt.DTypeLike = np.uint16) -> Batch:
    return Batch.of([image.astype(dtype)], channels=[f"c{number}" for number in range(len(image))])


def test_normaltest_passes_the_same_channels(original: Original) -> None:
    passed = [[normaltest_passes(plane) for plane in image] for image in original.images]
    np.testing.assert_array_equal(passed, original.arrays[f"{original.group}.normaltest"])


@pytest.mark.parametrize(("name", "passes"), [("std", std_passes), ("value_range", value_range_passes)])
def test_a_filter_with_a_threshold_passes_the_same_channels(
    original: Original, name: str, passes: Callable[..., bool]
) -> None:
    passed = [
        [[passes(plane, threshold=threshold) for plane in image] for image in original.images]
        for threshold in original.arrays[f"{name}.thresholds"].tolist()
    ]
    np.testing.assert_array_equal(passed, original.arrays[f"{original.group}.{name}"])


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
@pytest.mark.parametrize("method", METHODS)
def test_masks_and_regions_of_every_channel_are_bit_equal(original: Original, method: str, dtype: str) -> None:
    # The original makes masks of otsu and watershed from integers only; ours are the same for floats.
    passed = original.arrays[f"{original.group}.normaltest"]
    filtered = bool(original.of(method, "filtered"))
    foreground = original.packed(method, "masks_found")
    uncut = original.packed(method, "masks")
    for stamp, image in enumerate(original.images):
        for channel, plane in enumerate(image.astype(dtype)):
            mask = original.mask(method, plane, channel=channel)
            mask &= passed[stamp, channel] or not filtered
            where = f"stamp {stamp}, channel {channel}"
            np.testing.assert_array_equal(mask, foreground[stamp][channel], err_msg=where)
            assert count_regions(mask) == original.of(method, "regions_found")[stamp, channel], where
            mask = remove_border_objects(mask)
            np.testing.assert_array_equal(mask, uncut[stamp][channel], err_msg=where)
            assert count_regions(mask) == original.of(method, "regions")[stamp, channel], where


@pytest.mark.parametrize("method", METHODS)
def test_the_same_stamps_are_kept_with_the_same_regions(original: Original, method: str) -> None:
    masked = [original.masked(method, stamp, main=0) for stamp in range(len(original.images))]
    np.testing.assert_array_equal([result.status[0] == "kept" for result in masked], original.of(method, "kept"))
    np.testing.assert_array_equal([result.n_components[0] for result in masked], original.of(method, "regions"))


@pytest.mark.parametrize("method", METHODS)
def test_combined_masks_boxes_and_backgrounds_are_equal(original: Original, method: str) -> None:
    combined = original.packed(method, "combined")
    uncut = original.packed(method, "masks")
    kept_stamps = np.flatnonzero(original.of(method, "any_kept"))
    assert kept_stamps.size >= 10
    for stamp in kept_stamps:
        # Where the first channel has no object, the fixture has the values for the first channel that has one.
        main = int(np.flatnonzero(original.of(method, "regions")[stamp])[0])
        masked = original.masked(method, int(stamp), main=main)
        assert masked.status.tolist() == ["kept"]
        np.testing.assert_array_equal(masked.masks.unstack()[0], uncut[stamp])
        np.testing.assert_array_equal(masked.combined.unstack()[0][0], combined[stamp])
        np.testing.assert_array_equal(masked.box[0], original.of(method, "box")[stamp])
        for key in ("background", "combined_background"):
            expected = original.of(method, key)[stamp]
            np.testing.assert_allclose(getattr(masked, key)[0], expected, rtol=1e-12, atol=0, err_msg=f"{stamp} {key}")
