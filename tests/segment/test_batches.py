"""Fields are segmented several at a time, and fewer where memory runs out."""

from threading import Barrier, Lock
from time import sleep

import pytest

from tasks.segment.batches import in_batches


class Memory:
    """Room for some items at a time."""

    def __init__(self, room: int) -> None:
        self.room, self.most, self.released = room, 0, 0
        self._held, self._lock = 0, Lock()

    def work(self, item: int) -> int:
        with self._lock:
            if self._held >= self.room:
                raise MemoryError
            self._held += 1
            self.most = max(self.most, self._held)
        sleep(0.02)
        with self._lock:
            self._held -= 1
        return item * item

    def release(self) -> None:
        self.released += 1


def test_as_many_are_worked_on_at_a_time_as_are_asked_for() -> None:
    barrier = Barrier(3, timeout=10)

    def work(item: int) -> int:
        barrier.wait()  # until there are three
        return item

    assert list(in_batches(work, range(6), at_once=3, release=lambda: None)) == [*range(6)]


@pytest.mark.parametrize(("room", "released"), [(8, 0), (4, 1), (2, 2), (1, 3)])
def test_batches_are_halved_until_they_fit_and_every_result_comes_once_in_order(room: int, released: int) -> None:
    memory = Memory(room)
    squares = list(in_batches(memory.work, range(11), at_once=8, release=memory.release))
    assert squares == [item * item for item in range(11)]
    assert memory.most <= room
    assert memory.released == released


def test_an_item_that_does_not_fit_alone_is_an_error() -> None:
    memory = Memory(0)
    with pytest.raises(MemoryError):
        list(in_batches(memory.work, range(4), at_once=4, release=memory.release))
    assert memory.released == 2
