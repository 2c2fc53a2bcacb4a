"""Partitions and samples."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.ingest.partition import average_size, partition, sample
from tasks.ingest.references import ImageReference


def table(count: int) -> list[ImageReference]:
    return [
        ImageReference(
            image=f"run/{number}.tif",
            reader="image",
            paths=(f"/data/run/{number}.tif",),
            relative=(f"run/{number}.tif",),
            metadata={},
            sizes=(1,),
            mtimes_ns=(1,),
        )
        for number in range(count)
    ]


class Listed(NamedTuple):
    image: str


def folder(name: str, count: int) -> list[Listed]:
    return [Listed(f"plate/{name}/{number}.tif") for number in range(count)]


def runs(images: Sequence[Listed], *, size: int) -> list[tuple[Listed, ...]]:
    """Return the images of each partition: what its digest is made of."""
    return [tuple(images[start:stop]) for start, stop in partition(images, size=size)]


def share_of_new(before: Sequence[Listed], after: Sequence[Listed]) -> float:
    """Return the share of partitions of automatic size that have to be worked on again."""
    old, new = (runs(images, size=average_size(len(images), bytes_per_image=60_000)) for images in (before, after))
    return sum(run not in set(old) for run in new) / len(new)


@given(count=st.integers(0, 700), size=st.integers(1, 50), name=st.text(max_size=3))
def test_partitions_cover_every_image_once_and_in_order_and_are_of_bounded_size(
    count: int, size: int, name: str
) -> None:
    parts = partition(folder(name, count), size=size)
    assert [row for start, stop in parts for row in range(start, stop)] == list(range(count))
    lengths = [stop - start for start, stop in parts]
    assert max(lengths, default=0) <= 2 * size
    assert min(lengths, default=size) >= min(count, size // 2)


@pytest.mark.parametrize("size", [1, 2, 3, 12, 64, 500])
def test_the_size_is_that_of_an_average_partition(size: int) -> None:
    parts = partition(folder("a", 40 * 500), size=size)
    assert len(parts) == pytest.approx(40 * 500 / size, rel=0.3 if size == 500 else 0.1)


@pytest.mark.parametrize(
    ("count", "image_bytes", "size"),
    [
        (10, 9_600, 32),  # no partition below 32 images of a kilobyte each
        (27, 200_000, 8),  # nor below about 2 MiB
        (3, 6_600_000, 1),  # a few large fields go to as many workers
        (1_258, 9_600, 32),
        (5_000, 60_000, 64),  # 72 to 144 partitions, in steps of two
        (50_000, 60_000, 512),
        (250_000, 60_000, 2_048),
        (10_000_000, 9_600, 4_096),  # at most some minutes of work
        (1_000_000, 2**20, 1_024),  # a GiB of pixels
        (1_000, 2**31, 1),  # fields larger than that
        (5, 0, 32),
    ],
)
def test_the_automatic_size(count: int, image_bytes: int, size: int) -> None:
    assert average_size(count, bytes_per_image=image_bytes) == size


def test_a_hundred_stamps_feed_two_workers_with_few_tasks() -> None:
    size = average_size(100, bytes_per_image=60_000)
    counts = {len(partition(folder(str(number), 100), size=size)) for number in range(100)}
    assert counts <= {2, 3, 4, 5}


@settings(max_examples=40)
@given(data=st.data(), count=st.integers(7_500, 20_000), name=st.text(max_size=3))
def test_one_percent_more_or_less_in_one_place_leaves_95_percent_of_the_partitions(
    data: st.DataObject, count: int, name: str
) -> None:
    images = folder(name, count)
    start = data.draw(st.integers(0, count))
    stop = min(count, start + count // 100)
    fewer, more = [*images[:start], *images[stop:]], [*images[:start], *folder("new", count // 100), *images[start:]]
    size = average_size(count, bytes_per_image=60_000)
    for changed in (fewer, more):
        if average_size(len(changed), bytes_per_image=60_000) == size:
            assert share_of_new(images, changed) <= 0.05


def test_at_a_step_of_the_automatic_size_partitions_are_joined() -> None:
    images = folder("a", 72 * 128)
    assert [average_size(count, bytes_per_image=60_000) for count in (len(images) - 1, len(images))] == [64, 128]
    small, large = (partition(images, size=size) for size in (64, 128))
    kept = {start for start, _ in large} & {start for start, _ in small}
    assert len(kept) > 0.8 * len(large)
    assert 0.5 < share_of_new(images[:-1], images) < 0.9


def test_a_size_of_one_gives_each_image_its_own_and_none_is_refused() -> None:
    assert partition(folder("a", 3), size=1) == [(0, 1), (1, 2), (2, 3)]
    with pytest.raises(ValueError, match="at least one image, got a size of 0"):
        partition(folder("a", 7), size=0)


@given(count=st.integers(0, 60), seed=st.integers(0, 5))
def test_a_sample_keeps_the_order_and_holds_the_smaller_samples(count: int, seed: int) -> None:
    references = table(50)
    drawn = sample(references, count=count, seed=seed)
    rows = [references.index(reference) for reference in drawn]
    assert rows == sorted(set(rows))
    assert len(rows) == min(count, 50)
    larger = sample(references, count=count + 5, seed=seed)
    assert {reference.image for reference in drawn} <= {reference.image for reference in larger}
    assert drawn == sample(references, count=count, seed=seed)


def test_seeds_draw_differently_and_fairly() -> None:
    references = table(40)
    draws = [tuple(reference.image for reference in sample(references, count=10, seed=seed)) for seed in range(400)]
    assert len(set(draws)) > 390
    taken = [sum(reference.image in draw for draw in draws) for reference in references]
    # each is drawn 100 times on average, with a standard deviation of 8.7
    assert min(taken) > 60
    assert max(taken) < 140


def test_a_sample_hardly_changes_when_images_are_added() -> None:
    before = {reference.image for reference in sample(table(1_000), count=100, seed=0)}
    after = {reference.image for reference in sample(table(1_100), count=100, seed=0)}
    assert len(before & after) > 75
