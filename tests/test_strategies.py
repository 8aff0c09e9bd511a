"""What a strategy is, is said once."""

from pathlib import Path
from typing import Any

import pytest

from m2m.strategies import (
    BASELINES,
    MATCHES,
    NO_DEGREE,
    PREFILTERS,
    STRATEGIES,
    UNIT_STRATEGIES,
    get_strategy,
    require_match,
)

ROOT = Path(__file__).parent.parent

SELECTORS = ("facility-location", "stochastic-facilities", "gist", "deita", "instag", "mig", "novel-select")
WITH_A_TARGET_OR_MODEL = ("bm25", "ifd", "rds-plus")


def test_the_six_are_side_by_scale_and_choose_by_their_units() -> None:
    assert (
        *("instruction-macro", "instruction-meso", "instruction-micro"),
        *("response-macro", "response-meso", "response-micro"),
    ) == UNIT_STRATEGIES
    assert all(name == f"{STRATEGIES[name].side}-{STRATEGIES[name].scale}" for name in UNIT_STRATEGIES)
    assert all(STRATEGIES[name].has_degree for name in UNIT_STRATEGIES)


def test_baselines_choose_by_something_else() -> None:
    assert (
        "random",
        "length-matched",
        "longest",
        "k-center",
        "type-cover",
        "token-entropy",
        *SELECTORS,
        *WITH_A_TARGET_OR_MODEL,
    ) == BASELINES
    assert (
        "random",
        "longest",
        "k-center",
        "type-cover",
        "token-entropy",
        *SELECTORS,
        *WITH_A_TARGET_OR_MODEL,
    ) == NO_DEGREE
    assert [name for name, strategy in STRATEGIES.items() if strategy.follows_match] == ["length-matched"]
    assert list(MATCHES) == [*UNIT_STRATEGIES, "random"]


def test_a_name_that_is_near_no_strategy_gets_no_suggestion() -> None:
    with pytest.raises(ValueError, match=r"^grid must be one of instruction-macro, .*, got xyz$"):
        get_strategy("xyz", "grid")
    with pytest.raises(ValueError, match=r"^subset\.match must be one of .*, random, got k-center$"):
        require_match("k-center")


@pytest.mark.parametrize(
    "path",
    [path for room in ("m2m/grid", "m2m/selection", "stages") for path in sorted((ROOT / room).rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_module_of_grid_selection_or_stages_lists_strategies_again(path: Any) -> None:
    text = path.read_text()
    assert sum(f'"{name}"' in text for name in UNIT_STRATEGIES) == 0


def test_the_base_model_reads_the_pool_for_two_strategies_alone() -> None:
    passes = {name: strategy.base_pass for name, strategy in STRATEGIES.items() if strategy.base_pass}
    assert passes == {"ifd": "difficulty", "rds-plus": "represent"}
    assert PREFILTERS == ("random", "bm25", "rds-plus")
