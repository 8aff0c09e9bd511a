"""The grid's settings → its cells: each a complete `subset` block, listed once, the most informative ones first."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

from m2m.grid.number_spelling import spell_numbers
from m2m.strategies import get_strategy, require_match, require_prefilter

Scope = Literal["staged", "quick", "full", "pilot"]
Cell = dict[str, Any]
CellKey = frozenset[tuple[str, Any]]
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


def list_cells(
    grid_parts: Mapping[str, Mapping[str, Any]], subset: Mapping[str, Any], scope: Scope, block: str = "parts"
) -> list[Cell]:
    """Every combination of each part's lists; what a part does not list is as in `subset`.

    `staged` is the first rung of the staged grid: seed 1 of each configuration, three seeds of random. `quick` has the
    same seeds and of three degrees and more 0, 3, 6. `pilot` has four seeds of random and of the last two
    configurations with a degree, for the noise. First seeds come first: a grid that is stopped early is even.
    ValueError for a part that lists what is not a setting of `subset`, or for a cell that cannot be. Its sentence names
    the part as one of `grid.BLOCK`.
    """
    cells: list[Cell] = []
    for name, lists in grid_parts.items():
        place = f"grid.{block}.{name}"
        _require_settings(lists, subset, place)
        listed = {key: value if isinstance(value, list) else [value] for key, value in lists.items()}
        if scope == "quick" and len(listed.get("degree", [])) >= 3:
            listed["degree"] = list(QUICK_DEGREES)
        for values in product(*listed.values()):
            cell = spell_numbers({**subset, **dict(zip(listed, values, strict=True))})
            _require_possible(cell, lists, place)
            if cell["seed"] in _limit_seeds(listed.get("seed", [cell["seed"]]), cell["strategy"], scope):
                cells.append(_drop_idle(cell))
    scoped_cells = _list_pilot(cells) if scope == "pilot" else cells
    return sorted(drop_repeated(scoped_cells), key=lambda cell: int(cell["seed"]))


def drop_repeated(cells: Sequence[Cell]) -> list[Cell]:
    """The cells, each identity once, where it stands first."""
    firsts: dict[CellKey, Cell] = {}
    for cell in cells:
        firsts.setdefault(identify_cell(cell), cell)
    return list(firsts.values())


def identify_cell(cell: Mapping[str, Any]) -> CellKey:
    """Equal for cells that have the same rows, in the same order."""
    return frozenset(normalize_cell(cell).items())


def normalize_cell(cell: Mapping[str, Any]) -> Cell:
    """The cell with settings that change nothing at one value, and one spelling a number: equal cells are equal.

    The degree of a strategy that has none is 0; `match` is the strategy, but for one that follows it. `lengths` are
    free where no units are pruned, and a prefilter that keeps all rows is none. Cells of before there were `lengths`
    are free, without `peel_noise` there was none.
    """
    match = cell["match"] if get_strategy(cell["strategy"]).follows_match else cell["strategy"]
    defaults = {"lengths": "free", "peel_noise": 0.0, **NO_PREFILTER}
    prefilter = NO_PREFILTER if cell.get("prefilter_share", 1) == 1 else {}
    return spell_numbers({**defaults, **_drop_idle(cell), "match": match, **prefilter})


def require_lengths(strategy: str, lengths: str, setting: str) -> None:
    """ValueError for `lengths` as-random where the strategy has no units to prune; random has such lengths anyway."""
    entry = get_strategy(strategy)
    if lengths == "as-random" and not (entry.has_units or entry.follows_match or strategy == "random"):
        raise ValueError(
            f"{setting} as-random needs a strategy with units, and {strategy} has none: give {strategy} lengths free"
        )


def list_overrides(cell: Cell, subset: Mapping[str, Any]) -> list[str]:
    """What `dvc exp run --queue -S …` has to set for `cell`, where `subset` stands in params.yaml."""
    return [f"subset.{name}={value}" for name, value in cell.items() if subset[name] != value]


def _require_settings(lists: Mapping[str, Any], subset: Mapping[str, Any], place: str) -> None:
    """ValueError for a part that lists what is no setting of a cell."""
    if unknown := sorted(set(lists) - set(subset)):
        names = ", ".join(subset)
        raise ValueError(f"{place} may list settings of subset ({names}), got {unknown[0]}. {SHARED_REMEDY}")
    if pool := sorted(set(lists) & set(POOL_SETTINGS)):
        raise ValueError(f"{place} may not list {pool[0]}: a grid has one pool, set it in subset")


def _require_possible(cell: Cell, lists: Mapping[str, Any], place: str) -> None:
    """A mistake that DVC or `subset` would report late, once a cell and try, or a list that changes nothing."""
    has_degree = get_strategy(cell["strategy"], f"strategy of a cell in {place}").has_degree
    require_match(cell["match"], f"match of a cell in {place}")
    require_prefilter(cell["prefilter"], cell["prefilter_share"], f"{place}.prefilter")
    if "lengths" in lists:
        require_lengths(cell["strategy"], cell["lengths"], f"{place}.lengths")
    rules = {
        "degree": (not has_degree or cell["degree"] in range(7), "in 0..6"),
        "size": (cell["size"] >= 1, "at least 1"),
        "min_tokens": (cell["min_tokens"] <= cell["max_tokens"], f"at most max_tokens, {cell['max_tokens']}"),
    }
    for name, (holds, rule) in rules.items():
        if not holds:
            raise ValueError(f"{name} of a cell in {place} must be {rule}, got {cell[name]}")
    if "prefilter" in lists and cell["prefilter"] != "random" and cell["prefilter_share"] == 1:
        raise ValueError(f"prefilter {cell['prefilter']} of {place} keeps all rows: list a prefilter_share below 1")


def _drop_idle(cell: Mapping[str, Any]) -> Cell:
    """The cell with degree 0 where its strategy has no degree, and with free lengths where no units are pruned."""
    strategy = get_strategy(cell["strategy"])
    pruned = get_strategy(cell["match"], "subset.match") if strategy.follows_match else strategy
    idle: Cell = {} if strategy.has_degree else {"degree": 0}
    if "lengths" in cell and not pruned.has_units:
        idle["lengths"] = "free"
    return {**cell, **idle}


def _limit_seeds(seeds: Sequence[int], strategy: str, scope: Scope) -> Sequence[int]:
    """The first seeds of a part, as many as a cell of this strategy gets."""
    if scope not in ("quick", "staged"):
        return seeds
    return seeds[: FIRST_RANDOM_SEEDS if strategy == "random" else FIRST_SEEDS]


def _list_pilot(cells: Sequence[Cell]) -> list[Cell]:
    """Random and strategies of units with the same seeds; degree 0 is left out, whose subsets hardly differ."""
    dialled = [cell for cell in cells if get_strategy(cell["strategy"]).has_units and cell["degree"] > 0]
    randoms = [cell for cell in cells if cell["strategy"] == "random"]
    seedless = [{**cell, "seed": 0} for cell in dialled]
    unique = drop_repeated(seedless)
    if not unique or not randoms:
        raise ValueError("a pilot needs random and a strategy with a degree above 0 in grid.parts")
    return [{**cell, "seed": seed} for seed in PILOT_SEEDS for cell in (randoms[0], *unique[-PILOT_CONFIGURATIONS:])]
