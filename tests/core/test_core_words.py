"""Suggestions, names, shorthands and faults: the small words that all stages share."""

import pytest

from tasks.core.errors import Fault, PixelError, suggestion
from tasks.core.section import check_name, named_entries


@pytest.mark.parametrize(
    ("got", "allowed", "message"),
    [
        ("cirlce", ["circle", "li"], "allowed: circle, li; did you mean 'circle'?"),
        ("dapi", ["BF", "DAPI"], "allowed: BF, DAPI; did you mean 'DAPI'?"),
        ("Li", ["circle", "li"], "allowed: circle, li; did you mean 'li'?"),
        ("xyz", ["circle", "li"], "allowed: circle, li"),
        ("", ["circle", "li"], "allowed: circle, li"),
        ("x", [], "nothing is allowed here"),
    ],
)
def test_a_suggestion_names_what_is_allowed_and_the_nearest(got: str, allowed: list[str], message: str) -> None:
    assert suggestion(got, iter(allowed)) == message


@pytest.mark.parametrize("name", ["BF", "a_b", "488-nm", "Zürich 2", "1", "li.combined"])
def test_names_that_leave_columns_unambiguous_pass(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "a__b", "_a", "a_", "_", "__"])
def test_names_that_would_make_columns_ambiguous_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="'__' separates the parts of a column name"):
        check_name(name)


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        ({"BF": 0, "PI": "x"}, [{"name": "BF", "source": 0}, {"name": "PI", "source": "x"}]),
        ({"BF": {"source": 0}}, [{"name": "BF", "source": 0}]),
        ({"BF": {"name": "PI", "source": 0}}, [{"name": "PI", "source": 0}]),
        ({}, []),
        ([{"name": "BF"}], [{"name": "BF"}]),
        ("BF", "BF"),
        (None, None),
    ],
)
def test_a_mapping_is_short_for_a_list_of_named_entries(value: object, entries: object) -> None:
    assert named_entries(value, inner="source") == entries


def test_an_entry_that_should_hold_settings_is_told_by_name() -> None:
    with pytest.raises(ValueError, match=r"^nucleus: got 'watershed', expected its settings"):
        named_entries({"cell": {}, "nucleus": "watershed"})


def test_a_fault_tells_what_happened_even_where_the_error_has_no_words() -> None:
    fault = Fault.of(PixelError("has no pixels"), image="a.tif", stage="ingest")
    assert (fault.image, fault.stage, fault.error, fault.message) == ("a.tif", "ingest", "PixelError", "has no pixels")
    assert Fault.of(KeyError(), image="a.tif", stage="mask").message == "KeyError()"
