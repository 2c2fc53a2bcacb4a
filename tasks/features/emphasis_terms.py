"""The features of matrices of grey levels against sizes, as data."""

from collections.abc import Sequence

from tasks.features.family import Term

_FORMULAS = (
    "mean of 1/j²",
    "mean of j²",
    "mean of 1/i²",
    "mean of i²",
    "mean of 1/(i² j²)",
    "mean of i²/j²",
    "mean of j²/i²",
    "mean of i² j²",
    "sum over the levels of the squared number, over the number of all",
    "sum over the levels of the squared number, over the squared number of all",
    "sum over the sizes of the squared number, over the number of all",
    "sum over the sizes of the squared number, over the squared number of all",
    "number over that of the pixels",
    "population variance of i",
    "population variance of j",
    "entropy −Σ p log2 p of the frequencies p of pairs (i, j)",
    "energy Σ p² of the frequencies p of pairs (i, j)",
)
"""In the order of `tasks.features.emphases.emphases`."""


def emphasis_terms(
    *, names: Sequence[str], codes: Sequence[str], things: str, where: str, reference: str, invariances: tuple[str, ...]
) -> tuple[Term, ...]:
    """Describe the features of one matrix.

    Parameters
    ----------
    names, codes
        Statistic and IBSI code of each feature, in the order of `tasks.features.emphases.emphases`; the last ones may
        be left out.
    things
        What is counted, and what j is: ``the runs of equal levels i of length j``.
    where
        Rest of the definition.
    """
    return tuple(
        Term(
            stat=name,
            unit="1",
            definition=f"{formula[0].upper()}{formula[1:]}: {things}, {where}.",
            reference=f"{reference}, {code}",
            invariances=invariances,
        )
        for name, code, formula in zip(names, codes, _FORMULAS[: len(names)], strict=True)
    )
