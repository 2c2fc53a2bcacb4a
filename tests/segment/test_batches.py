"""Fields are segmented several at a time, and fewer where memory runs out."""

from threading import Barrier, Lock

import pytest

from tasks.segment.batches import in_batches


class Memory:
    """Room for some items at a time, of batches that are all of one size."""

    def __init__(self, room: int, *, at_once: int) -> None:
        self.room, self.at_once, self.released = room, at_once, 0
        self._held, self._lock, self._all = 0, Lock(), Barrier(at_once, timeout=60)

    def work(self, item: int) -> int:
        with self._lock:
            self._held += 1
            fits = self._held <= self.room
        self._all.wait()
        with self._lock:
            self._held -= 1
        if not fits:
            raise MemoryError
        return item * item

    def release(self) -> None:
        self.released += 1
        self.at_once //= 2
        self._all = Barrier(self.at_once, timeout=60)


def test_as_many_are_worked_on_at_a_time_as_are_asked_for() -> None:
    barrier = Barrier(3, timeout=60)

    def work(item: int) -> int:
        barrier.wait()  # until there are three
        return item

    assert list(in_batches(work, range(6), at_once=3, release=lambda: None)) == [*range(6)]


@pytest.mark.parametrize(("room", "released"), [(8, 0), (4, 1), (2, 2), (1, 3)])
def test_batches_are_halved_until_they_fit_and_every_result_comes_once_in_order(room: int, released: int) -> None:
    memory = Memory(room, at_once=8)
    squares = list(in_batches(memory.work, range(16), at_once=8, release=memory.release))
    assert squares == [item * item for item in range(16)]
    assert (memory.released, memory.at_once) == (released, room)


def test_an_item_that_does_not_fit_alone_is_an_error() -> None:
    memory = Memory(0, at_once=4)
    with pytest.raises(MemoryError):
        list(in_batches(memory.work, range(4), at_once=4, release=memory.release))
    assert memory.released == 2
