"""What is held against the item of a batch, and what against the whole task."""

import pytest

from tasks.core.errors import ConfigError, InputError, PixelError
from tasks.core.faults import isolate_faults


@pytest.mark.parametrize("error", [ConfigError, InputError, MemoryError])
def test_what_the_user_has_to_mend_is_no_items_fault(error: type[Exception]) -> None:
    def work(rows: range) -> None:
        if 2 in rows:
            raise error("of the task")

    with pytest.raises(error, match="of the task"):
        isolate_faults(4, work)


@pytest.mark.parametrize("error", [PixelError, ValueError, RuntimeError])
def test_whatever_else_an_item_does_is_its_own(error: type[Exception]) -> None:
    def work(rows: range) -> range:
        if 2 in rows:
            raise error("of the item")
        return rows

    results, faults = isolate_faults(4, work)
    assert [rows for rows, _ in results] == [range(2), range(3, 4)]
    assert [(item, type(fault)) for item, fault in faults] == [(2, error)]
