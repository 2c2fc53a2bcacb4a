"""The parts of docs/extending.md: their numbers, and what they make of what is empty, constant, tiny or damaged."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from polars.testing import assert_frame_equal
from scipy import ndimage
from skimage.feature import blob_log

from tasks.core.errors import ConfigError, RunError
from tasks.core.types import AnyArray, Batch, FloatArray, Ragged, Region
from tasks.export.config import Export
from tasks.export.registry import FeatureTable, exporters
from tasks.features import Features, feature_columns, measure
from tasks.features.table import table_dictionary
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.example import write_example
from tasks.ingest.index import build_index
from tasks.ingest.load import LoadedBatch, load_images
from tasks.mask import Mask, mask_batch
from tasks.segment import Segment, segment_image
from tests.chaos.fuzz import fuzz
from tests.running import Run

pytestmark = pytest.mark.usefixtures("installed")


def load(folder: Path, **section: object) -> LoadedBatch:
    config = Load.model_validate(section)
    references = build_index([folder], config=config).references
    channels, _ = resolve_channels(references, config=config)
    return load_images(references, channels=channels, limits=config.limits)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "f4", "f8"])
def test_arrays_are_read_as_they_were_written(dtype: str, tmp_path: Path) -> None:
    pixels = np.arange(2 * 3 * 5).reshape(2, 3, 5).astype(dtype)
    np.save(tmp_path / "a.npy", pixels)
    np.save(tmp_path / "b.npy", np.asfortranarray(pixels[::-1]))
    first, second = load(tmp_path, channels={"PI": 1}).images
    assert_array_equal(first, pixels[1:])
    assert_array_equal(second, pixels[:1])


def test_an_array_of_rows_and_columns_is_one_channel(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.eye(3))
    (image,) = load(tmp_path).images
    assert_array_equal(image, np.eye(3)[np.newaxis])


def test_files_that_cannot_be_used_are_set_aside_and_nothing_is_unpickled(tmp_path: Path) -> None:
    good = np.arange(60, dtype=np.uint16).reshape(1, 6, 10)
    for name in "abcdef":
        np.save(tmp_path / f"{name}.npy", good)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "b.npy").write_bytes(content[:-1])
    (tmp_path / "c.npy").write_bytes(b"II*\0" + content)
    np.save(tmp_path / "d.npy", np.array([{"an": "object"}]), allow_pickle=True)
    np.save(tmp_path / "e.npy", good[np.newaxis])
    with (tmp_path / "f.npy").open("wb") as file:
        claim = {"shape": (1, 10_000, 10_000), "fortran_order": False, "descr": "<u2"}
        np.lib.format.write_array_header_1_0(file, claim)
    np.save(tmp_path / "g.npy", good[:, :0])
    loaded = load(tmp_path)
    assert [image is not None for image in loaded.images] == [True, *[False] * 6]
    messages = " | ".join(fault.message for fault in loaded.faults)
    for words in ("has 4 dimensions, expected (channels, rows, columns)", "Python objects", "cut short"):
        assert words in messages


def test_a_header_that_claims_more_than_is_allowed_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((1, 6, 10)))
    np.save(tmp_path / "b.npy", np.zeros((1, 5, 10)))
    (fault,) = load(tmp_path, max_pixels=50).faults
    assert "load.max_pixels: 50" in fault.message


@pytest.mark.slow
def test_damaged_arrays_are_read_or_quarantined_and_nothing_else() -> None:
    outcomes = fuzz("npy", files=60, seed=0)
    assert outcomes.bad == []
    assert min(outcomes.counts["read"], outcomes.counts["quarantined"]) > 0


def masked(*stamps: AnyArray, **method: object) -> list[AnyArray]:
    section = {"methods": [{"method": "peak_fraction", **method}], "main_channel": "c0", "border": "off"}
    batch = Batch.of([stamp[np.newaxis] for stamp in stamps], channels=["c0"])
    (found,) = mask_batch(batch, config=Mask.model_validate(section))
    return [mask[0] for mask in found.masks.unstack()]


def test_a_mask_is_as_wide_as_its_fraction_says() -> None:
    rows, columns = np.mgrid[:61, :61]
    stamp = 100 + 1000 * np.exp(-((rows - 30) ** 2 + (columns - 30) ** 2) / (2 * 8.0**2))
    for fraction in (0.1, 0.3, 0.5):
        (mask,) = masked(stamp, fraction=fraction)
        assert mask.sum() == pytest.approx(2 * np.pi * 8.0**2 * np.log(1 / fraction), rel=0.04)


def test_a_mask_by_hand() -> None:
    stamp = np.array([[2, 2, 2, 2], [2, 6, 12, 2], [2, 2, 7, 2], [2, 2, 2, 9]], dtype=np.uint8)
    (half, tenth) = (masked(stamp, fraction=fraction)[0] for fraction in (0.5, 0.1))
    assert_array_equal(half, [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert_array_equal(tenth, stamp > 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_what_has_no_peak_has_no_mask(dtype: type[np.generic]) -> None:
    stamps = [np.full(shape, 7, dtype=dtype) for shape in ((1, 1), (1, 9), (5, 6))]
    dark = np.full((5, 5), 7, dtype=dtype)
    dark[2, 2] = 3
    assert not any(mask.any() for mask in masked(*stamps, dark))


def test_a_fraction_beyond_its_range_is_told_with_its_field() -> None:
    with pytest.raises(ValueError, match=r"fraction\n.*less than 1"):
        Mask.model_validate({"methods": [{"method": "peak_fraction", "fraction": 1.5}], "main_channel": "c0"})


CENTRES = np.array([(20, 20), (20, 60), (50, 40), (75, 75)])


def field(*, noise: float = 5, radius: float = 3) -> FloatArray:
    rows, columns = np.mgrid[:100, :100]
    image = np.random.default_rng(0).normal(200, noise, (100, 100))
    for row, column in CENTRES:
        image += 100.0 * (np.hypot(rows - row, columns - column) <= radius)
    return image


def spots(image: AnyArray, **options: object) -> AnyArray:
    objects = {"spot": {"method": "log_spots", "channel": "FISH", "diameter": 6, **options}}
    config = Segment.model_validate({"objects": objects})
    return segment_image(image[np.newaxis], channels=["FISH"], config=config).labels["spot"]


def test_spots_are_where_they_were_drawn_and_where_scikit_image_finds_them() -> None:
    image = field()
    labels = spots(image, contrast=10)
    assert labels.max() == len(CENTRES)
    found = np.array(ndimage.center_of_mass(labels > 0, labels, range(1, 5)))
    assert_allclose(found, CENTRES, atol=0.5)
    sigma = 6 / (2 * np.sqrt(2))
    blobs = blob_log(image - 200, min_sigma=sigma, max_sigma=sigma, num_sigma=1, threshold=20)
    assert_array_equal(np.array(sorted(blobs[:, :2].tolist())), found.round())
    for number in range(1, 5):
        assert 20 <= (labels == number).sum() <= 60  # a disc of radius 3 has 29 pixels


def test_spots_do_not_depend_on_the_scale_of_the_pixels() -> None:
    image = field().round()
    reference = spots(image)
    assert_array_equal(spots(image * 4 + 100), reference)
    assert_array_equal(spots(image.astype(np.uint16)), reference)


def test_without_contrast_there_are_no_spots() -> None:
    for image in (np.full((30, 40), 0.1), np.zeros((1, 1), dtype=np.uint8)):
        assert spots(image).max() == 0


def test_one_bright_spot_on_nothing_is_one_spot() -> None:
    assert spots(field(noise=0)[:40, :40]).max() == 1


def test_a_channel_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"spot\.channel: got 'DNA'.*FISH"):
        spots(field(), channel="DNA")


def autocorrelation(pixels: AnyArray, mask: AnyArray) -> FloatArray:
    batch = Batch.of([pixels[np.newaxis]], channels=["c0"])
    region = Region(name="cell", shared=True, masks=Ragged.of([mask[np.newaxis]]), background=np.zeros((1, 1)))
    config = Features(families=("autocorrelation",))
    columns = feature_columns(config=config, channels=batch.channels, regions=[("cell", True)])
    assert [column.name for column in columns] == [f"cell__autocorrelation_{stat}__c0" for stat in ("moran", "geary")]
    assert all(column.unit and column.definition and column.invariances for column in columns)
    measured: FloatArray = measure(batch, [region], config=config)[0]
    return measured


def test_autocorrelation_by_hand() -> None:
    whole = np.ones((2, 2), dtype=np.bool_)
    assert autocorrelation(np.array([[0, 1], [1, 0]]), whole).tolist() == [-1.0, 1.5]
    # three in a row: mean 2, deviations −1, 0, 1; pairs 0 and 0; squared differences 1 and 1
    assert autocorrelation(np.array([[1, 2, 3]]), np.ones((1, 3), dtype=np.bool_)).tolist() == [0.0, 0.5]


@given(seed=st.integers(0, 2**32 - 1))
def test_autocorrelation_is_that_of_the_matrix_of_weights_and_invariant_as_it_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels, mask = rng.integers(0, 200, (7, 6)).astype(np.uint16), rng.random((7, 6)) < 0.7
    mask[:2, :2], pixels[0, :2] = True, (3, 90)
    places = np.argwhere(mask)
    weights = np.abs(places[:, np.newaxis] - places).sum(axis=2) == 1
    values = pixels[mask].astype(float)
    off, total = values - values.mean(), weights.sum()
    spread = (off**2).sum()
    moran = len(values) / total * (weights * np.outer(off, off)).sum() / spread
    geary = (len(values) - 1) / (2 * total) * (weights * np.subtract.outer(values, values) ** 2).sum() / spread
    measured = autocorrelation(pixels, mask)
    assert_allclose(measured, [moran, geary], rtol=1e-9, atol=1e-12)
    framed = autocorrelation(np.pad(pixels, ((2, 0), (0, 3))), np.pad(mask, ((2, 0), (0, 3))))
    for other in (framed, autocorrelation(np.rot90(pixels), np.rot90(mask)), autocorrelation(pixels * 3 + 7, mask)):
        assert_allclose(other, measured, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("pixels", [[[5.0]], [[5.0, 5.0]], [[1.0, np.nan]]], ids=["one", "constant", "no number"])
def test_what_has_no_autocorrelation_is_missing(pixels: list[list[float]]) -> None:
    image = np.array(pixels)
    assert np.isnan(autocorrelation(image, np.ones(image.shape, dtype=np.bool_))).all()
    assert np.isnan(autocorrelation(image, np.zeros(image.shape, dtype=np.bool_))).all()


def sections(**more: object) -> Mapping[str, Any]:
    method = {"method": "peak_fraction", "fraction": 0.3}
    return {
        "load": {"channels": {"BF": 0, "DNA": 2}},
        "mask": {"methods": [method], "main_channel": "DNA", "border": "off"},
        "features": {"families": ["intensity", "autocorrelation"]},
        **more,
    }


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write the same stamps as TIFF and as arrays."""
    tiffs, arrays = write_example(tmp_path_factory.mktemp("tiffs"), count=8, seed=1), tmp_path_factory.mktemp("arrays")
    for path in sorted(tiffs.rglob("*.tif")):
        place = (arrays / "example" / path.relative_to(tiffs)).with_suffix(".npy")
        place.parent.mkdir(parents=True, exist_ok=True)
        np.save(place, tifffile.imread(path))
    return tiffs, arrays / "example"


def test_the_same_stamps_as_arrays_and_as_tiffs_give_the_same_table(
    pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    tiffs, arrays = (
        Run.of(sections(), inputs=[path], output=tmp_path / path.parent.name).features() for path in pictures
    )
    assert len(tiffs) == 8
    assert_frame_equal(arrays.drop("meta__image"), tiffs.drop("meta__image"), check_exact=True)
    assert 0.5 < arrays["peak_fraction__autocorrelation_moran__DNA"].min() < 1  # type: ignore[operator]


def exported(tmp_path: Path, pictures: tuple[Path, Path], *, name: str) -> FeatureTable:
    """Measure the stamps and write them as text into a folder of a name."""
    run = Run.of(sections(), inputs=[pictures[1]], output=tmp_path)
    path = tmp_path / "measured.parquet"
    run.features().write_parquet(path)
    dictionary = table_dictionary(layout=run.layout, config=run.config.features)
    table = FeatureTable(files=(path,), dictionary=dictionary)
    write(table, tmp_path / name)
    return table


def write(table: FeatureTable, output: Path) -> None:
    _, config = Export.model_validate({"formats": ["tsv"]}).formats
    exporters.function(config)(table, output, config)


def test_text_that_is_read_back_is_the_table_and_the_same_bytes_each_time(
    pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    table = exported(tmp_path, pictures, name="a")
    write(table, tmp_path / "b")
    write(table, tmp_path / "b")  # what it wrote itself it replaces
    features, columns = (
        pl.read_csv(tmp_path / "a" / "exports" / f"{name}.tsv.gz", separator="\t") for name in ("features", "columns")
    )
    measured = pl.read_parquet(table.files[0])
    assert features.columns == measured.columns == columns["name"].to_list()
    missing = measured.with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))
    for name in ("meta__image", "peak_fraction__autocorrelation_geary__DNA", "peak_fraction__intensity_max__BF"):
        assert_frame_equal(features.select(pl.col(name).cast(measured[name].dtype)), missing.select(name))
    (definition,) = columns.filter(pl.col("name") == "peak_fraction__autocorrelation_moran__DNA")["definition"]
    assert definition.startswith("Moran's I")
    for name in ("features", "columns"):
        assert (tmp_path / "a" / "exports" / f"{name}.tsv.gz").read_bytes() == (
            tmp_path / "b" / "exports" / f"{name}.tsv.gz"
        ).read_bytes()


def test_a_table_without_rows_has_its_columns(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    table = exported(tmp_path, pictures, name="a")
    pl.read_parquet(table.files[0]).clear().write_parquet(tmp_path / "none.parquet")
    empty = FeatureTable(files=(tmp_path / "none.parquet",), dictionary=table.dictionary)
    write(empty, tmp_path / "a")
    with gzip.open(tmp_path / "a" / "exports" / "features.tsv.gz", "rt") as file:
        assert file.read() == "\t".join(table.schema.names) + "\n"
    write(table, tmp_path / "a")  # and is known as ours


@pytest.mark.parametrize(
    "content",
    [b"mine", gzip.compress(b"mine\t1\n"), gzip.compress(b"meta__image\t")[:-3]],
    ids=["text", "compressed", "cut short"],
)
def test_what_another_program_wrote_is_left_alone(content: bytes, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    table = exported(tmp_path, pictures, name="a")
    columns = tmp_path / "a" / "exports" / "columns.tsv.gz"
    columns.write_bytes(content)
    before = (tmp_path / "a" / "exports" / "features.tsv.gz").stat().st_ino
    with pytest.raises(RunError, match=r"columns\.tsv\.gz is in the way"):
        write(table, tmp_path / "a")
    assert columns.read_bytes() == content
    assert (tmp_path / "a" / "exports" / "features.tsv.gz").stat().st_ino == before
