"""Partitions and samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ingest.partition import partition, sample
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


@given(count=st.integers(0, 300), size=st.integers(1, 50) | st.just("auto"), image_bytes=st.integers(0, 2**27))
def test_partitions_cover_every_image_once_and_in_order(count: int, size: int, image_bytes: int) -> None:
    parts = partition(table(count), size=size, bytes_per_image=image_bytes)
    assert [row for start, stop in parts for row in range(start, stop)] == list(range(count))
    assert all(stop > start for start, stop in parts)


@pytest.mark.parametrize(
    ("count", "image_bytes", "size"),
    [
        (10, 9_600, 10),  # no partition below 16 images of a kilobyte each
        (27, 200_000, 5),  # nor below 1 MiB
        (3, 6_600_000, 1),  # a few large fields go to as many workers
        (1_258, 9_600, 79),  # about 16 partitions
        (100_000, 9_600, 500),  # at most 500 images
        (100_000, 2**20, 32),  # 32 MiB of pixels
        (1_000, 2**26, 1),  # fields larger than that
        (5, 0, 5),
    ],
)
def test_the_automatic_size(count: int, image_bytes: int, size: int) -> None:
    assert partition(table(count), size="auto", bytes_per_image=image_bytes)[0] == (0, size)


def test_a_given_size_is_kept_and_has_to_be_positive() -> None:
    assert partition(table(7), size=3, bytes_per_image=2**30) == [(0, 3), (3, 6), (6, 7)]
    with pytest.raises(ValueError, match="at least one image, got a size of 0"):
        partition(table(7), size=0, bytes_per_image=1)


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
