"""The flat table of scores: a row a trained model and prompt, of the primary outcome alone."""

import polars as pl

from bench.planted import planted_grid
from m2m.schemas.items import Items
from m2m.study.analysis.item_scores import tabulate_items
from tests.planted import NO_SCORES


def test_a_row_has_the_model_in_words_the_prompt_the_score_and_the_run() -> None:
    grid = planted_grid({"response-micro": 0.1}, degrees=(6,), seeds=2, random=1)
    runs = dict(grid.select("experiment", "strategy").rows())
    rows = [(run, outcome, item, 3.0, 4.0) for run in (*runs, "elsewhere") for outcome in ("x", "y") for item in "ba"]
    scores = pl.DataFrame(rows, ["experiment", "outcome", "id", "score", "weight"], orient="row")
    table = Items.validate(tabulate_items(grid, scores, "x"))
    assert table.height == 3 * 2 and set(table["score"]) == {0.75}
    place = "; 500 rows, 0..10000 tokens each, uniform weights, slack 1.5"
    names = {f"random{place}": "random", f"response-micro at degree 6{place}": "response-micro"}
    assert {names[model] for model in table["model"]} == {"random", "response-micro"}
    assert all(runs[run] == names[model] for model, run in table.select("model", "run").rows())
    assert table.equals(table.sort("model", "item", "run"))


def test_without_scores_the_table_is_empty() -> None:
    assert Items.validate(tabulate_items(planted_grid({}, random=3), NO_SCORES, "bpb_reduction")).is_empty()
