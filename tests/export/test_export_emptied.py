"""A group that lost all of its cells is told, with what they were lost to."""

from collections.abc import Sequence

import polars as pl

from tasks.export.emptied import MOST_GROUPS, Emptied, GroupCounts


def cells(**columns: Sequence[str | None]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.String))


def test_groups_without_a_kept_cell_are_told_with_every_status_wherever_the_tables_are_cut() -> None:
    table = cells(
        meta__class=["G1", "telophase", "telophase", "G1", "telophase", None, None],
        meta__plate=["P1"] * 7,
        status=["kept", "border", "border", "no_object", "quality:dim", "border", "border"],
    )
    expected = (
        Emptied(column="meta__class", value="", cells=2, statuses={"border": 2}),
        Emptied(column="meta__class", value="telophase", cells=3, statuses={"border": 2, "quality:dim": 1}),
    )
    for size in (1, 3, 7):
        counts = GroupCounts(["class", "plate"])
        for start in range(0, 7, size):
            counts.add(table[start : start + size])
        assert counts.emptied() == expected


def test_what_names_images_or_cells_is_no_group() -> None:
    few, many, single = GroupCounts(["site"]), GroupCounts(["site"]), GroupCounts(["site"])
    few.add(cells(meta__site=[str(n // 2) for n in range(2 * MOST_GROUPS)], status=["border"] * 2 * MOST_GROUPS))
    single.add(cells(meta__site=["a", "b", "b"], status=["border"] * 3))
    for table in range(3):
        many.add(cells(meta__site=[f"{table}.{n // 2}" for n in range(60)], status=["border"] * 60))
    assert len(few.emptied()) == MOST_GROUPS
    assert many.emptied() == single.emptied() == GroupCounts(["site"]).emptied() == ()
