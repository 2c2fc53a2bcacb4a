"""OME-Zarr 0.4, 0.5 and 0.6: images, plates and collections."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from numcodecs import Pickle

from tasks.core.errors import InputError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.listing import ImageListing, list_images
from tasks.ingest.load import load_images, read_planes
from tasks.ingest.references import from_frame

RNG = np.random.default_rng(8)
UNITS = {
    "t": ("time", "second"),
    "c": ("channel", None),
    "z": ("space", "micrometer"),
    "y": ("space", "nanometer"),
    "x": ("space", "micrometer"),
}


def described(axes: str) -> list[dict[str, str]]:
    return [
        {"name": axis, "type": UNITS[axis][0]} | ({"unit": unit} if (unit := UNITS[axis][1]) else {}) for axis in axes
    ]


def write_image(
    path: Path,
    image: AnyArray,
    *,
    axes: str,
    version: str = "0.5",
    transformations: list[dict[str, Any]] | None = None,
    **array: Any,  # noqa: ANN401
) -> None:
    """Write what the specification of a version says, by hand: no library writes 0.6 yet."""
    scale = {"t": 1.0, "c": 1.0, "z": 2.0, "y": 325.0, "x": 0.325}
    transformations = transformations or [{"type": "scale", "scale": [scale[axis] for axis in axes]}]
    multiscale: dict[str, Any] = {"datasets": [{"path": "0", "coordinateTransformations": transformations}]}
    if version == "0.6":
        for own in transformations:
            own.update(input={"path": "0"}, output={"name": "physical"})
        multiscale["coordinateSystems"] = [{"name": "physical", "axes": described(axes)}]
    else:
        multiscale["axes"] = described(axes)
    attributes: dict[str, Any] = {
        "multiscales": [multiscale],
        "omero": {"channels": [{"label": "DNA"}, {"label": "RNA"}]},
    }
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    if version == "0.4":
        multiscale["version"] = version
    else:
        attributes = {"ome": attributes | {"version": version}}
    group.attrs.update(attributes)
    array = {"chunks": tuple(min(16, length) for length in image.shape)} | array
    group.create_array("0", shape=image.shape, dtype=image.dtype, **array)[:] = image


def listed(*inputs: Path, **load: object) -> ImageListing:
    config = Load.model_validate(load)
    return list_images(
        [str(path) for path in inputs], config=config, partition_size=1, limit=None, seed=0, work=Path("/w/work")
    )


def pixels_of(listing: ImageListing, **more: Any) -> list[AnyArray | None]:  # noqa: ANN401
    loaded = load_images(from_frame(listing.index), channels=listing.images.channels, **more)
    assert not loaded.faults
    return loaded.images


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
@pytest.mark.parametrize("axes", ["yx", "cyx", "zyx", "tczyx", "tyx"])
def test_axes_of_every_version(tmp_path: Path, version: str, axes: str) -> None:
    sizes = {"t": 2, "c": 2, "z": 3, "y": 21, "x": 34}
    image = RNG.integers(0, 2**16, [sizes[axis] for axis in axes], dtype=np.uint16)
    write_image(tmp_path / "a.zarr", image, axes=axes, version=version)
    listing = listed(tmp_path)
    references = from_frame(listing.index)
    full = image.reshape([sizes[axis] if axis in axes else 1 for axis in "tczyx"])
    assert len(references) == full.shape[0]
    assert references[0].measures["pixel_size_x"] == 0.325
    assert references[0].measures["pixel_size_y"] == pytest.approx(0.325)
    assert listing.images.channels.names == (("DNA", "RNA") if "c" in axes else ("c0",))
    for time, reference in enumerate(references):
        planes = np.stack(list(read_planes(reference, channels=listing.images.channels)))
        np.testing.assert_array_equal(planes, full[time].swapaxes(0, 1))


@pytest.mark.parametrize(
    ("version", "array"),
    [("0.4", {}), ("0.4", {"order": "F"}), ("0.5", {}), ("0.5", {"chunks": (1, 8, 8), "shards": (2, 16, 16)})],
)
def test_windows_of_chosen_channels(tmp_path: Path, version: str, array: dict[str, Any]) -> None:
    image = RNG.integers(0, 2**16, (2, 32, 48), dtype=np.uint16)
    write_image(tmp_path / "a.zarr", image, axes="cyx", version=version, **array)
    listing = listed(tmp_path, channels={"second": "RNA"})
    (own,) = pixels_of(listing, region=PixelWindow(3, 20, 15, 48))
    np.testing.assert_array_equal(own, image[1:, 3:20, 15:48])


def test_a_plate_by_the_reference_writer_has_the_pixels_of_its_tiffs(data_root: Path) -> None:
    listing = listed(data_root / "omezarr_plates")
    references = from_frame(listing.index)
    assert [each.image.split("/", 1)[1] for each in references] == [
        *(f"nf1_plate_v0.4.zarr/{field}/0" for field in ("B/7", "D/6", "D/7")),
        *(f"nf1_plate_v0.5.zarr/{field}/0" for field in ("D/6", "D/7")),
    ]
    assert [each.metadata for each in references] == [{"well": well} for well in ("B07", "D06", "D07", "D06", "D07")]
    for reference, image in zip(references, pixels_of(listing), strict=True):
        row, column = reference.image.split("/")[-3:-1]
        files = sorted((data_root / "hcs_nf1" / "images").glob(f"{row}{column}_*.tif"))
        np.testing.assert_array_equal(image, np.stack([tifffile.imread(path) for path in files]))


def test_a_collection_of_bioformats_has_scenes(tmp_path: Path) -> None:
    images = [RNG.integers(0, 200, (2, 8, 9), dtype=np.uint8) for _ in range(2)]
    zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2).attrs.update({"bioformats2raw.layout": 3})
    for scene, image in enumerate(images):
        write_image(tmp_path / "a.zarr" / str(scene), image, axes="cyx", version="0.4")
    listing = listed(tmp_path)
    assert [each.metadata for each in from_frame(listing.index)] == [{"scene": "0"}, {"scene": "1"}]
    for own, image in zip(pixels_of(listing), images, strict=True):
        np.testing.assert_array_equal(own, image)


def test_what_the_store_leaves_out_is_its_fill_value(tmp_path: Path) -> None:
    image = np.zeros((1, 32, 32), np.uint16)
    image[0, :16, :16] = RNG.integers(1, 9, (16, 16))
    write_image(tmp_path / "a.zarr", image, axes="cyx", config={"write_empty_chunks": False})
    (own,) = pixels_of(listed(tmp_path))
    np.testing.assert_array_equal(own, image)


def change(path: Path, **changes: Any) -> None:  # noqa: ANN401
    content = json.loads(path.read_text())
    content["attributes"]["ome"].update(changes)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "0.7"}, "is OME-Zarr of version '0.7'; 0.4, 0.5, 0.6 are read"),
        ({"version": 5}, "is OME-Zarr of version 5"),
        ({"multiscales": []}, "lists no image"),
        ({"multiscales": [{"axes": described("cyx")}]}, "lists no dataset"),
        ({"multiscales": [{"axes": [{"name": "q"}], "datasets": []}]}, "has the axes q; expected y and x"),
        ({"multiscales": [{"axes": described("cyx"), "datasets": [{"path": "../b"}]}]}, "outside of the image"),
        ({"multiscales": [{"axes": described("yx"), "datasets": [{"path": "0"}]}]}, "2 axes .y, x., but 3 dimensions"),
    ],
)  # fmt: skip
def test_metadata_that_make_no_sense_are_told(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_image(tmp_path / "a.zarr", np.ones((2, 8, 9), np.uint8), axes="cyx")
    change(tmp_path / "a.zarr" / "zarr.json", **changes)
    with pytest.raises(InputError, match=message):
        build_index([tmp_path / "a.zarr"], config=Load())


@pytest.mark.parametrize("kind", ["rotation", "affine", "mapAxis", "displacements"])
def test_transformations_that_cannot_be_applied_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    inner = [{"type": "scale", "scale": [1, 1, 1]}, {"type": kind}]
    write_image(
        tmp_path / "a.zarr", np.ones((2, 8, 9), np.uint8), axes="cyx", version="0.6",
        transformations=[{"type": "sequence", "transformations": inner}],
    )  # fmt: skip
    with pytest.raises(InputError, match=f"of type '{kind}'; scale and translation are understood"):
        build_index([tmp_path / "a.zarr"], config=Load())


def test_no_codec_is_run_that_does_more_than_decompress(tmp_path: Path) -> None:
    write_image(tmp_path / "a.zarr", np.ones((2, 8, 9), np.uint8), axes="cyx", version="0.4")
    path = tmp_path / "a.zarr" / "0" / ".zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"filters": [Pickle().get_config()]}))
    with pytest.raises(InputError, match="is encoded by 'pickle'"):
        build_index([tmp_path / "a.zarr"], config=Load())


def test_an_image_without_any_chunk_and_a_well_without_an_image_are_set_aside(tmp_path: Path) -> None:
    write_image(tmp_path / "a.zarr", np.ones((2, 8, 9), np.uint8), axes="cyx")
    write_image(tmp_path / "b.zarr", np.ones((2, 8, 9), np.uint8), axes="cyx")
    shutil.rmtree(tmp_path / "a.zarr" / "0" / "c")
    index = build_index([tmp_path], config=Load())
    assert [each.image.split("/")[-1] for each in index.references] == ["b.zarr"]
    assert "has none of the files that would hold its pixels" in index.faults[0].message


def test_a_damaged_chunk_sets_the_image_aside(tmp_path: Path) -> None:
    write_image(tmp_path / "a.zarr", RNG.integers(0, 200, (1, 32, 32), dtype=np.uint8), axes="cyx")
    listing = listed(tmp_path)
    chunk = next(path for path in sorted((tmp_path / "a.zarr" / "0" / "c").rglob("*")) if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-40])
    loaded = load_images(from_frame(listing.index), channels=listing.images.channels)
    assert loaded.images == [None]


def test_a_header_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "a.zarr", np.ones((1, 32, 32), np.uint8), axes="cyx", chunks=(1, 32, 32))
    path = tmp_path / "a.zarr" / "0" / "zarr.json"
    content = json.loads(path.read_text())
    content["shape"] = [1, 10**5, 10**5]
    content["chunk_grid"]["configuration"]["chunk_shape"] = [1, 10**5, 10**5]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="has 100000×100000 pixels a channel, more than load"):
        listed(tmp_path)
