"""OME-TIFF: what the XML tells of pages is what is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import InputError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray
from tasks.ingest.channels import Channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.listing import ImageListing, list_images
from tasks.ingest.load import load_images, read_planes
from tasks.ingest.readers import readers
from tasks.ingest.references import ImageReference, from_frame

RNG = np.random.default_rng(7)
OPENING = '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
OME = {"PhysicalSizeX": 0.65, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 650, "PhysicalSizeYUnit": "nm"}


def listed(*inputs: Path, **load: object) -> ImageListing:
    config = Load.model_validate(load)
    return list_images(
        [str(path) for path in inputs], config=config, partition_size=1, limit=None, seed=0, work=Path("/w/work")
    )


def pixels_of(listing: ImageListing, **more: Any) -> list[AnyArray | None]:  # noqa: ANN401
    loaded = load_images(from_frame(listing.index), channels=listing.images.channels, **more)
    assert not loaded.faults
    return loaded.images


def planes_of(reference: ImageReference, channels: Channels) -> AnyArray:
    return np.stack(list(read_planes(reference, channels=channels)))


@pytest.mark.parametrize("axes", ["TZCYX", "TCZYX", "ZTCYX", "ZCTYX", "CTZYX", "CZTYX"])
@pytest.mark.parametrize(
    "settings", [{}, {"bigtiff": True}, {"byteorder": ">"}, {"compression": "zstd", "tile": (16, 16)}]
)
def test_dimensions_in_any_order(tmp_path: Path, axes: str, settings: dict[str, Any]) -> None:
    sizes = {"T": 2, "Z": 3, "C": 2, "Y": 21, "X": 34}
    image = RNG.integers(0, 2**16, [sizes[axis] for axis in axes], dtype=np.uint16)
    metadata = {"axes": axes, "Channel": {"Name": ["DNA", "Actin"]}, **OME}
    tifffile.imwrite(tmp_path / "a.ome.tif", image, metadata=metadata, ome=True, **settings)
    listing = listed(tmp_path / "a.ome.tif", channels={"actin": "Actin", "dna": "DNA"})
    references = from_frame(listing.index)
    assert [each.image for each in references] == ["a.ome.tif#0", "a.ome.tif#1"]
    assert [each.measures for each in references] == [
        {"time": time, "pixel_size_x": 0.65, "pixel_size_y": 0.65} for time in (0.0, 1.0)
    ]
    assert {each.depth for each in references} == {3}
    expected = np.moveaxis(image, [axes.index(axis) for axis in "TZCYX"], range(5))[:, :, ::-1]
    for time, reference in enumerate(references):
        np.testing.assert_array_equal(planes_of(reference, listing.images.channels), expected[time])


def test_several_series_are_scenes(tmp_path: Path) -> None:
    scenes = [RNG.integers(0, 200, (2, 10 + number, 12), dtype=np.uint8) for number in range(3)]
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        for name, scene in zip(["left", "right", "right"], scenes, strict=True):
            file.write(scene, metadata={"axes": "CYX", "Name": name}, photometric="minisblack")
    listing = listed(tmp_path / "a.ome.tif")
    references = from_frame(listing.index)
    assert [each.image for each in references] == ["a.ome.tif#left", "a.ome.tif#1", "a.ome.tif#2"]
    assert [each.metadata for each in references] == [{"scene": name} for name in ("left", "1", "2")]
    for own, scene in zip(pixels_of(listing), scenes, strict=True):
        np.testing.assert_array_equal(own, scene)


def test_reduced_copies_are_passed_over(tmp_path: Path) -> None:
    image = RNG.integers(0, 2**16, (2, 64, 96), dtype=np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        file.write(image, subifds=2, tile=(32, 32), metadata={"axes": "CYX"})
        for step in (2, 4):
            file.write(image[:, ::step, ::step], subfiletype=1, tile=(16, 16))
    listing = listed(tmp_path / "a.ome.tif")
    (own,) = pixels_of(listing)
    np.testing.assert_array_equal(own, image)


def test_colours_are_channels(tmp_path: Path) -> None:
    image = RNG.integers(0, 255, (20, 30, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.ome.tif", image, photometric="rgb", metadata={"axes": "YXS"}, ome=True)
    (own,) = pixels_of(listed(tmp_path / "a.ome.tif"))
    np.testing.assert_array_equal(own, np.moveaxis(image, -1, 0))


def test_planes_in_other_files_of_the_folder(tmp_path: Path) -> None:
    planes = RNG.integers(0, 2**16, (2, 20, 30), dtype=np.uint16)
    for number, plane in enumerate(planes):
        tifffile.imwrite(tmp_path / f"c{number}.ome.tif", plane, description=two_files(), metadata=None)
    index = build_index([tmp_path], config=Load())
    assert [Path(path).name for path in index.references[0].paths] == ["c0.ome.tif", "c1.ome.tif"]
    assert (len(index.references), index.left_out.unused) == (1, 1)
    (own,) = pixels_of(listed(tmp_path))
    np.testing.assert_array_equal(own, planes)
    (tmp_path / "c1.ome.tif").unlink()
    with pytest.raises(InputError, match=r"says that planes lie in c1.ome.tif, which is not there"):
        build_index([tmp_path], config=Load())


def two_files(names: Sequence[str] = ("c0.ome.tif", "c1.ome.tif")) -> str:
    blocks = "".join(
        f'<TiffData FirstC="{number}" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:{number}</UUID></TiffData>'
        for number, name in enumerate(names)
    )
    return (
        f'{OPENING}<Image ID="Image:0"><Pixels DimensionOrder="XYZCT" '
        f'SizeX="30" SizeY="20" SizeZ="1" SizeC="{len(names)}" SizeT="1" Type="uint16">'
        f"{blocks}</Pixels></Image></OME>"
    )


def test_no_file_of_another_folder_is_opened(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.ome.tif", np.zeros((20, 30), np.uint16), description=two_files(["a.ome.tif", "../b.tif"])
    )
    with pytest.raises(InputError, match="only files of its own folder are read"):
        build_index([tmp_path], config=Load())


def test_a_renamed_file_is_read_all_the_same(tmp_path: Path) -> None:
    image = RNG.integers(0, 2**16, (20, 30), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "new.ome.tif", image, description=two_files(["old.ome.tif"]), metadata=None)
    (own,) = pixels_of(listed(tmp_path))
    np.testing.assert_array_equal(own, image[np.newaxis])


def test_wells_and_objectives_and_positions_are_told(tmp_path: Path) -> None:
    text = (
        f'{OPENING}<Plate ID="Plate:0"><Well ID="Well:0" Row="2" Column="10"><WellSample ID="WellSample:0" Index="0">'
        '<ImageRef ID="Image:0"/></WellSample></Well></Plate><Instrument ID="Instrument:0"><Objective ID="Objective:0" '
        'Manufacturer="Nikon" Model="Plan Apo" NominalMagnification="20"/></Instrument><Image ID="Image:0">'
        "<AcquisitionDate>2024-05-06T07:08:09</AcquisitionDate>"
        '<ObjectiveSettings ID="Objective:0"/><Pixels DimensionOrder="XYCZT" SizeX="30" SizeY="20" SizeZ="1" SizeC="1" '
        'SizeT="1" Type="uint16"><TiffData/><Plane TheC="0" TheT="0" TheZ="0" PositionX="1.5" PositionXUnit="mm" '
        'PositionY="-3" PositionYUnit="µm" PositionZ="7" PositionZUnit="reference frame"/></Pixels></Image></OME>'
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", np.ones((20, 30), np.uint16), description=text.encode(), metadata=None)
    (reference,) = build_index([tmp_path], config=Load()).references
    assert reference.metadata == {"well": "C11", "acquired": "2024-05-06T07:08:09", "objective": "Nikon Plan Apo"}
    assert reference.measures == {"stage_x": 1500.0, "stage_y": -3.0, "magnification": 20.0}
    (reference,) = build_index([tmp_path], config=Load(pattern=r"(?P<well>\w)\.ome")).references
    assert reference.metadata["well"] == "a"


COMPRESSIONS = [None, "lzw", "zlib", "zstd"]


@given(
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    layout=st.sampled_from([{"tile": (16, 32)}, {"rowsperstrip": 7}, {}]),
    compression=st.sampled_from(COMPRESSIONS),
    kind=st.sampled_from(["grey", "contig", "separate"]),
    data=st.data(),
)
def test_a_window_is_the_same_part_of_the_image(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int], layout: dict[str, Any], compression: str | None,
    kind: str, data: st.DataObject,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("window") / "a.ome.tif"
    colours: dict[str, Any] = {"photometric": "rgb", "planarconfig": kind}
    full = {"grey": shape, "contig": (*shape, 3), "separate": (3, *shape)}[kind]
    axes = {"grey": "YX", "contig": "YXS", "separate": "SYX"}[kind]
    image = RNG.integers(0, 2**16, full, dtype=np.uint16)
    tifffile.imwrite(
        path, image, metadata={"axes": axes}, compression=compression, **layout, **({} if kind == "grey" else colours)
    )
    top, left = data.draw(st.integers(0, shape[0] - 1)), data.draw(st.integers(0, shape[1] - 1))
    region = PixelWindow(
        top, data.draw(st.integers(top + 1, shape[0])), left, data.draw(st.integers(left + 1, shape[1]))
    )
    listing = listed(path)
    (uncut,), (part,) = pixels_of(listing), pixels_of(listing, region=region)
    assert uncut is not None
    expected = {
        "grey": image[np.newaxis],
        "contig": np.moveaxis(image, -1, 0) if image.ndim == 3 else image,
        "separate": image,
    }
    np.testing.assert_array_equal(uncut, expected[kind])
    np.testing.assert_array_equal(part, uncut[:, region[0] : region[1], region[2] : region[3]])


def test_a_window_beyond_the_image_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", np.ones((20, 30), np.uint16), metadata={"axes": "YX"})
    listing = listed(tmp_path)
    loaded = load_images(from_frame(listing.index), channels=listing.images.channels, region=PixelWindow(0, 21, 0, 30))
    assert "got the window 0:21, 0:30, not within them" in loaded.faults[0].message


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_file_that_is_cut_short_is_set_aside_or_complete(tmp_path: Path, compression: str | None) -> None:
    image = RNG.integers(0, 2**16, (20, 30), dtype=np.uint16)
    text = two_files(["a.ome.tif"])
    tifffile.imwrite(tmp_path / "a.ome.tif", image, description=text, metadata=None, compression=compression)
    content = (tmp_path / "a.ome.tif").read_bytes()
    reader = readers["ome_tiff"]
    outcomes = set()
    for stop in range(0, len(content), 97):
        (tmp_path / "a.ome.tif").write_bytes(content[:stop])
        try:
            (reference,) = build_index([tmp_path / "a.ome.tif"], config=Load()).references
        except InputError:
            outcomes.add("not listed")
            continue
        (own,) = reader.load([reference], channels=Channels(names=("a",), sources=None, count=1))
        if isinstance(own, Exception):
            outcomes.add("not read")
        else:
            outcomes.add("read")
            np.testing.assert_array_equal(own, image[np.newaxis])
    assert {"not listed", "not read"} <= outcomes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("SizeX", "SizeQ"), "has SizeX None in Pixels, expected a whole number"),
        (('SizeC="2"', 'SizeC="-2"'), "has SizeC '-2' in Pixels"),
        (('SizeT="1"', 'SizeT="99999999999"'), "announces .* planes; that is a mistake"),
        (('SizeC="2"', 'SizeC="99999999999"'), "announces .* planes; that is a mistake"),
        (('"XYZCT"', '"YXZCT"'), "has the dimension order 'YXZCT'"),
        (('"uint16"', '"uint17"'), "pixels of the unknown type 'uint17'"),
        (("<Image", "<Image <"), "its OME-XML is damaged"),
        (("Image", "Imago"), "tells of no image"),
        ((' SizeY="20"', ' SizeY="0"'), "says SizeY 0, expected at least 1"),
    ],
)
def test_xml_that_makes_no_sense_is_told(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = two_files(["a.ome.tif", "a.ome.tif"]).replace(*change)
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((20, 30), np.uint16), description=text, metadata=None)
    with pytest.raises(InputError, match=message):
        build_index([tmp_path], config=Load())


def test_pages_that_are_not_as_the_xml_says_are_told(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.ome.tif", np.zeros((21, 30), np.uint16), description=two_files(["a.ome.tif"]), metadata=None
    )
    listing = listed(tmp_path)
    loaded = load_images(from_frame(listing.index), channels=listing.images.channels)
    assert "page 1 is 1×21×30 (samples × rows × columns), but its OME-XML says 1×20×30" in loaded.faults[0].message


def test_real_files_are_what_their_sources_say(data_root: Path) -> None:
    index = build_index([data_root / "ometiff"], config=Load())
    (fault,) = index.faults
    assert fault.image == "ometiff/fractal_blob512_seg.ome.tif"
    assert "is called an OME-TIFF, but has no OME-XML; the reader 'image' reads" in fault.message
    listing = listed(data_root / "ometiff" / "celldivision_TZCYX.ome.tif")
    original = tifffile.imread(data_root / "ometiff" / "celldivision_TZCYX.ome.tif")
    for time, reference in enumerate(from_frame(listing.index)):
        np.testing.assert_array_equal(planes_of(reference, listing.images.channels), original[time])
    listing = listed(data_root / "ometiff" / "fly_POS002_CYX.ome.tif")
    assert listing.images.channels.names == ("DNA", "pH3", "Actin")
    assert from_frame(listing.index)[0].measures == {"pixel_size_x": 0.5, "pixel_size_y": 0.5}
