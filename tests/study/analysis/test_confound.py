"""Diversity and length in one model: statsmodels as oracle; a separable confounder is told apart, the other named."""

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.outliers_influence import variance_inflation_factor
from statsmodels.tools.tools import add_constant

from m2m.study.analysis.confound import MAX_INFLATION, LinearModel, decide_survival, fit_model
from m2m.study.analysis.slopes import fit_line
from m2m.study.cells.t_estimates import make_estimate

DIVERSITY = np.repeat(np.arange(7) / 6, 3)
ONE = np.zeros(21, dtype=np.int64)


def noise(seed: int, sd: float = 1.0, n: int = 21) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sd, n)


def test_coefficients_and_inflation_are_those_of_statsmodels() -> None:
    length, performance = 100 + 20 * DIVERSITY + noise(1, 10), noise(2)
    design = add_constant(np.column_stack([DIVERSITY, length]))
    oracle = OLS(performance, design).fit()
    found = fit_model(performance, {"diversity": DIVERSITY, "length": length}, ONE)
    for i, name in enumerate(("diversity", "length"), start=1):
        term = found.terms[name]
        assert (term.value, term.p, term.df) == pytest.approx((oracle.params[i], oracle.pvalues[i], 18))
        assert (term.low, term.high) == pytest.approx(tuple(oracle.conf_int()[i]))
        assert found.inflation[name] == pytest.approx(variance_inflation_factor(design, i))


def test_groups_have_levels_of_their_own() -> None:
    groups = np.arange(21) % 3
    length, performance = noise(1), 5.0 * groups + DIVERSITY + noise(2)
    dummies = (groups[:, None] == np.arange(3)).astype(float)
    oracle = OLS(performance, np.column_stack([DIVERSITY, length, dummies])).fit()
    found = fit_model(performance, {"diversity": DIVERSITY, "length": length}, groups)
    assert [term.value for term in found.terms.values()] == pytest.approx(list(oracle.params[:2]))
    assert [term.p for term in found.terms.values()] == pytest.approx(list(oracle.pvalues[:2]))


def test_a_cause_that_is_a_sum_of_others_has_no_coefficient_and_the_rest_have() -> None:
    length, performance = noise(1), noise(2)
    causes = {"diversity": DIVERSITY, "length": length, "tokens": 500 * length + 7}
    found, alone = (
        fit_model(performance, causes, ONE),
        fit_model(performance, {"diversity": DIVERSITY, "length": length}, ONE),
    )
    assert list(found.terms) == ["diversity"] and np.isinf(found.inflation["tokens"])
    assert found.terms["diversity"] == pytest.approx(alone.terms["diversity"])


def test_one_cause_is_never_inflated() -> None:
    assert fit_model(noise(1), {"diversity": DIVERSITY}, ONE).inflation == {"diversity": pytest.approx(1)}


def test_too_few_cells_and_a_constant_cause_have_no_model() -> None:
    with pytest.raises(ValueError, match="at least 4 cells here, got 3"):
        fit_model(noise(1, n=3), {"diversity": DIVERSITY[::7], "length": noise(2, n=3)}, ONE[:3])
    with pytest.raises(ValueError, match="length is the same in all cells"):
        fit_model(noise(1), {"diversity": DIVERSITY, "length": np.full(21, 0.1)}, ONE)
    with pytest.raises(ValueError, match="diversity is the same in all cells of each group"):
        fit_model(noise(1), {"diversity": DIVERSITY, "length": noise(2)}, np.repeat(np.arange(7), 3))


def judged(performance: np.ndarray, length: np.ndarray) -> str:
    both = fit_model(performance, {"diversity": DIVERSITY, "length": length}, ONE)
    return decide_survival(
        fit_line(DIVERSITY, performance).slope, both, both.terms["diversity"].p if both.terms else 1.0
    )


def share(verdict: str, slope: float, effect: float, growth: float, scatter: float) -> float:
    """How often in 200 studies of performance = slope · diversity + effect · length, which is growth · diversity."""
    rng, found = np.random.default_rng(1), 0
    for _ in range(200):
        length = growth * DIVERSITY + rng.normal(0, scatter, 21)
        found += judged(slope * DIVERSITY + effect * length + rng.normal(0, 0.2, 21), length) == verdict
    return found / 200


def test_a_separable_length_that_does_it_all_is_told_apart() -> None:
    assert share("explained by length", slope=0, effect=1, growth=1.5, scatter=0.5) > 0.9


def test_diversity_survives_a_separable_length_that_does_nothing() -> None:
    assert share("survives length", slope=2, effect=0, growth=1.5, scatter=0.5) > 0.9


def test_a_length_that_goes_with_diversity_cannot_be_separated() -> None:
    assert share("cannot be separated from length", slope=0, effect=1, growth=1.5, scatter=0.05) == 1
    assert judged(DIVERSITY + noise(3, 0.1), 100 + 50 * DIVERSITY) == "cannot be separated from length"


def test_without_any_effect_nothing_is_told() -> None:
    assert share("cannot tell", slope=0, effect=0, growth=1.5, scatter=0.5) > 0.9


def test_an_effect_that_length_had_hidden_turns_round() -> None:
    assert share("turns round at equal length", slope=-2, effect=2, growth=2.5, scatter=0.5) > 0.9


def test_the_limit_itself_is_still_separable() -> None:
    sure = make_estimate(1.0, 0.1, 9)
    for inflation, verdict in (
        (MAX_INFLATION, "survives length"),
        (MAX_INFLATION + 1e-9, "cannot be separated from length"),
    ):
        assert decide_survival(sure, LinearModel({"diversity": sure}, {"diversity": inflation}), sure.p) == verdict


def test_a_slope_that_length_had_hidden_does_not_survive_it_but_shows() -> None:
    plain, held = make_estimate(0.0086, 0.0042, 6), make_estimate(0.0085, 0.0028, 5)
    both = LinearModel({"diversity": held, "length": held}, {"diversity": 1.0, "length": 1.0})
    assert decide_survival(plain, both, held.p) == "shows at equal length alone"
    assert decide_survival(plain, both, 6 * held.p) == "cannot tell"


def test_a_lost_effect_is_explained_by_length_only_where_length_has_one() -> None:
    plain, lost, clear = make_estimate(0.2, 0.05, 20), make_estimate(0.1, 0.1, 19), make_estimate(0.3, 0.05, 19)
    for length, verdict in ((clear, "explained by length"), (lost, "cannot tell")):
        both = LinearModel({"diversity": lost, "length": length}, {"diversity": 2.0, "length": 2.0})
        assert decide_survival(plain, both, lost.p) == verdict
