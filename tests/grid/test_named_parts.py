"""The bake-off's and the sizes' parts: which strategies, seeds and sizes they list, and what is refused."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from m2m.grid.design import list_cells
from m2m.grid.named_parts import (
    PoolCounts,
    list_selectors,
    make_bake_off_parts,
    make_size_parts,
    replace_parts,
    require_bake_off,
)
from m2m.grid.pool_counts import count_pool
from m2m.runtime.artifacts import write_table
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.tokens import Tokens
from m2m.strategies import STRATEGIES

COUNTS = PoolCounts(7607, 95.62)


@pytest.fixture
def settings() -> dict[str, Any]:
    return dict(yaml.safe_load(Path("params.yaml").read_text()))


def bake_off_cells(settings: dict[str, Any], *selectors: str, seeds: int | None = None) -> list[dict[str, Any]]:
    chosen = replace_parts(settings, make_bake_off_parts(settings, COUNTS, selectors, seeds))
    return list_cells(chosen["grid"]["parts"], settings["subset"], "full")


def test_every_strategy_is_a_selector_or_says_which_input_it_lacks(settings: dict[str, Any]) -> None:
    ready, sentences = list_selectors(settings)
    assert ready[0] == "random"
    assert len(ready) + len(sentences) == len(STRATEGIES)
    assert any(
        sentence.startswith("deita chooses by a number of the rows: set subset.quality") for sentence in sentences
    )
    assert "bm25 chooses rows like your examples: set target.examples to their file." in sentences
    settings["subset"]["quality"], settings["target"]["examples"] = "score", "data/raw/mine.jsonl"
    assert list_selectors(settings) == (["random", *(name for name in STRATEGIES if name != "random")], [])


def test_the_default_bake_off_has_five_seeds_at_equal_rows_and_at_equal_tokens(settings: dict[str, Any]) -> None:
    cells, (ready, _) = bake_off_cells(settings), list_selectors(settings)
    for budget, size in (("rows", 500), ("tokens", 48_000)):
        group = [cell for cell in cells if cell["budget"] == budget]
        assert {cell["size"] for cell in group} == {size}
        seeds = {name: [cell["seed"] for cell in group if cell["strategy"] == name] for name in ready}
        assert seeds.pop("random") == [1, 2, 3, 4, 5, 6, 7, 8]
        assert set(map(tuple, seeds.values())) == {(1, 2, 3, 4, 5)}
    assert {cell["degree"] for cell in cells if cell["strategy"] == "response-micro"} == {6}
    assert len(ready) >= 15  # random and 14 selectors


def test_named_selectors_and_fewer_seeds_make_a_smaller_bake_off(settings: dict[str, Any]) -> None:
    cells = bake_off_cells(settings, "longest", seeds=2)
    names = [(cell["strategy"], cell["budget"], cell["seed"]) for cell in cells]
    assert len(names) == len(set(names)) == 2 * (2 + 2 + 2)
    assert {name for name, _, _ in names} == {"longest", "random"}


@pytest.mark.parametrize(
    ("selectors", "seeds", "changes", "rule"),
    [
        (("longer",), None, {}, "a selector must be one of .* got longer: did you mean longest"),
        (("deita",), None, {}, "deita chooses by a number of the rows: set subset.quality"),
        ((), 1, {}, "seeds must be at least 2, got 1"),
        ((), None, {"budget": "tokens"}, r"the bake-off needs subset\.budget rows"),
    ],
)
def test_what_cannot_be_a_bake_off_is_refused(
    settings: dict[str, Any], selectors: Any, seeds: Any, changes: Any, rule: str
) -> None:
    settings["subset"] |= changes
    with pytest.raises(ValueError, match=rule):
        make_bake_off_parts(settings, COUNTS, selectors, seeds)


def test_lengths_that_not_all_selectors_can_have_are_refused_by_the_name_of_their_part(
    settings: dict[str, Any],
) -> None:
    """Where the selectors are known: a bake-off of strategies with units may have them."""
    settings["grid"]["bake_off"]["rows"]["lengths"] = ["as-random"]
    require_bake_off(settings, ["response-micro", "response-macro"], None)
    message = r"^grid\.bake_off\.rows\.lengths as-random needs a strategy with units, and longest has none"
    with pytest.raises(ValueError, match=message):
        require_bake_off(settings, (), None)


def test_sizes_double_up_to_the_pool_whose_rows_are_an_arm(settings: dict[str, Any]) -> None:
    parts = make_size_parts(settings, COUNTS)
    assert parts["random"]["size"] == [125, 250, 500, 1000, 2000, 4000]
    assert (parts["whole"]["size"], parts["whole"]["strategy"]) == ([7607], ["random"])
    assert make_size_parts(settings, PoolCounts(500, 90.0))["random"]["size"] == [125, 250]
    assert list(make_size_parts(settings, PoolCounts(100, 90.0))) == ["whole"]
    settings["grid"]["sizes"]["random"]["budget"] = ["tokens"]
    with pytest.raises(ValueError, match=r"grid\.sizes\.random must have a budget of rows"):
        make_size_parts(settings, COUNTS)


def test_the_pool_is_counted_inside_the_window_and_without_what_is_left_out(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lists = pl.Series("tokens", [[1], [1, 2], [1, 2, 3]], pl.List(pl.Int32))
    tokens = pl.DataFrame({"id": list("abc")}).with_columns(lists)
    write_table(tmp_path / "data/tokens/response.parquet", Tokens, tokens)
    write_table(tmp_path / "data/exclusions/drop.parquet", Exclusions, pl.DataFrame({"id": ["c"]}))
    assert count_pool(settings) == PoolCounts(3, 3.0)
    assert count_pool(settings | {"overlap": "drop"}) == PoolCounts(2, 2.5)
    settings["subset"]["min_tokens"] = 2
    assert count_pool(settings) == PoolCounts(2, 3.5)
    for name in ("quality_share", "prefilter_share"):
        other = settings | {"subset": settings["subset"] | {name: 0.5}}
        with pytest.raises(ValueError, match=rf"counting the pool needs subset\.{name} 1\.0, got 0\.5"):
            count_pool(other)
    settings["subset"]["min_tokens"] = 9
    with pytest.raises(ValueError, match=r"must have a row inside subset\.min_tokens\.\.max_tokens, it has none"):
        count_pool(settings)
