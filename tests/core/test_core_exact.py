"""Exact statistics against numpy over all values at once, however these are divided and merged."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.exact import questions, statistics, sums
from tasks.core.exact.keys import keys_of, values_of
from tasks.core.exact.questions import LimitsQuery, MembersQuery, Question, RanksQuery, SumsQuery, merged
from tasks.core.exact.statistics import (
    Program,
    answered,
    deviations_from_median,
    histogram,
    mean_and_deviation,
    normal_quantile,
    order_statistics,
    quantile,
)
from tasks.core.exact.sums import UNIT, exact_squares, exact_sum, exact_total, rounded
from tasks.core.types import FloatArray

FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = hnp.arrays(np.float64, st.integers(1, 60), elements=FINITE)
TIED = hnp.arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([-0.0, 0.0, 1.5, 7.0, -3e300, 5e-324]))


def dealt(values: FloatArray, *, seed: int) -> Callable[[object], object]:
    """Answer questions by parts of random size, one of them empty, merged in random order."""
    rng = np.random.default_rng(seed)

    def answer(question: object) -> object:
        cuts = np.sort(rng.integers(0, len(values) + 1, size=4))
        parts = [*np.split(rng.permutation(values), cuts), values[:0]]
        answers = [question.answer(parts[at]) for at in rng.permutation(len(parts))]  # type: ignore[attr-defined]
        middle = len(answers) // 2
        return merged([merged(answers[:middle]), merged(answers[middle:])])

    return answer


@given(values=VALUES)
def test_sums_are_those_of_fractions(values: FloatArray) -> None:
    fractions = [Fraction(value) for value in values.tolist()]
    assert Fraction(exact_sum(values), 2**UNIT) == sum(fractions)
    assert Fraction(exact_squares(values), 4**UNIT) == sum(fraction**2 for fraction in fractions)


@given(values=VALUES | TIED, chunk=st.integers(1, 9), block=st.integers(1, 20))
def test_sums_do_not_depend_on_how_many_numbers_are_looked_at_together(
    values: FloatArray, chunk: int, block: int
) -> None:
    expected = exact_sum(values), exact_squares(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "_CHUNK", chunk)
        patch.setattr(sums, "_BLOCK", block)
        assert (exact_sum(values), exact_squares(values)) == expected


@given(values=VALUES | TIED, chunk=st.integers(1, 9), center=st.none() | st.floats(-9, 9))
def test_answers_do_not_depend_on_how_many_values_are_looked_at_together(
    values: FloatArray, chunk: int, center: float | None
) -> None:
    starts = tuple(sorted({int(key) >> 48 for key in keys_of(np.append(values[:2], 1.0))}))
    asked: list[Question] = [
        LimitsQuery(center=center),
        RanksQuery(center=center),
        RanksQuery(center=center, prefixes=starts, bits=16),
        MembersQuery(center=center, prefixes=starts, bits=16),
    ]
    with np.errstate(over="ignore"):
        expected = [question.answer(values) for question in asked]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(questions, "_CHUNK", chunk)
            assert [question.answer(values) for question in asked] == expected


def test_ranks_and_members_are_those_of_the_values_that_begin_so() -> None:
    values = np.random.default_rng(0).lognormal(size=50_000)
    keys = keys_of(values)
    starts = [int(keys_of(np.array([value]))[0]) >> 48 for value in (0.5, 1.0)]
    chosen = values[np.isin(keys >> np.uint64(48), np.array(starts, dtype=np.uint64))]
    assert MembersQuery(prefixes=tuple(starts), bits=16).answer(values).values == tuple(np.sort(chosen))
    prefixes, counts = np.unique(keys_of(chosen) >> np.uint64(32), return_counts=True)
    ranks = RanksQuery(prefixes=tuple(starts), bits=16).answer(values)
    assert ranks.counts == dict(zip(prefixes.tolist(), counts.tolist(), strict=True))
    assert list(ranks.counts) == prefixes.tolist()


def test_sums_of_many_numbers_of_full_precision() -> None:
    values = np.full(100_000, -(2.0 - 2**-52))
    assert Fraction(exact_sum(values), 2**UNIT) == 100_000 * Fraction(values[0])
    assert Fraction(exact_squares(values), 4**UNIT) == 100_000 * Fraction(values[0]) ** 2
    assert rounded(exact_sum(values), count=100_000) == values[0]


def test_sums_of_pixels_do_not_overflow() -> None:
    assert exact_total(np.full(3, 2**63 - 1, dtype=np.int64)) == 3 * (2**63 - 1)
    assert exact_total(np.full(3, 2**64 - 1, dtype=np.uint64)) == 3 * (2**64 - 1)
    assert exact_total(np.full(5, -7, dtype=np.int8)) == -35


@given(values=VALUES)
def test_keys_order_numbers_and_can_be_undone(values: FloatArray) -> None:
    keys = keys_of(values)
    assert np.array_equal(values_of(keys), values)
    assert np.array_equal(values[np.argsort(keys, kind="stable")], np.sort(values))
    assert len(np.unique(keys)) == len(np.unique(values))


@given(values=VALUES | TIED, q=st.floats(0, 1), seed=st.integers(0, 2**32 - 1), few=st.sampled_from([0, 3, 4096]))
def test_quantiles_are_numpys_bit_for_bit(values: FloatArray, q: float, seed: int, few: int) -> None:
    with pytest.MonkeyPatch.context() as patch, np.errstate(over="ignore", invalid="ignore"):
        patch.setattr(statistics, "FEW", few)
        got = answered(quantile(q), dealt(values, seed=seed))
        assert np.array_equal(got, np.quantile(values, q), equal_nan=True)


@given(values=VALUES | TIED, seed=st.integers(0, 2**32 - 1), few=st.sampled_from([0, 3, 4096]), data=st.data())
def test_order_statistics_are_those_of_the_sorted_values(
    values: FloatArray, seed: int, few: int, data: st.DataObject
) -> None:
    ranks = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "FEW", few)
        got = answered(order_statistics(ranks), dealt(values, seed=seed))
    assert np.array_equal(got, np.sort(values)[ranks])


SMALL = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6))


@given(values=SMALL, seed=st.integers(0, 2**32 - 1))
def test_mean_and_deviation_are_those_of_fractions(values: FloatArray, seed: int) -> None:
    fractions = [Fraction(value) for value in values.tolist()]
    mean = sum(fractions) / len(fractions)
    variance = sum((fraction - mean) ** 2 for fraction in fractions) / len(fractions)
    got = answered(mean_and_deviation(), dealt(values, seed=seed))
    assert got[0] == float(mean)
    assert got[1] == pytest.approx(float(variance) ** 0.5, rel=1e-15, abs=0)
    assert got == answered(mean_and_deviation(), dealt(values, seed=seed + 1))


@given(values=SMALL, seed=st.integers(0, 2**32 - 1), n=st.floats(-9, 9))
def test_deviations_from_the_median_are_numpys(values: FloatArray, seed: int, n: float) -> None:
    median = np.median(values)
    expected = median + n * statistics.MAD_TO_DEVIATION * np.median(np.abs(values - median))
    got = answered(deviations_from_median(n), dealt(values, seed=seed))
    assert got == pytest.approx(expected, rel=1e-15, abs=1e-300)


@given(values=SMALL, seed=st.integers(0, 2**32 - 1), bins=st.integers(1, 300))
def test_histograms_are_numpys(values: FloatArray, seed: int, bins: int) -> None:
    counts, edges = answered(histogram(bins), dealt(values, seed=seed))
    expected_counts, expected_edges = np.histogram(values, bins=bins)
    assert np.array_equal(counts, expected_counts)
    assert np.array_equal(edges, expected_edges)


def test_no_values_have_no_statistics() -> None:
    nothing = dealt(np.zeros(0), seed=0)
    assert np.isnan(answered(quantile(0.5), nothing))
    assert np.isnan(answered(deviations_from_median(3), nothing))
    assert np.isnan(answered(normal_quantile(0.1), nothing))
    assert len(answered(histogram(4), nothing)[0]) == 0


def test_answers_survive_a_file() -> None:
    answer = SumsQuery().answer(np.array([1e300, -5e-324, 1e-300]))
    assert type(answer).model_validate_json(answer.model_dump_json()) == answer


@pytest.mark.slow
def test_ten_million_values_in_parts_need_little_memory() -> None:
    """Each part is drawn when a question is asked, and forgotten; memory is bounded by one part and one answer."""
    parts, size = 100, 100_000

    def part(number: int) -> FloatArray:
        return np.random.default_rng(number).lognormal(size=size)

    def answer(question: object) -> object:
        answer = question.answer(part(0))  # type: ignore[attr-defined]
        for number in range(1, parts):
            answer = answer.merge(question.answer(part(number)))  # type: ignore[attr-defined]
        return answer

    program: Program[float] = quantile(0.05)
    everything = np.concatenate([part(number) for number in range(parts)])
    assert answered(program, answer) == np.quantile(everything, 0.05)
