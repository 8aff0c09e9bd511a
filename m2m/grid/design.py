"""The grid's settings → its cells: each a complete `subset` block, listed once, the most informative ones first."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

from m2m.strategies import get_strategy, require_match

Scope = Literal["plain", "quick", "full"]
Cell = dict[str, Any]
SCOPE_DEGREES = {"full": tuple(range(7)), "quick": (0, 3, 6)}
POOL_SETTINGS = ("quality", "quality_share")  # of `subset`: which rows all cells of a grid choose from
QUICK_SEEDS, QUICK_RANDOM_SEEDS = 1, 3  # random's spread is the seed noise: it needs replicates


def choose_scope(quick: bool, full: bool) -> Scope:
    """The scope that the flags ask for. ValueError for both."""
    if quick and full:
        raise ValueError("a grid is --quick or --full, got both: choose one")
    return "quick" if quick else "full" if full else "plain"


def list_cells(grid_parts: Mapping[str, Mapping[str, Any]], subset: Mapping[str, Any], scope: Scope) -> list[Cell]:
    """Every combination of each part's lists; what a part does not list is as in `subset`.

    A part with three degrees and more has all seven of them in `full`, and 0, 3, 6 in `quick`, which also keeps one
    seed, or three of a part without degrees. First seeds come first: a grid that is stopped early is even.
    ValueError for a part that lists what is not a setting of `subset`, or for a cell that cannot be.
    """
    cells: list[Cell] = []
    for name, lists in grid_parts.items():
        unknown = sorted(set(lists) - set(subset))
        if unknown:
            raise ValueError(f"grid.parts.{name} may list settings of subset ({', '.join(subset)}), got {unknown[0]}")
        if pool := sorted(set(lists) & set(POOL_SETTINGS)):
            raise ValueError(f"grid.parts.{name} may not list {pool[0]}: a grid has one pool, set it in subset")
        scoped = _limit_lists(
            {key: value if isinstance(value, list) else [value] for key, value in lists.items()}, scope
        )
        for values in product(*scoped.values()):
            cell = _drop_degree({**subset, **dict(zip(scoped, values, strict=True))}, name)
            _require_possible(name, cell)
            cells.append(cell)
    unique = [cell for position, cell in enumerate(cells) if cell not in cells[:position]]
    return sorted(unique, key=lambda cell: int(cell["seed"]))


def normalize_cell(cell: Mapping[str, Any]) -> Cell:
    """The cell with settings that change nothing at one value, so that equal cells are equal.

    The degree of a strategy that has none is 0; `match` is the strategy, but for one that follows it. Cells of before
    there were `lengths` are free.
    """
    strategy = get_strategy(cell["strategy"])
    degree = cell["degree"] if strategy.has_degree else 0
    match = cell["match"] if strategy.follows_match else cell["strategy"]
    return {"lengths": "free", **cell, "degree": degree, "match": match}


def list_overrides(cell: Cell, subset: Mapping[str, Any]) -> list[str]:
    """What `dvc exp run --queue -S …` has to set for `cell`, where `subset` stands in params.yaml."""
    return [f"subset.{name}={value}" for name, value in cell.items() if subset[name] != value]


def _drop_degree(cell: Mapping[str, Any], part_name: str) -> Cell:
    strategy = get_strategy(cell["strategy"], f"strategy of a cell in grid.parts.{part_name}")
    return dict(cell) if strategy.has_degree else {**cell, "degree": 0}


def _require_possible(part_name: str, cell: Cell) -> None:
    """A mistake that DVC or `subset` would report late, once a cell and try."""
    require_match(cell["match"], f"match of a cell in grid.parts.{part_name}")
    rules = {
        "degree": (cell["degree"] in range(7), "in 0..6"),
        "size": (cell["size"] >= 1, "at least 1"),
        "min_tokens": (cell["min_tokens"] <= cell["max_tokens"], f"at most max_tokens, {cell['max_tokens']}"),
    }
    for name, (holds, rule) in rules.items():
        if not holds:
            raise ValueError(f"{name} of a cell in grid.parts.{part_name} must be {rule}, got {cell[name]}")


def _limit_lists(lists: Mapping[str, Sequence[Any]], scope: Scope) -> dict[str, Sequence[Any]]:
    scoped = dict(lists)
    if scope != "plain" and len(scoped.get("degree", [])) >= 3:
        scoped["degree"] = SCOPE_DEGREES[scope]
    if scope == "quick" and "seed" in scoped:
        scoped["seed"] = scoped["seed"][: QUICK_SEEDS if "degree" in scoped else QUICK_RANDOM_SEEDS]
    return scoped
