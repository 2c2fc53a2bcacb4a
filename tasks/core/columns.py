"""Feature columns as data: one description each, from which every spelling of its name follows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

CHILDREN = "children"
"""Family of the number of children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature column.

    Parameters
    ----------
    region
        Mask, combined mask or object: ``li``, ``li.combined``, ``nucleus``; ``raw`` for the unmasked frame.
    family, stat, param
        ``texture``, ``contrast``, ``d3``: the middle of the native name.
    channels
        The channels it is computed from: none for a shape shared by all, one, or a pair.
    child
        Kind of objects of which the region holds several, where it is their number (family `CHILDREN`) or the mean of
        their values; empty else.
    scip
        The published system's own spelling without its ``feat_`` prefix and mask name; empty where it has none.
    unit
        Unit of the value: ``px``, ``px^2``, ``rad``, ``intensity``, ``1`` for none.
    definition, reference
        What it is, and where that is defined.
    invariances
        What leaves it unchanged: ``translation``, ``rotation``, ``scale``, ``intensity shift``, ``intensity scale``.
    """

    region: str
    family: str
    stat: str
    param: str = ""
    channels: tuple[str, ...] = ()
    child: str = ""
    scip: str = ""
    unit: str = "1"
    definition: str
    reference: str = ""
    invariances: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """Native name: ``{object}__{family}_{stat}[_{param}][__{channel}[__{channel2}]]``.

        Of children ``{object}__{child}_count`` and ``{object}__{child}_mean_{family}_…``.
        """
        of_children = (self.child, "mean") if self.child and self.family != CHILDREN else (self.child,)
        family = "" if self.family == CHILDREN else self.family
        middle = "_".join(part for part in (*of_children, family, self.stat, self.param) if part)
        return "__".join((self.region, middle, *self.channels))

    def as_dict(self) -> dict[str, object]:
        """Everything about the column, for the dictionary stored with the table."""
        return {"name": self.name, **asdict(self)}


def unique_names(columns: Sequence[Column]) -> tuple[str, ...]:
    """Native names, checked to differ from each other."""
    names = tuple(column.name for column in columns)
    if len(set(names)) != len(names):
        double = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"columns share a name: {double[:3]}")
    return names
