"""The grid's settings → its cells: each a complete `subset` block, listed once, in an order that tells most first."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

from m2m.study.cells.cells import NO_DEGREE, STRATEGIES

Scope = Literal["plain", "quick", "full"]
Cell = dict[str, Any]
ALL = (*STRATEGIES, "stratified-length", *NO_DEGREE)
SCOPE_DEGREES = {"full": tuple(range(7)), "quick": (0, 3, 6)}
QUICK_SEEDS, QUICK_RANDOM_SEEDS = 1, 3  # random's spread is the noise floor: it needs replicates


def choose_scope(quick: bool, full: bool) -> Scope:
    """As the flags of that name say. ValueError for both."""
    if quick and full:
        raise ValueError("a grid is --quick or --full, got both: choose one")
    return "quick" if quick else "full" if full else "plain"


def list_cells(parts: Mapping[str, Mapping[str, Any]], subset: Mapping[str, Any], scope: Scope) -> list[Cell]:
    """Every combination of each part's lists; what a part does not list is as in `subset`.

    A part that dials (three degrees and more) has all seven of them in `full`, and 0, 3, 6 in `quick`, which also
    keeps one seed, and three of an undialled strategy. First seeds come first: a grid that is stopped early is even.
    ValueError for a part that lists what is no setting of `subset`, or a cell that cannot be.
    """
    cells: list[Cell] = []
    for name, part in parts.items():
        unknown = sorted(set(part) - set(subset))
        if unknown:
            raise ValueError(f"grid.parts.{name} may list settings of subset ({', '.join(subset)}), got {unknown[0]}")
        lists = {key: value if isinstance(value, list) else [value] for key, value in part.items()}
        combined = product(*_scoped(lists, scope).values())
        some = [_dialled({**subset, **dict(zip(lists, values, strict=True))}) for values in combined]
        for cell in some:
            _require_possible(name, cell)
        cells += some
    once = [cell for at, cell in enumerate(cells) if cell not in cells[:at]]
    return sorted(once, key=lambda cell: int(cell["seed"]))


def normalize_cell(cell: Mapping[str, Any]) -> Cell:
    """The cell with settings that change nothing at one value, so that equal cells are equal.

    The degree of a strategy that has none is 0; `match` is whose lengths it has: but for stratified-length its own.
    """
    match = cell["match"] if cell["strategy"] == "stratified-length" else cell["strategy"]
    return {**_dialled(cell), "match": match}


def list_overrides(cell: Cell, subset: Mapping[str, Any]) -> list[str]:
    """What `dvc exp run --queue -S …` has to set for `cell`, where `subset` stands in params.yaml."""
    return [f"subset.{name}={value}" for name, value in cell.items() if subset[name] != value]


def _dialled(cell: Mapping[str, Any]) -> Cell:
    return {**cell, "degree": 0} if cell["strategy"] in NO_DEGREE else dict(cell)


def _require_possible(part: str, cell: Cell) -> None:
    """A mistake that DVC or `subset` would tell of late, once a cell and try."""
    possible = {
        "strategy": (cell["strategy"] in ALL, f"one of {', '.join(ALL)}"),
        "match": (cell["match"] in (*STRATEGIES, "random"), f"one of {', '.join(STRATEGIES)}, random"),
        "degree": (cell["degree"] in range(7), "in 0..6"),
        "size": (cell["size"] >= 1, "at least 1"),
        "min_tokens": (cell["min_tokens"] <= cell["max_tokens"], f"at most max_tokens, {cell['max_tokens']}"),
    }
    for name, (holds, rule) in possible.items():
        if not holds:
            raise ValueError(f"{name} of a cell in grid.parts.{part} must be {rule}, got {cell[name]}")


def _scoped(lists: Mapping[str, Sequence[Any]], scope: Scope) -> dict[str, Sequence[Any]]:
    scoped = dict(lists)
    if scope != "plain" and len(scoped.get("degree", [])) >= 3:
        scoped["degree"] = SCOPE_DEGREES[scope]
    if scope == "quick" and "seed" in scoped:
        scoped["seed"] = scoped["seed"][: QUICK_SEEDS if "degree" in scoped else QUICK_RANDOM_SEEDS]
    return scoped
