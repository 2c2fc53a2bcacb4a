"""The nucleus model that comes with the program, on real fields."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.measure import label

from tasks.core.types import AnyArray
from tasks.segment import Segment, segment_image
from tasks.segment.model.diameter import field_diameter, pooled_diameter
from tasks.segment.model.maps import field_maps
from tasks.segment.model.network import Network, built_in_models, find_network, open_network


@pytest.fixture(scope="module")
def network() -> Network:
    if "nucleus" not in built_in_models():
        pytest.skip("tasks/segment/models/nucleus.onnx is not there")
    return open_network(find_network("nucleus"))


@pytest.fixture(scope="module")
def wells(data_root: Path) -> dict[str, AnyArray]:
    folder = data_root / "hcs_nf1" / "images"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return {path.name.partition("_")[0]: tifffile.imread(path) for path in sorted(folder.glob("*_DAPI_*"))}


def test_the_diameter_of_real_nuclei_is_estimated(network: Network, wells: dict[str, AnyArray]) -> None:
    diameter = pooled_diameter([field_diameter(image, network=network) for image in wells.values()])
    assert diameter == pytest.approx(60, rel=0.2)  # medians of the masks: 55, 59 and 70


def test_tiles_of_a_real_field_give_what_one_piece_gives(network: Network, wells: dict[str, AnyArray]) -> None:
    image = wells["D6"][:420, :500]
    expected, tiled = (field_maps(image, network=network, diameter=20, tile=tile) for tile in (4096, 256))
    assert expected is not None
    assert tiled is not None
    np.testing.assert_allclose(tiled, expected, atol=1e-4)


def test_nuclei_of_real_fields_are_counted(network: Network, wells: dict[str, AnyArray], data_root: Path) -> None:
    del network
    objects = {"nucleus": {"method": "model", "channel": "DNA", "diameter": 50}}
    config = Segment.model_validate({"border": "drop", "objects": objects})
    for well, image in wells.items():
        (mask,) = (data_root / "hcs_nf1" / "masks").glob(f"{well}_*_MaskNuclei.tiff")
        truth = tifffile.imread(mask) > 0
        nuclei = segment_image(image[np.newaxis], channels=["DNA"], config=config).labels["nucleus"]
        assert abs(int(nuclei.max()) - int(label(truth, connectivity=1).max())) <= 3
        assert 2 * np.count_nonzero((nuclei > 0) & truth) > 0.9 * (np.count_nonzero(nuclei) + np.count_nonzero(truth))
