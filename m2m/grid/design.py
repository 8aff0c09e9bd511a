"""The grid's settings → its cells: each a complete `subset` block, listed once, the most informative ones first."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

from m2m.strategies import get_strategy, require_match, require_prefilter

Scope = Literal["staged", "quick", "full", "pilot"]
Cell = dict[str, Any]
QUICK_DEGREES = (0, 3, 6)
POOL_SETTINGS = ("quality", "quality_share")  # of `subset`: which rows all cells of a grid choose from
NO_PREFILTER = {"prefilter": "random", "prefilter_share": 1.0}
SHARED_REMEDY = (
    "What all cells share, such as clusters, has one value a grid: run a grid a value, each with a --folder."
)
FIRST_SEEDS, FIRST_RANDOM_SEEDS = 1, 3  # random's spread is the seed noise: it needs replicates
PILOT_CONFIGURATIONS, PILOT_SEEDS = 2, (1, 2, 3, 4)


def choose_scope(*, staged: bool = False, quick: bool = False, full: bool = False, pilot: bool = False) -> Scope:
    """The scope that the flags ask for, `staged` by default. ValueError for two of them."""
    flags: dict[Scope, bool] = {"staged": staged, "quick": quick, "full": full, "pilot": pilot}
    scopes = [scope for scope, flag in flags.items() if flag]
    if len(scopes) > 1:
        raise ValueError(f"a grid has one form, got --{' and --'.join(scopes)}: choose one")
    return scopes[0] if scopes else "staged"


def list_cells(grid_parts: Mapping[str, Mapping[str, Any]], subset: Mapping[str, Any], scope: Scope) -> list[Cell]:
    """Every combination of each part's lists; what a part does not list is as in `subset`.

    `staged` is the first rung of the staged grid: seed 1 of each configuration, three seeds of random. `quick` has the
    same seeds and of three degrees and more 0, 3, 6. `pilot` has four seeds of random and of the last two
    configurations with a degree, for the noise. First seeds come first: a grid that is stopped early is even.
    ValueError for a part that lists what is not a setting of `subset`, or for a cell that cannot be.
    """
    cells: list[Cell] = []
    for name, lists in grid_parts.items():
        unknown = sorted(set(lists) - set(subset))
        if unknown:
            names = ", ".join(subset)
            raise ValueError(
                f"grid.parts.{name} may list settings of subset ({names}), got {unknown[0]}. {SHARED_REMEDY}"
            )
        if pool := sorted(set(lists) & set(POOL_SETTINGS)):
            raise ValueError(f"grid.parts.{name} may not list {pool[0]}: a grid has one pool, set it in subset")
        listed = {key: value if isinstance(value, list) else [value] for key, value in lists.items()}
        scoped = _limit_lists(listed, scope)
        for values in product(*scoped.values()):
            settings = {key: _type_as(subset[key], value) for key, value in zip(scoped, values, strict=True)}
            cell = _drop_degree({**subset, **settings}, name)
            _require_possible(name, cell)
            if "prefilter" in lists and cell["prefilter"] != "random" and cell["prefilter_share"] == 1:
                raise ValueError(
                    f"prefilter {cell['prefilter']} of grid.parts.{name} keeps all rows: list a prefilter_share below 1"
                )
            cells.append(cell)
    scoped_cells = _list_pilot(cells) if scope == "pilot" else cells
    return sorted(drop_repeated(scoped_cells), key=lambda cell: int(cell["seed"]))


def drop_repeated(cells: Sequence[Cell]) -> list[Cell]:
    """The cells, each once, where it stands first."""
    return [cell for position, cell in enumerate(cells) if cell not in cells[:position]]


def normalize_cell(cell: Mapping[str, Any]) -> Cell:
    """The cell with settings that change nothing at one value, so that equal cells are equal.

    The degree of a strategy that has none is 0; `match` is the strategy, but for one that follows it. A prefilter that
    keeps all rows is none. Cells of before there were `lengths` are free, without `peel_noise` there was none.
    """
    strategy = get_strategy(cell["strategy"])
    degree = cell["degree"] if strategy.has_degree else 0
    match = cell["match"] if strategy.follows_match else cell["strategy"]
    defaults = {"lengths": "free", "peel_noise": 0.0, **NO_PREFILTER}
    prefilter = NO_PREFILTER if cell.get("prefilter_share", 1) == 1 else {}
    return {**defaults, **cell, "degree": degree, "match": match, **prefilter}


def list_overrides(cell: Cell, subset: Mapping[str, Any]) -> list[str]:
    """What `dvc exp run --queue -S …` has to set for `cell`, where `subset` stands in params.yaml."""
    return [f"subset.{name}={value}" for name, value in cell.items() if subset[name] != value]


def _type_as(example: Any, value: Any) -> Any:
    """A number of the type that the setting's own value has: 0 and 0.0 are one cell."""
    if type(value) is not bool and value == example:
        return example
    return float(value) if isinstance(example, float) and type(value) is int else value


def _drop_degree(cell: Mapping[str, Any], part_name: str) -> Cell:
    strategy = get_strategy(cell["strategy"], f"strategy of a cell in grid.parts.{part_name}")
    return dict(cell) if strategy.has_degree else {**cell, "degree": 0}


def _require_possible(part_name: str, cell: Cell) -> None:
    """A mistake that DVC or `subset` would report late, once a cell and try."""
    require_match(cell["match"], f"match of a cell in grid.parts.{part_name}")
    require_prefilter(cell["prefilter"], cell["prefilter_share"], f"grid.parts.{part_name}.prefilter")
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
    if scope == "quick" and len(scoped.get("degree", [])) >= 3:
        scoped["degree"] = QUICK_DEGREES
    if scope in ("quick", "staged") and "seed" in scoped:
        is_random = list(scoped.get("strategy", [])) == ["random"]
        scoped["seed"] = scoped["seed"][: FIRST_RANDOM_SEEDS if is_random else FIRST_SEEDS]
    return scoped


def _list_pilot(cells: Sequence[Cell]) -> list[Cell]:
    """Random and strategies of units with the same seeds; degree 0 is left out, whose subsets hardly differ."""
    dialled = [cell for cell in cells if get_strategy(cell["strategy"]).has_units and cell["degree"] > 0]
    randoms = [cell for cell in cells if cell["strategy"] == "random"]
    seedless = [{**cell, "seed": 0} for cell in dialled]
    unique = drop_repeated(seedless)
    if not unique or not randoms:
        raise ValueError("a pilot needs random and a strategy with a degree above 0 in grid.parts")
    return [{**cell, "seed": seed} for seed in PILOT_SEEDS for cell in (randoms[0], *unique[-PILOT_CONFIGURATIONS:])]
