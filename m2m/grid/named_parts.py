"""The settings → the parts of another grid: the bake-off of all selectors, or sizes up to the whole pool."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from m2m.grid.design import list_cells
from m2m.grid.params.setting_rules import explain_missing_input
from m2m.strategies import STRATEGIES, get_strategy

Parts = dict[str, dict[str, Any]]
WHOLE_SEEDS = (1, 2)  # of the whole pool, whose trainings differ by the order of rows alone
DIGITS = 2  # of a token budget: about equal is enough, and a pool that hardly changes keeps its cells


class PoolCounts(NamedTuple):
    """What the size of a subset may follow from."""

    rows: int
    tokens_per_row: float
    """mean response tokens, with the end token"""


def list_selectors(settings: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Every strategy whose inputs are set, random first; and a sentence for each that lacks one."""
    missing = {name: explain_missing_input(name, settings) for name in STRATEGIES}
    ready = sorted((name for name in STRATEGIES if not missing[name]), key=lambda name: name != "random")
    return ready, [sentence for sentence in missing.values() if sentence]


def require_bake_off(settings: Mapping[str, Any], selectors: Sequence[str], seeds: int | None) -> None:
    """ValueError for a selector that does not exist or lacks an input, one seed, and a size that is not of rows.

    And for a cell of `grid.bake_off` that cannot be.
    """
    if seeds is not None and seeds < 2:
        raise ValueError(f"seeds must be at least 2, got {seeds}: without replicates there is no seed noise")
    if settings["subset"]["budget"] != "rows":
        raise ValueError("the bake-off needs subset.budget rows: it makes the arms of equal tokens itself")
    for name in selectors:
        get_strategy(name, "a selector")
        if sentence := explain_missing_input(name, settings):
            raise ValueError(sentence)
    list_cells(_fill_parts(settings, selectors, seeds, tokens=1), settings["subset"], "full", "bake_off")


def make_bake_off_parts(
    settings: Mapping[str, Any], counts: PoolCounts, selectors: Sequence[str], seeds: int | None
) -> Parts:
    """`grid.bake_off`, whose parts without `strategy` get all selectors, or random and `selectors` where any is named.

    A part of tokens without `size` gets the tokens of `subset.size` rows. `seeds` keeps the first seeds of each part.
    ValueError as `require_bake_off` has it.
    """
    require_bake_off(settings, selectors, seeds)
    tokens = round_budget(settings["subset"]["size"] * counts.tokens_per_row)
    return _fill_parts(settings, selectors, seeds, tokens)


def require_sizes(settings: Mapping[str, Any]) -> None:
    """ValueError where a size of `grid.sizes` is of tokens: the curve is over rows, and their tokens are counted."""
    for name, lists in settings["grid"]["sizes"].items():
        if lists.get("budget", settings["subset"]["budget"]) not in ("rows", ["rows"]):
            raise ValueError(
                f"grid.sizes.{name} must have a budget of rows, since its sizes are rows: set budget: rows"
            )


def make_size_parts(settings: Mapping[str, Any], counts: PoolCounts) -> Parts:
    """`grid.sizes`, without sizes that the pool does not have, and with all its rows as an arm.

    ValueError as `require_sizes` has it.
    """
    require_sizes(settings)
    parts: Parts = {}
    for name, lists in settings["grid"]["sizes"].items():
        sizes = lists.get("size", settings["subset"]["size"])
        within = [size for size in (sizes if isinstance(sizes, list) else [sizes]) if size < counts.rows]
        if within:
            parts[name] = {**lists, "size": within}
    parts["whole"] = {"strategy": ["random"], "budget": ["rows"], "size": [counts.rows], "seed": list(WHOLE_SEEDS)}
    return parts


def replace_parts(settings: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    """The settings with these parts as their grid."""
    return {**settings, "grid": {**settings["grid"], "parts": parts}}


def round_budget(number: float) -> int:
    """Two significant digits.

    >>> round_budget(47_894.2)
    48000
    """
    return int(float(f"{number:.{DIGITS}g}"))


def _fill_parts(settings: Mapping[str, Any], selectors: Sequence[str], seeds: int | None, tokens: int) -> Parts:
    """`grid.bake_off` with the strategies, seeds and budgets of `tokens` that its parts leave open."""
    names = ["random", *(name for name in selectors if name != "random")] if selectors else list_selectors(settings)[0]
    parts = {}
    for name, lists in settings["grid"]["bake_off"].items():
        part = {"strategy": names, **lists}
        if part.get("budget") in ("tokens", ["tokens"]):
            part = {"size": [tokens], **part}
        if isinstance(part.get("seed"), list):
            part["seed"] = part["seed"][:seeds]
        parts[name] = part
    return parts
