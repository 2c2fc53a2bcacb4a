"""Two tables, row by row of equal name, in memory that does not grow with them.

A piece of the first table is read at a time. Its rows are usually at the same place in the second one, after the last
row found there; else that table's key columns alone are searched, in a stream.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

PIECE_BYTES = 64 * 2**20
"""Of a piece of a table in memory, roughly."""

EXAMPLES = 3

ROW = "__row"
"""Number of a row in its table; no column of ours begins so."""

OTHER = "__other"
"""Ends the names of the second table's columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows that only one table has."""

    count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDifference:
    """How a column differs in the rows that both tables have.

    Parameters
    ----------
    rows
        Number of rows whose values differ.
    missing
        Of those, where one of the two is NaN or null.
    largest, largest_relative
        Largest absolute difference, and largest one divided by the larger of both magnitudes; 0 for text.
    is_text
        Whether its values are no numbers.
    """

    name: str
    rows: int
    missing: int
    largest: float
    largest_relative: float
    is_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """How two tables differ; it is true where they do.

    Parameters
    ----------
    only_first, only_second
        Rows of one table whose name the other has not.
    columns_only_first, columns_only_second
        Columns that the other has not.
    types
        Types of columns that differ in type.
    columns
        Columns whose values differ, in order.
    reordered
        Whether common rows come in another order.
    repeated
        Rows whose name an earlier one has. Of the first table those of one piece or beside each other; others count as
        reordered.
    """

    only_first: Rows = Rows()
    only_second: Rows = Rows()
    columns_only_first: tuple[str, ...] = ()
    columns_only_second: tuple[str, ...] = ()
    types: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    columns: tuple[ColumnDifference, ...] = ()
    reordered: bool = False
    repeated: int = 0

    def __bool__(self) -> bool:
        return self != TableDifference()


def compare_tables(
    first: Sequence[Path],
    second: Sequence[Path],
    *,
    keys: tuple[Sequence[str], Sequence[str]],
    tolerance: float = 0.0,
    ignored: Sequence[str] = (),
    piece_bytes: int = PIECE_BYTES,
) -> TableDifference:
    """Compare two tables by the names of their rows.

    Parameters
    ----------
    first, second
        Parquet files of each table, in order, of equal columns; at least one.
    keys
        Columns that name a row in each, as many; those of the second are called like those of the first.
    tolerance
        Numbers count as equal where they differ by at most this, absolute up to 1, relative beyond; NaN equals NaN.
    ignored
        Columns that are not compared.
    piece_bytes
        Size of the pieces that are read, roughly.
    """
    renamed = {theirs: own for own, theirs in zip(*keys, strict=True)}
    left, right = _Table(first, renamed={}), _Table(second, renamed=renamed)
    names = [name for name in left.schema if name in right.schema and name not in {*keys[0], *ignored}]
    sums = _Sums(names, left=left.schema, right=right.schema, tolerance=tolerance)
    own_keys = list(keys[0])
    place = matched = repeated = 0
    reordered = False
    last = -1
    lonely = _Lonely()
    for piece in left.pieces([*own_keys, *names], piece_bytes=piece_bytes):
        rows = right.find(piece.select(own_keys), near=place)
        unique = rows.unique(own_keys, keep="first", maintain_order=True)
        joined = piece.join(unique, on=own_keys, how="left", nulls_equal=True, maintain_order="left")
        common = joined.filter(pl.col(ROW).is_not_null())
        lonely.add(joined.filter(pl.col(ROW).is_null()), keys=own_keys)
        if len(common):
            numbers = common[ROW]
            repeated += int(numbers[0]) == last
            reordered = reordered or int(numbers[0]) < last or not numbers.is_sorted()
            last, place = int(numbers[-1]), int(numbers.max()) + 1  # type: ignore[arg-type]
            distinct = numbers.unique().sort()
            matched += len(distinct)
            repeated += len(numbers) - len(distinct)
            sums.add(common, right.rows(distinct, columns=names))
    others = _Lonely()
    if matched < right.length:
        near = 0
        for piece in right.pieces(own_keys, piece_bytes=piece_bytes):
            found = left.find(piece, near=near)
            others.add(piece.join(found, on=own_keys, how="anti", nulls_equal=True), keys=own_keys)
            near = int(found[ROW].max()) + 1 if len(found) else near  # type: ignore[arg-type]
        repeated += max(right.length - matched - others.rows.count, 0)  # known to the first table, but met before
    return TableDifference(
        only_first=lonely.rows,
        only_second=others.rows,
        columns_only_first=tuple(name for name in left.schema if name not in right.schema),
        columns_only_second=tuple(name for name in right.schema if name not in left.schema),
        types={
            name: (str(left.schema[name]), str(right.schema[name]))
            for name in names
            if left.schema[name] != right.schema[name]
        },
        columns=sums.columns,
        reordered=reordered,
        repeated=repeated,
    )


class _Table:
    """Parquet files of equal columns as one table, of which never more than a piece is read."""

    def __init__(self, files: Sequence[Path], *, renamed: Mapping[str, str]) -> None:
        self._files = [str(file) for file in files]
        self._renamed = renamed
        schema = pl.read_parquet_schema(files[0])
        self.schema = {renamed.get(name, name): dtype for name, dtype in schema.items()}
        self.length = sum(pq.read_metadata(file).num_rows for file in files)

    def pieces(self, columns: Sequence[str], *, piece_bytes: int) -> Iterator[pl.DataFrame]:
        """Yield its rows in order, so many at a time."""
        count = max(piece_bytes // (8 * len(columns)), 1)
        scan = self._scan().select(columns)
        for start in range(0, self.length, count):
            yield scan.slice(start, count).collect(engine="streaming")

    def find(self, keys: pl.DataFrame, *, near: int) -> pl.DataFrame:
        """Return names and numbers of the rows that are called so; first looked for from the row `near` on."""
        names, scan = keys.columns, self._scan(numbered=True)
        there = scan.slice(near, len(keys)).select(*names, ROW).collect(engine="streaming")
        if there.select(names).equals(keys):
            return there
        found = scan.select(*names, ROW).join(keys.unique().lazy(), on=names, how="semi", nulls_equal=True)
        return found.collect(engine="streaming").sort(ROW)

    def rows(self, numbers: pl.Series, *, columns: Sequence[str]) -> pl.DataFrame:
        """Read rows by their numbers, which ascend."""
        if not len(numbers):
            return pl.DataFrame(schema={ROW: pl.UInt32, **{name: self.schema[name] for name in columns}})
        begin, end = int(numbers[0]), int(numbers[-1]) + 1
        part = self._scan(numbered=True).select(ROW, *columns).slice(begin, end - begin)
        if end - begin > len(numbers):
            part = part.join(pl.LazyFrame({ROW: numbers}), on=ROW, how="semi")
        return part.collect(engine="streaming")

    def _scan(self, *, numbered: bool = False) -> pl.LazyFrame:
        scan = pl.scan_parquet(self._files, glob=False, row_index_name=ROW if numbered else None)
        return scan.rename(dict(self._renamed)) if self._renamed else scan


class _Lonely:
    """Counts rows that have no counterpart, and remembers the first few."""

    def __init__(self) -> None:
        self._count = 0
        self._examples: list[str] = []

    def add(self, rows: pl.DataFrame, *, keys: Sequence[str]) -> None:
        """Take rows along."""
        self._count += len(rows)
        for row in rows.select(keys).head(EXAMPLES - len(self._examples)).iter_rows():
            self._examples.append(" ".join(str(value) for value in row))

    @property
    def rows(self) -> Rows:
        """What was taken along."""
        return Rows(count=self._count, examples=tuple(self._examples))


class _Sums:
    """How columns differ, summed up piece by piece."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        left: Mapping[str, pl.DataType],
        right: Mapping[str, pl.DataType],
        tolerance: float,
    ) -> None:
        self._measures = {
            name: _numeric(name, left=left[name], right=right[name], tolerance=tolerance)
            if _is_number(left[name]) and _is_number(right[name])
            else _other(name, same=left[name] == right[name])
            for name in names
        }
        self._text = {name for name in names if not (_is_number(left[name]) and _is_number(right[name]))}
        self._found: dict[str, tuple[int, int, float, float]] = {}

    def add(self, mine: pl.DataFrame, theirs: pl.DataFrame) -> None:
        """Take rows along; those of the second table are found by the numbers that the first one's have."""
        pair = mine.join(theirs, on=ROW, how="inner", suffix=OTHER)
        values = pair.select(
            pl.struct(rows=rows, missing=missing, largest=largest, relative=relative).alias(name)
            for name, (rows, missing, largest, relative) in self._measures.items()
        )
        for name in self._measures:
            new = values[name][0]
            if new["rows"]:
                rows, missing, largest, relative = self._found.get(name, (0, 0, 0.0, 0.0))
                self._found[name] = (
                    rows + new["rows"],
                    missing + new["missing"],
                    max(largest, new["largest"] or 0.0),
                    max(relative, new["relative"] or 0.0),
                )

    @property
    def columns(self) -> tuple[ColumnDifference, ...]:
        """The columns that differ, in order of the table."""
        order = {name: number for number, name in enumerate(self._measures)}
        return tuple(
            ColumnDifference(
                name=name, rows=rows, missing=missing, largest=largest, largest_relative=relative,
                is_text=name in self._text,
            )
            for name, (rows, missing, largest, relative) in sorted(self._found.items(), key=lambda one: order[one[0]])
        )  # fmt: skip


Measures = tuple[pl.Expr, pl.Expr, pl.Expr, pl.Expr]


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean()


def _numeric(name: str, *, left: pl.DataType, right: pl.DataType, tolerance: float) -> Measures:
    """Measure a column of numbers; polars takes NaN for equal to NaN, and null, by `ne_missing`, to null."""
    mine, theirs = pl.col(name), pl.col(name + OTHER)
    a, b = mine.cast(pl.Float64), theirs.cast(pl.Float64)
    missing = (mine.is_null() | a.is_nan()) | (theirs.is_null() | b.is_nan())
    distance, size = (a - b).abs(), pl.max_horizontal(a.abs(), b.abs())
    within = (distance <= tolerance * pl.max_horizontal(size, pl.lit(1.0))) & size.is_finite()
    unequal = mine.ne_missing(theirs) if left == right else a.ne_missing(b)
    differs = unequal & ~(within & ~missing).fill_null(value=False)
    measured = differs & ~missing
    return (
        differs.sum(),
        (differs & missing).sum(),
        distance.filter(measured).max(),
        (distance / size).fill_nan(1.0).filter(measured).max(),  # infinity and a number differ by all there is
    )


def _other(name: str, *, same: bool) -> Measures:
    """Measure a column of texts or lists; of unequal types, by what they look like."""
    mine, theirs = pl.col(name), pl.col(name + OTHER)
    if not same:
        mine, theirs = mine.cast(pl.String, strict=False), theirs.cast(pl.String, strict=False)
    differs = mine.ne_missing(theirs)
    nothing = pl.lit(0.0)
    return differs.sum(), (differs & (mine.is_null() | theirs.is_null())).sum(), nothing, nothing
