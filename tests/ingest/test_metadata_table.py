"""Tables of metadata are joined to images by what is known of these."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tasks.core.decision import metadata_text
from tasks.core.errors import ConfigError
from tasks.ingest.config import Load
from tasks.ingest.listing import ImageListing, list_images
from tasks.ingest.metadata_table import MetadataTable, join_metadata
from tasks.ingest.references import ImageReference, from_frame


def image(well: str, *, number: int | None = None, site: str = "1") -> ImageReference:
    return ImageReference(
        image=f"plate/{well}_{site}.tif",
        reader="image",
        paths=(f"/plate/{well}_{site}.tif",),
        relative=(f"plate/{well}_{site}.tif",),
        metadata={"well": well, "site": site},
        object_number=number,
        sizes=(1,),
        mtimes_ns=(1,),
    )


def table(path: Path, text: str, **settings: object) -> MetadataTable:
    path.write_text(text, encoding="utf-8")
    return MetadataTable.model_validate({"file": str(path), "on": "well", **settings})


def test_text_and_numbers_come_of_a_plate_map(tmp_path: Path) -> None:
    text = "well,gene,dose,batch\nA01,TP53,0.5,007\nB02,,1e-3,008\nC03,MYC,,009\n"
    joined = join_metadata(
        [image("A01"), image("B02"), image("C03"), image("D04")], config=table(tmp_path / "a.csv", text)
    )
    assert (joined.groups, joined.measures, joined.missing) == (("gene", "batch"), ("dose",), 1)
    known = [(each.metadata.get("gene"), each.metadata.get("batch"), each.measures) for each in joined.references]
    assert known == [
        ("TP53", "007", {"dose": 0.5}), (None, "008", {"dose": 0.001}), ("MYC", "009", {}), (None, None, {}),
    ]  # fmt: skip
    assert all(each.metadata["site"] == "1" for each in joined.references)


def test_rows_and_images_without_a_key_are_joined_to_nothing(tmp_path: Path) -> None:
    unknown = image("A02", site="2")
    del unknown.metadata["well"]
    text = "well,note\nA01,a\n,b\n,\n,\n"
    joined = join_metadata([image("A01"), unknown], config=table(tmp_path / "plate[1].csv", text))
    assert [each.metadata.get("note") for each in joined.references] == ["a", None]
    assert joined.missing == 1


def test_barcodes_keep_their_digits(tmp_path: Path) -> None:
    text = "well,ean,code\nA01,4006381333931,12345678901234567\nA02,4006381333932,12345678901234568\n"
    joined = join_metadata([image("A01"), image("A02")], config=table(tmp_path / "a.csv", text))
    assert [each.metadata["code"] for each in joined.references] == ["12345678901234567", "12345678901234568"]
    assert [metadata_text(each.measures["ean"]) for each in joined.references] == ["4006381333931", "4006381333932"]


@pytest.mark.parametrize(("in_path", "in_table"), [("A1", "A01"), ("a01", "A1"), ("AF-48", "AF48"), ("B10", "b10")])
def test_wells_may_be_written_in_several_ways(tmp_path: Path, in_path: str, in_table: str) -> None:
    (joined,) = join_metadata([image(in_path)], config=table(tmp_path / "a.csv", f"well,x\n{in_table},y\n")).references
    assert joined.metadata["x"] == "y"


def test_several_keys_of_other_names_and_chosen_columns(tmp_path: Path) -> None:
    text = "Well_ID\tField\tgene\tnotes\nA1\t1\tTP53\ta\nA1\t2\tMYC\tb\n"
    config = table(tmp_path / "a.tsv", text, on={"well": "Well_ID", "site": "Field"}, columns=["gene"])
    joined = join_metadata([image("A01", site="2")], config=config)
    assert joined.references[0].metadata == {"well": "A01", "site": "2", "gene": "MYC"}


def test_object_numbers_and_identities_are_keys_too(tmp_path: Path) -> None:
    numbered = [image("A01", number=7), image("A01", number=8, site="2")]
    pl.DataFrame({"id": [8, 7], "phase": ["G2", "G1"]}).write_parquet(tmp_path / "labels.parquet")
    config = MetadataTable.model_validate({"file": str(tmp_path / "labels.parquet"), "on": {"object_number": "id"}})
    assert [each.metadata["phase"] for each in join_metadata(numbered, config=config).references] == ["G1", "G2"]
    config = table(tmp_path / "b.csv", "meta__image,phase\nplate/A01_2.tif,S\n", on={"image": "meta__image"})
    assert [each.metadata.get("phase") for each in join_metadata(numbered, config=config).references] == [None, "S"]


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("wel,x\nA01,1\n", {}, "has no column 'well'; allowed: wel, x; did you mean 'wel'"),
        ("well,x\nA01,1\nA1,2\n", {}, "has two rows for well 'A01'; expected one"),
        ("well,x\nP24,1\n", {}, r"no image has a row in .*; the images have well 'A01', the table well 'P24'"),
        ("well,x\n", {}, "the table no row"),
        ("well,site\nA01,1\n", {}, "the column 'site' of .* would overwrite meta__site"),
        ("well,my__x\nA01,1\n", {}, "has to be renamed or left out; the name 'my__x' cannot be used"),
        ("well,x\nA01,1\n", {"columns": ["y"]}, "has no column 'y'"),
        ("plate,x\nA01,1\n", {"on": "plate"}, "images have no 'plate'; allowed: image, site, well"),
        ("id,x\n1,1\n", {"on": {"object_number": "id"}}, "images have no 'object_number'"),
    ],
)  # fmt: skip
def test_mistakes_are_told(tmp_path: Path, text: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        join_metadata([image("A01")], config=table(tmp_path / "a.csv", text, **settings))


@pytest.mark.parametrize(
    ("name", "message"), [("a.xlsx", "expected one of .csv, .tsv"), ("none.csv", "there is no file")]
)
def test_files_that_are_no_tables_are_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        join_metadata([image("A01")], config=MetadataTable.model_validate({"file": str(tmp_path / name), "on": "well"}))
    (tmp_path / "a.parquet").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="cannot be read as a table"):
        join_metadata(
            [image("A01")], config=MetadataTable.model_validate({"file": str(tmp_path / "a.parquet"), "on": "well"})
        )


def test_a_table_without_a_key_is_refused_by_the_configuration() -> None:
    with pytest.raises(ValidationError, match="on"):
        MetadataTable.model_validate({"file": "a.csv", "on": []})


def listed(folder: Path, **load: object) -> ImageListing:
    pattern = r"(?P<well>[A-Z]\d+)_(?P<site>\d)\.png"
    config = Load.model_validate({"pattern": pattern, **load})
    return list_images([str(folder)], config=config, partition_size=1, limit=None, seed=0, work=folder.parent / "work")


def test_what_changes_in_a_table_redoes_the_images_that_it_is_about(tmp_path: Path) -> None:
    folder = tmp_path / "plate"
    folder.mkdir()
    for well in ("A01", "A02", "A03"):
        imageio.imwrite(folder / f"{well}_1.png", np.arange(12, dtype=np.uint8).reshape(3, 4))
    config = {"metadata": {"file": str(tmp_path / "map.csv"), "on": "well"}}
    (tmp_path / "map.csv").write_text("well,gene,dose\nA1,X,1\nA2,Y,2\n")
    before = listed(folder, **config)
    assert (before.images.groups, before.images.measures) == (("well", "site", "gene"), ("dose",))
    assert before.images.unjoined == 1
    assert before.groups(["gene", "dose"]) == [("X", "1"), ("Y", "2"), ("", "")]
    assert [dict(each.measures) for each in from_frame(before.index)] == [{"dose": 1.0}, {"dose": 2.0}, {}]
    (tmp_path / "map.csv").write_text("well,gene,dose\nA1,X,1\nA2,Y,3\n")
    after = listed(folder, **config)
    changed = [
        one.digest != other.digest for one, other in zip(before.images.partitions, after.images.partitions, strict=True)
    ]
    assert changed == [False, True, False]
