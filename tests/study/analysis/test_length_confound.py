"""What is left of a slope with length controlled: statsmodels as oracle, and each verdict where it belongs."""

from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.outliers_influence import variance_inflation_factor
from statsmodels.tools.tools import add_constant

from bench.planted import planted_grid
from m2m.schemas.study_rows import LengthRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.length_confound import (
    MAX_INFLATION,
    add_survival,
    decide_survival,
    fit_model,
    regress_on_length,
)
from m2m.study.analysis.slopes import fit_line
from m2m.study.cells.rows import add_holm
from tests.planted import views

DIVERSITY = np.repeat(np.arange(7) / 6, 3)
ONE_GROUP = np.zeros(21, dtype=np.int64)


def noise(seed: int, sd: float = 1.0, n: int = 21) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sd, n)


def test_coefficients_and_inflation_are_those_of_statsmodels() -> None:
    length, outcomes = 100 + 20 * DIVERSITY + noise(1, 10), noise(2)
    design = add_constant(np.column_stack([DIVERSITY, length]))
    oracle = OLS(outcomes, design).fit()
    model = fit_model(outcomes, {"diversity": DIVERSITY, "length": length}, ONE_GROUP)
    for i, name in enumerate(("diversity", "length"), start=1):
        term = model.terms[name]
        assert (term.value, term.p, term.df) == pytest.approx((oracle.params[i], oracle.pvalues[i], 18))
        assert (term.low, term.high) == pytest.approx(tuple(oracle.conf_int()[i]))
        assert model.inflation[name] == pytest.approx(variance_inflation_factor(design, i))


def test_groups_have_levels_of_their_own() -> None:
    groups = np.arange(21) % 3
    length, outcomes = noise(1), 5.0 * groups + DIVERSITY + noise(2)
    dummies = (groups[:, None] == np.arange(3)).astype(float)
    oracle = OLS(outcomes, np.column_stack([DIVERSITY, length, dummies])).fit()
    model = fit_model(outcomes, {"diversity": DIVERSITY, "length": length}, groups)
    assert [term.value for term in model.terms.values()] == pytest.approx(list(oracle.params[:2]))
    assert [term.p for term in model.terms.values()] == pytest.approx(list(oracle.pvalues[:2]))


def test_a_cause_that_is_a_sum_of_others_has_no_coefficient_and_the_rest_have() -> None:
    length, outcomes = noise(1), noise(2)
    causes = {"diversity": DIVERSITY, "length": length, "tokens": 500 * length + 7}
    model = fit_model(outcomes, causes, ONE_GROUP)
    plain = fit_model(outcomes, {"diversity": DIVERSITY, "length": length}, ONE_GROUP)
    assert list(model.terms) == ["diversity"] and np.isinf(model.inflation["tokens"])
    assert model.terms["diversity"] == pytest.approx(plain.terms["diversity"])


def test_one_cause_is_never_inflated() -> None:
    assert fit_model(noise(1), {"diversity": DIVERSITY}, ONE_GROUP).inflation == {"diversity": pytest.approx(1)}


def test_too_few_cells_and_a_constant_cause_have_no_model() -> None:
    with pytest.raises(ValueError, match="at least 4 cells here, got 3"):
        fit_model(noise(1, n=3), {"diversity": DIVERSITY[::7], "length": noise(2, n=3)}, ONE_GROUP[:3])
    with pytest.raises(ValueError, match="length is the same in all cells"):
        fit_model(noise(1), {"diversity": DIVERSITY, "length": np.full(21, 0.1)}, ONE_GROUP)
    with pytest.raises(ValueError, match="diversity is the same in all cells of each group"):
        fit_model(noise(1), {"diversity": DIVERSITY, "length": noise(2)}, np.repeat(np.arange(7), 3))


def row(plain: tuple[float, float], held: tuple[float, float], p_holm: float, **changes: Any) -> LengthRow:
    """A row of a plain slope and one with length controlled, each as low and high end; length has a clear effect."""
    numbers = {"plain": sum(plain) / 2, "plain_low": plain[0], "plain_high": plain[1], "diversity_inflation": 2.0}
    numbers |= {"diversity_value": sum(held) / 2, "diversity_p_holm": p_holm, "length_low": 0.1, "length_high": 0.2}
    return cast(LengthRow, numbers | changes)


CLEAR, BELOW, NONE = (0.1, 0.3), (-0.3, -0.1), (-0.1, 0.3)


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        (row(CLEAR, CLEAR, 0.01), "still significant"),
        (row(BELOW, BELOW, 0.01), "still significant"),
        (row(CLEAR, BELOW, 0.01), "reversed"),
        (row(BELOW, CLEAR, 0.01), "reversed"),
        (row(NONE, CLEAR, 0.01), "newly significant"),
        (row(CLEAR, CLEAR, 0.05), "no longer significant"),
        (row(BELOW, NONE, 0.3, length_low=-0.2, length_high=-0.1), "no longer significant"),
        (row(CLEAR, NONE, 0.3, length_low=-0.1), "inconclusive"),
        (row(NONE, CLEAR, 0.3), "inconclusive"),
        (row(CLEAR, CLEAR, 0.01, diversity_inflation=MAX_INFLATION), "still significant"),
        (row(CLEAR, CLEAR, 0.01, diversity_inflation=MAX_INFLATION + 1e-9), "not separable from length"),
        (row(CLEAR, CLEAR, 0.01, diversity_inflation=float("inf")), "not separable from length"),
        (row(CLEAR, CLEAR, 0.01, diversity_inflation=None), "not separable from length"),
    ],
)
def test_each_verdict_follows_from_the_intervals_and_holms_p(numbers: LengthRow, verdict: str) -> None:
    assert decide_survival(numbers) == verdict


def judge(outcomes: np.ndarray, length: np.ndarray) -> str:
    plain = fit_line(DIVERSITY, outcomes).slope
    model = fit_model(outcomes, {"diversity": DIVERSITY, "length": length}, ONE_GROUP)
    held, effect = model.terms["diversity"], model.terms["length"]
    ends: dict[str, Any] = {"length_low": effect.low, "length_high": effect.high}
    numbers = row((plain.low, plain.high), (held.low, held.high), held.p, **ends)
    return decide_survival({**numbers, "diversity_inflation": model.inflation["diversity"]})


def share(verdict: str, slope: float, effect: float, growth: float, scatter: float) -> float:
    """How often in 200 studies of outcome = slope · diversity + effect · length, which is growth · diversity."""
    rng, count = np.random.default_rng(1), 0
    for _ in range(200):
        length = growth * DIVERSITY + rng.normal(0, scatter, 21)
        count += judge(slope * DIVERSITY + effect * length + rng.normal(0, 0.2, 21), length) == verdict
    return count / 200


@pytest.mark.parametrize(
    ("verdict", "slope", "effect", "growth", "scatter", "least"),
    [
        ("no longer significant", 0, 1, 1.5, 0.5, 0.9),
        ("still significant", 2, 0, 1.5, 0.5, 0.9),
        ("not separable from length", 0, 1, 1.5, 0.05, 1),
        ("inconclusive", 0, 0, 1.5, 0.5, 0.9),
        ("reversed", -2, 2, 2.5, 0.5, 0.9),
    ],
)
def test_a_planted_effect_gets_its_verdict(
    verdict: str, slope: float, effect: float, growth: float, scatter: float, least: float
) -> None:
    assert share(verdict, slope, effect, growth, scatter) >= least


def regress(**planted: Any) -> list[LengthRow]:
    [view] = views(planted_grid(**planted))
    return regress_on_length(view)


def verdicts(model: str, **planted: Any) -> dict[str, str]:
    rows = add_survival(add_holm(regress(**planted), "model", p="diversity_p"))
    return {row["strategy"]: row.get("verdict", row.get("reason", "")) for row in rows if row["model"] == model}


def find_shared(rows: list[LengthRow], strategy: str) -> LengthRow:
    [row] = [row for row in rows if row["model"] == "shared" and row["strategy"] == strategy]
    return row


def test_there_are_three_models_a_strategy() -> None:
    assert [row["model"] for row in regress(slopes={"response-micro": 0.0})] == ["own", "own and tokens", "shared"]


def test_where_length_goes_with_degree_it_is_not_separable_within_a_strategy() -> None:
    assert set(verdicts("own", length_slope=100, length_effect=0.001).values()) == {"not separable from length"}


def test_strategies_whose_length_stands_still_make_length_separable() -> None:
    slopes = dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.2}
    assert verdicts("shared", slopes=slopes)["response-micro"] == "still significant"


def test_the_shared_slope_of_a_strategy_is_its_own_when_length_does_nothing() -> None:
    slopes = dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.2}
    numbers = find_shared(regress(slopes=slopes, noise=0.001), "response-micro")
    assert numbers["diversity_value"] == pytest.approx(0.2, abs=0.01)
    assert cast(float, numbers["diversity_inflation"]) < 2 and numbers["cells"] == 56  # type: ignore[redundant-cast]
    assert numbers["plain_low"] < numbers["plain"] < numbers["plain_high"]


@pytest.mark.parametrize(
    ("degrees", "words"), [((3,), "diversity is the same"), ((0, 6), "at least 4 cells here, got 2")]
)
def test_too_few_cells_give_a_reason(degrees: tuple[int, ...], words: str) -> None:
    reasons = verdicts("own", slopes={"response-micro": 0.0}, degrees=degrees, seeds=1)
    assert words in reasons["response-micro"]


@pytest.mark.parametrize("rounded", [1, 3])
def test_trained_tokens_that_are_length_again_are_said_to_be(rounded: int) -> None:
    grid = planted_grid({"response-micro": 0.2}, length_slope=100)
    grid = grid.with_columns(
        pl.col("mean_response_tokens").round(rounded), trained_tokens=(pl.col("mean_response_tokens") * 500).round()
    )
    [_, numbers, _] = regress_on_length(views(grid)[0])
    assert "trained tokens are length again" in numbers["reason"]


def test_trained_tokens_of_their_own_are_a_third_cause() -> None:
    grid = planted_grid({"response-micro": 0.2})
    tokens = pl.Series(np.random.default_rng(1).integers(40_000, 60_000, grid.height))
    rows = regress_on_length(views(grid.with_columns(trained_tokens=tokens))[0])
    [_, numbers, _] = add_survival(add_holm(rows, "model", p="diversity_p"))
    assert numbers["verdict"] == "still significant" and cast(float, numbers["trained_tokens_inflation"]) < 10  # type: ignore[redundant-cast]


def test_what_other_strategies_gain_by_diversity_is_not_taken_for_lengths_doing() -> None:
    slopes = dict.fromkeys(UNIT_STRATEGIES, 0.2) | {"response-micro": 0.0}
    numbers = find_shared(regress(slopes=slopes, noise=0.001, length_slope=20), "response-micro")
    assert numbers["diversity_value"] == pytest.approx(0, abs=0.01)
