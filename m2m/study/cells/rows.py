"""A computation that may be impossible → its numbers, or the reason why there are none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, TypeVarTuple, cast

from m2m.schemas.study_numbers import CorrelationNumbers, Place, Reason
from m2m.study.cells.correlation import Correlation
from m2m.study.cells.t_estimates import adjust_holm

StudyRow = dict[str, Any]  # any row, where a figure or a table reads it
Inputs = TypeVarTuple("Inputs")
Numbers = TypeVar("Numbers", bound=Reason)
PlacedRow = TypeVar("PlacedRow", bound=Place)
Json = TypeVar("Json")


def compute_or_explain(compute: Callable[[*Inputs], Numbers], *inputs: *Inputs) -> Numbers:
    """What `compute` returns for `inputs`; where it raises a ValueError, a row with its sentence as `reason`."""
    try:
        return compute(*inputs)
    except ValueError as error:
        return cast(Numbers, {"reason": str(error)})


def make_correlation_row(
    kind: str, correlation: Callable[[*Inputs], Correlation], *columns: *Inputs
) -> CorrelationNumbers:
    """A correlation's numbers, or its reason, each under a name that starts with its `kind`."""
    try:
        numbers: Mapping[str, object] = correlation(*columns)._asdict()
    except ValueError as error:
        numbers = {"reason": str(error)}
    return cast(CorrelationNumbers, {f"{kind}_{name}": value for name, value in numbers.items() if name != "points"})


def add_holm(rows: Sequence[PlacedRow], *family: str, p: str = "p") -> list[PlacedRow]:
    """The rows with `p_holm` beside `p`: adjusted over all rows with a `p` that agree in the columns `family`."""
    members: dict[tuple[object, ...], list[StudyRow]] = {}
    adjusted = [cast(StudyRow, dict(row)) for row in rows]
    for row in adjusted:
        if p in row:
            members.setdefault(tuple(row[name] for name in family), []).append(row)
    for relatives in members.values():
        for row, p_holm in zip(relatives, adjust_holm([row[p] for row in relatives]), strict=True):
            row[f"{p}_holm"] = p_holm
    return cast(list[PlacedRow], adjusted)


def round_digits(record: Json, significant: int = 6) -> Json:
    """`record` with each float to `significant` digits and infinities as null: the same bytes on every machine.

    Halves, of which tables of six decimals make many, go up whatever a machine's last bits are.
    """
    return cast(Json, _round(record, significant))


def _round(record: object, significant: int) -> object:
    if isinstance(record, dict):
        return {name: _round(value, significant) for name, value in record.items()}
    if isinstance(record, list):
        return [_round(value, significant) for value in record]
    if isinstance(record, float):
        return float(f"{record * (1 + 1e-9):.{significant}g}") if abs(record) < float("inf") else None
    return record
