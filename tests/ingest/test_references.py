"""References and their table."""

from dataclasses import replace
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.digest import digest
from tasks.ingest.references import ImageReference, from_frame, identity, to_frame

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NUMBER = st.integers(0, 2**62)
REFERENCES = st.builds(
    ImageReference,
    image=TEXT,
    reader=TEXT,
    paths=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    relative=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    index=st.none() | NUMBER,
    depth=st.integers(1, 9),
    metadata=st.dictionaries(st.sampled_from(["well", "site", "sample_id"]), TEXT),
    object_number=st.none() | NUMBER,
    sizes=st.lists(NUMBER, min_size=1, max_size=3).map(tuple),
    mtimes_ns=st.lists(NUMBER, min_size=1, max_size=3).map(tuple),
)
FIELD = ImageReference(
    image="p/B2_*.tif",
    reader="tiff_per_channel",
    paths=("/data/p/B2_1.tif", "/data/p/B2_2.tif"),
    relative=("p/B2_1.tif", "p/B2_2.tif"),
    metadata={"well": "B2"},
    sizes=(10, 20),
    mtimes_ns=(5, 3),
)


@given(st.lists(REFERENCES, max_size=4))
def test_a_table_gives_the_references_back(references: list[ImageReference]) -> None:
    references = [replace(reference, sizes=tuple(size // 4 for size in reference.sizes)) for reference in references]
    assert from_frame(to_frame(references)) == tuple(references)


def test_a_table_survives_parquet_also_without_rows(tmp_path: Path) -> None:
    for references in ([], [FIELD]):
        to_frame(references).write_parquet(tmp_path / "images.parquet")
        assert from_frame(pl.read_parquet(tmp_path / "images.parquet")) == tuple(references)


def test_the_table_has_a_column_per_group_and_null_where_there_is_none() -> None:
    frame = to_frame([FIELD, replace(FIELD, metadata={"site": "1"})])
    assert frame["meta__well"].to_list() == ["B2", None]
    assert frame["meta__site"].to_list() == [None, "1"]
    assert frame["size"].to_list() == [30, 30]
    assert frame["mtime_ns"].to_list() == [5, 5]
    assert frame["index"].dtype == pl.Int64


def test_other_metadata_columns_are_no_groups() -> None:
    frame = to_frame([FIELD]).with_columns(meta__image=pl.col("image"), meta__regions__li__BF=pl.lit(1))
    assert from_frame(frame) == (FIELD,)


def test_identity_does_not_know_where_the_data_lie() -> None:
    assert identity(replace(FIELD, paths=("/elsewhere/a", "/elsewhere/b"))) == identity(FIELD)
    assert len(digest(identity(FIELD))) == 40


def test_identity_changes_with_everything_else_that_decides_about_pixels() -> None:
    changed = [
        replace(FIELD, relative=("p/B2_1.tif", "p/B2_3.tif")),
        replace(FIELD, sizes=(20, 10)),
        replace(FIELD, mtimes_ns=(3, 5)),
        replace(FIELD, mtimes_ns=(5, 4)),
        replace(FIELD, index=0),
        replace(FIELD, depth=2),
        replace(FIELD, reader="image"),
    ]
    assert len({digest(identity(reference)) for reference in [FIELD, *changed]}) == len(changed) + 1
