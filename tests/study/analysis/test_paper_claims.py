"""The paper's claims on planted grids: supported where true, contradicted where false, and otherwise untold."""

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.correlation_contrasts import Difference
from m2m.study.analysis.paper_claims import judge_claim, judge_claims
from tests.planted import views


def against(p_above: float) -> Difference:
    return Difference(0, 0, 0, p_above, 1 - p_above)


@pytest.mark.parametrize(
    ("p", "state"),
    [
        ([0.01, 0.02], "supported"),
        ([0.01, 0.03], "cannot tell"),
        ([0.01, 0.995], "contradicted"),
        ([0.4, 0.985], "cannot tell"),
        ([], "cannot tell"),
    ],
)
def test_all_rivals_must_be_beaten_and_one_clear_loss_is_enough(p: list[float], state: str) -> None:
    assert judge_claim({str(i): against(one) for i, one in enumerate(p)})["state"] == state


def test_rivals_without_a_contrast_are_counted() -> None:
    found = judge_claim({"a": against(0.01), "b": "too few"})
    assert (found["state"], found["rivals"], found["rivals_untold"]) == ("supported", 1, 1)


def states(grid: pl.DataFrame) -> dict[str, str]:
    return {row["claim"]: row.get("state") or row["reason"] for row in judge_claims(views(grid)[0])}


def test_a_strategy_that_alone_helps_is_found() -> None:
    found = states(planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.3}, seeds=3))
    assert found["correlates"] == "supported"


def test_a_strategy_that_alone_harms_contradicts() -> None:
    slopes = dict.fromkeys(UNIT_STRATEGIES, 0.3) | {"response-micro": -0.3}
    found = states(planted_grid(slopes, seeds=3))
    assert found["correlates"] == "contradicted"


def test_without_effects_nothing_is_claimed() -> None:
    assert set(states(planted_grid()).values()) == {"cannot tell"}


def test_the_metric_that_performance_is_made_of_is_the_best_estimator() -> None:
    grid = planted_grid()
    rng = np.random.default_rng(1)
    made = grid.with_columns(bpb_reduction=pl.col("response_token_entropy") + rng.normal(0, 0.01, grid.height))
    other = grid.with_columns(bpb_reduction=pl.col("response_self_bleu") + rng.normal(0, 0.01, grid.height))
    assert states(made)["estimator"] == "supported"
    assert states(other)["estimator"] == "contradicted"


def test_without_rivals_or_replicates_the_reason_is_told() -> None:
    assert states(planted_grid({"response-macro": 0.0})) == {}
    alone = states(planted_grid({"response-micro": 0.0}, seeds=1, random=1))
    assert alone["correlates"] == "cannot tell"


def test_a_strategy_whose_replicates_repeat_supports_no_claim() -> None:
    """Its four outcomes lie on a line, r is 1: that was 'Supported (p < 0.001)'."""
    grid = planted_grid({"response-micro": 0.0, "response-macro": 0.0, "instruction-micro": 0.0}, degrees=(0, 6))
    line = 0.45 + 0.05 * pl.col("degree") / 6
    is_hero = pl.col("strategy") == "response-micro"
    found = states(grid.with_columns(bpb_reduction=pl.when(is_hero).then(line).otherwise("bpb_reduction")))
    assert found["correlates"] == "a correlation of 1 has no noise to be compared by: run more seeds or prompts"


def far_point() -> pl.DataFrame:
    """24 points of which one lies far out in performance and in one rival of entropy: both are all that r sees."""
    grid = planted_grid()
    far = (pl.col("strategy") == "response-macro") & (pl.col("degree") == 0)
    rival, worth = pl.col("response_self_bleu"), pl.col("bpb_reduction")
    return grid.with_columns(response_self_bleu=rival + far * 100, bpb_reduction=worth + far * 10)


def test_an_estimator_that_rests_on_one_strategy_is_not_told() -> None:
    [row] = [row for row in judge_claims(views(far_point())[0]) if row["claim"] == "estimator"]
    assert (row["all_points"], row["state"]) == ("contradicted", "cannot tell")
    assert row["rests_on"] == ["response-macro"]
    assert row["p_contradicted"] > 0.025


def test_an_estimator_that_rests_on_no_single_strategy_keeps_its_state() -> None:
    grid = planted_grid()
    grid = grid.with_columns(bpb_reduction=pl.col("response_self_bleu") + 0.01 * pl.col("response_ngram_ratio"))
    [row] = [row for row in judge_claims(views(grid)[0]) if row["claim"] == "estimator"]
    assert (row["all_points"], row["state"], row["rests_on"]) == ("contradicted", "contradicted", [])
    assert row["points"] == 25
