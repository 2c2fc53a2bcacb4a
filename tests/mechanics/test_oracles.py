"""The register of what each feature family was vetted against."""

import ast
import csv
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_args

import pytest

import tasks.features  # noqa: F401 - the import registers the families
from tasks.features.family import Profile, RegionInfo, families_of

PROJECT = Path(__file__).resolve().parents[2]
REGISTER = PROJECT / "tests" / "oracles.csv"
FIELDS = ["family", "profile", "feature", "vetted_against", "how", "tolerance", "test"]
PROFILES: tuple[Profile, ...] = get_args(Profile)


def rows() -> list[dict[str, str]]:
    with REGISTER.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        assert reader.fieldnames == FIELDS
        return list(reader)


ROWS = rows()


@pytest.mark.parametrize("profile", PROFILES)
def test_every_family_has_been_vetted(profile: Profile) -> None:
    vetted = {row["family"] for row in ROWS if row["profile"] == profile}
    assert set(families_of(profile)) - vetted == set()
    assert vetted - set(families_of(profile)) == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[field] for field in FIELDS[:4]))
def test_every_row_is_whole_and_names_features_and_a_test_that_exist(row: dict[str, str]) -> None:
    assert all(row[field] for field in FIELDS), row
    profile = next(profile for profile in PROFILES if profile == row["profile"])
    columns = families_of(profile)[row["family"]].columns(
        region=RegionInfo(name="cell", shared=True), channels=("a", "b")
    )
    assert any(fnmatchcase(column.stat, row["feature"]) for column in columns), row["feature"]
    path, _, name = row["test"].partition("::")
    tree = ast.parse((PROJECT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name.startswith("test_")
