"""A computation that may be impossible → a flat row with its numbers, or with the reason why there are none."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVarTuple

from m2m.study.cells.correlation import Correlation
from m2m.study.cells.t_estimates import adjust_holm

StudyRow = dict[str, Any]
Given = TypeVarTuple("Given")


def compute_or_explain(make: Callable[[*Given], StudyRow], *given: *Given) -> StudyRow:
    """What `make` returns when `given` these; where it raises a ValueError, a row with its sentence as `reason`."""
    try:
        return make(*given)
    except ValueError as error:
        return {"reason": str(error)}


def make_correlation_row(kind: str, correlation: Callable[[*Given], Correlation], *columns: *Given) -> StudyRow:
    """A correlation's numbers, or its reason, each under a name that starts with its `kind`."""
    found = compute_or_explain(lambda: correlation(*columns)._asdict())
    return {f"{kind}_{name}": value for name, value in found.items() if name != "points"}


def add_holm(rows: Sequence[StudyRow], *family: str) -> list[StudyRow]:
    """The rows with `p_holm` beside `p`: adjusted over all rows that agree in the columns `family`."""
    keys = [tuple(row[name] for name in family) if "p" in row else None for row in rows]
    adjusted: dict[int, float] = {}
    for key in set(keys) - {None}:
        members = [i for i, other in enumerate(keys) if other == key]
        adjusted |= dict(zip(members, adjust_holm([rows[i]["p"] for i in members]), strict=True))
    return [row | ({"p_holm": adjusted[i]} if i in adjusted else {}) for i, row in enumerate(rows)]


def round_digits(record: Any, significant: int = 6) -> Any:
    """`record` with each float to `significant` digits and infinities as null: the same bytes on every machine.

    Halves, of which tables of six decimals make many, go up whatever a machine's last bits are.
    """
    if isinstance(record, dict):
        return {name: round_digits(value, significant) for name, value in record.items()}
    if isinstance(record, list):
        return [round_digits(value, significant) for value in record]
    if isinstance(record, float):
        return float(f"{record * (1 + 1e-9):.{significant}g}") if abs(record) < float("inf") else None
    return record
