"""Histograms of pixels that merge exactly: whole-number counts in buckets that do not depend on the data.

A table has a row per group, channel and bucket: ``meta__<group>`` (String, "" where it is missing), ``channel``,
``whole`` (whether the bucket is one whole number), ``key`` (buckets in the order of their numbers), ``count``, and
``low`` and ``high``, the smallest and the largest pixel in the bucket.

- *Whole numbers*, pixels of an integer type, have a bucket each.
- *Floating-point numbers* share a bucket with those of equal sign, exponent and first 12 binary digits. The middle
  between the smallest and the largest number of a bucket differs from each of them by at most 2⁻¹³ of its size; all
  numbers of less than 2⁻¹⁰²² in size share the bucket of 0.
- Where a group and channel has both, or more than `MANY` whole numbers, its whole numbers go to the buckets of floats,
  too. Which of them do depends on all pixels only, not on the order in which tables are merged.

So a table has at most 2²⁰ rows per group and channel for whole numbers, and 4,096 for every power of two that floats
span, whatever the number of pixels.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import numpy as np
import polars as pl

from tasks.core.exact.keys import Keys, keys_of
from tasks.core.types import AnyArray, Batch, FloatArray, IntArray, Region

DIGITS = 12
"""Binary digits of a floating-point number, after the first, that its bucket shares."""

MANY = 1 << 20
"""So many whole numbers of one group and channel have a bucket each; more share those of floats."""

_SHIFT = np.uint64(52 - DIGITS)
_MIDDLE = 1 << 63
_CHUNK = 1 << 18
_ROWS = 1 << 14
"""So many rows of a group and channel may wait to be added up."""
_SMALLEST = np.finfo(np.float64).smallest_normal

BUCKETS: dict[str, pl.DataType] = {
    "whole": pl.Boolean(),
    "key": pl.UInt64(),
    "count": pl.Int64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}


def histogram_columns(group_by: Sequence[str]) -> dict[str, pl.DataType]:
    """Columns of a table of histograms."""
    groups: dict[str, pl.DataType] = {f"meta__{group}": pl.String() for group in group_by}
    return groups | {"channel": pl.String()} | BUCKETS


def pixel_histogram(values: AnyArray) -> pl.DataFrame:
    """Count pixels in buckets: the columns of `BUCKETS`, sorted; numbers that are not finite are left out.

    Parameters
    ----------
    values
        Pixels of any shape and of an integer or floating-point type, or bool.

    Examples
    --------
    >>> pixel_histogram(np.array([7, 3, 7], dtype=np.uint16)).select("low", "count").rows()
    [(3.0, 1), (7.0, 2)]
    """
    flat = values.ravel()
    if flat.dtype.kind == "f":
        return _floats(flat)
    if flat.dtype.kind not in "iub":
        raise TypeError(f"got pixels of type {flat.dtype.name}, expected integers or floating-point numbers")
    if flat.dtype.itemsize <= 2:
        return _integral(*_counted(flat))
    large = flat[:0]
    if flat.dtype == np.uint64:  # what is no int64 counts as a float
        large, flat = flat[flat >= np.uint64(_MIDDLE)], flat[flat < np.uint64(_MIDDLE)]
    numbers, counts = np.unique(flat, return_counts=True)
    return pl.concat([_floats(large), _integral(numbers.astype(np.int64), counts)])


def _counted(values: AnyArray) -> tuple[IntArray, IntArray]:
    """Numbers of at most 16 bits that occur, and how often."""
    first = 0 if values.dtype.kind == "b" else int(np.iinfo(values.dtype).min)
    counts = np.zeros(1 << 8 * values.dtype.itemsize, dtype=np.int64)
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK].astype(np.int64) - first
        counts += np.bincount(part, minlength=len(counts))
    indices = np.flatnonzero(counts)
    return indices + first, counts[indices]


def _integral(values: IntArray, counts: IntArray) -> pl.DataFrame:
    keys = values.view(np.uint64) ^ np.uint64(_MIDDLE)
    sizes = values.astype(np.float64)
    return _table(integral=True, key=keys, count=counts, low=sizes, high=sizes)


def _floats(values: AnyArray) -> pl.DataFrame:
    parts = [_buckets(values[start : start + _CHUNK]) for start in range(0, len(values), _CHUNK)]
    if not parts:
        return pl.DataFrame(schema=BUCKETS)
    keys, count, low, high = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return _summed(keys=keys, count=count, low=low, high=high, integral=False)


def _buckets(values: AnyArray) -> tuple[Keys, IntArray, FloatArray, FloatArray]:
    """Keys, counts, smallest and largest numbers of the buckets of some numbers."""
    order = np.sort(values.astype(np.float64)) + 0.0  # no -0
    order = order[np.isfinite(order)]
    keys = float_keys(order)
    starts = _starts(keys)
    ends = np.append(starts[1:], len(order))[: len(starts)]
    return keys[starts], ends - starts, order[starts], order[ends - 1]


def _starts(keys: Keys) -> IntArray:
    """Where in sorted keys each different one begins."""
    return np.flatnonzero(np.diff(keys, prepend=~keys[:1]))


def float_keys(values: FloatArray) -> Keys:
    """Return the buckets of finite floating-point numbers, in their order."""
    return cast("Keys", keys_of(np.where(np.abs(values) < _SMALLEST, 0.0, values)) >> _SHIFT)


def _table(*, integral: bool, **columns: AnyArray) -> pl.DataFrame:
    number = len(columns["key"])
    return pl.DataFrame({"whole": np.full(number, integral), **columns}, schema=BUCKETS)


def labelled(histogram: pl.DataFrame, *, group: Mapping[str, str], channel: str) -> pl.DataFrame:
    """Say of which group and channel the pixels of `pixel_histogram` are."""
    return _placed(histogram, {f"meta__{name}": value for name, value in group.items()} | {"channel": channel})


def batch_histogram(
    batch: Batch, region: Region, *, group_by: Sequence[str], groups: Sequence[tuple[str, ...]]
) -> pl.DataFrame:
    """Table the pixels of a batch that lie in a region.

    Parameters
    ----------
    batch, region
        N cells of C channels, and where to look: in each channel's own mask, or in the one that all channels share.
    group_by, groups
        Names of the metadata to group by, and N times their values, "" where one is missing.
    """
    rows: dict[tuple[str, ...], list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    images, masks = batch.pixels.unstack(), region.masks.unstack()
    tables = []
    for group, own in rows.items():
        for number, channel in enumerate(batch.channels):
            plane = 0 if region.shared else number
            pixels = np.concatenate([images[row][number][masks[row][plane]] for row in own])
            named = dict(zip(group_by, group, strict=True))
            tables.append(labelled(pixel_histogram(pixels), group=named, channel=channel))
    return merge_histograms(tables, group_by=group_by)


def merge_histograms(tables: Iterable[pl.DataFrame], *, group_by: Sequence[str]) -> pl.DataFrame:
    """Add up tables, of which there may be none; sorted, and the same for every order and every grouping of merges.

    Tables are taken one by one as they are needed, so an iterator that reads them has few of them in memory.

    Parameters
    ----------
    group_by
        Names of the metadata that the tables are grouped by.
    """
    columns = histogram_columns(group_by)
    place = [name for name in columns if name not in BUCKETS]
    merged: dict[tuple[str, ...], list[pl.DataFrame]] = {}
    for table in tables:
        for key, part in table.select(*columns).partition_by(place, as_dict=True, include_key=False).items():
            merged.setdefault(key, []).append(part)
            first, *waiting = merged[key]
            if sum(map(len, waiting)) > max(len(first), _ROWS):
                merged[key] = [_added(merged[key])]
    rows = [_placed(_added(merged.pop(key)), dict(zip(place, key, strict=True))) for key in sorted(merged)]
    return pl.concat([pl.DataFrame(schema=columns), *rows])


def _added(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add up buckets of one group and channel; whole numbers that are many or not alone go to the buckets of floats."""
    rows = pl.concat(parts)
    integral = rows["whole"].to_numpy()
    keys = rows["key"].to_numpy()
    numbers = {name: rows[name].to_numpy() for name in ("count", "low", "high")}
    if integral.all():
        added = _summed(keys=keys, **numbers, integral=True)
        if len(added) <= MANY:
            return added
    keys = np.where(integral, float_keys(numbers["low"]), keys)
    return _summed(keys=keys, **numbers, integral=False)


def _summed(*, keys: Keys, count: IntArray, low: FloatArray, high: FloatArray, integral: bool) -> pl.DataFrame:
    """Add up what has equal keys."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = _starts(keys)
    return _table(
        integral=integral,
        key=keys[starts],
        count=np.add.reduceat(count[order], starts) if len(starts) else count,
        low=np.minimum.reduceat(low[order], starts) if len(starts) else low,
        high=np.maximum.reduceat(high[order], starts) if len(starts) else high,
    )


def _placed(buckets: pl.DataFrame, place: Mapping[str, str]) -> pl.DataFrame:
    return buckets.select(*(pl.lit(value, dtype=pl.String).alias(name) for name, value in place.items()), *BUCKETS)
