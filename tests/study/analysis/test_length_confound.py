"""What is left of a slope at equal length: statsmodels as oracle, each verdict where it belongs, and how often not."""

from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from statsmodels.regression.linear_model import GLS, OLS
from statsmodels.tools.tools import add_constant

from bench.planted import planted_grid
from m2m.schemas.study_rows import LengthRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.length_confound import add_survival, decide_survival, estimate_sum, regress_on_length
from m2m.study.cells.rows import add_holm
from tests.planted import suffix, views
from tests.study.study_rows import CONDITION

DIVERSITY = np.repeat(np.arange(7) / 6, 3)
SEEDS = list(range(21))


def noise(seed: int, sd: float = 1.0, n: int = 21) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sd, n)


def test_a_coefficient_is_that_of_statsmodels() -> None:
    length, outcomes = 100 + 20 * DIVERSITY + noise(1, 10), noise(2)
    design = add_constant(np.column_stack([DIVERSITY, length, length**2]))
    oracle = OLS(outcomes, design).fit()
    estimate, weights = estimate_sum(outcomes, design, np.eye(4)[1], SEEDS, 0.0)
    assert (estimate.value, estimate.p, estimate.df) == pytest.approx((oracle.params[1], oracle.pvalues[1], 17))
    assert (estimate.low, estimate.high) == pytest.approx(tuple(oracle.conf_int()[1]))
    assert weights @ outcomes == pytest.approx(estimate.value)


def test_cells_of_one_seed_are_compared_within_it() -> None:
    seeds, design = np.tile([1, 2, 3], 7), add_constant(np.column_stack([DIVERSITY, noise(1)]))
    covariance = np.where(np.equal.outer(seeds, seeds), 0.4, 0.0) + 0.6 * np.eye(21)
    oracle = GLS(noise(2), design, sigma=covariance).fit()
    estimate, _ = estimate_sum(noise(2), design, np.eye(3)[1], seeds.tolist(), 0.4)
    assert (estimate.value, estimate.se) == pytest.approx((oracle.params[1], oracle.bse[1]))


def test_too_few_cells_and_an_effect_that_length_hides_wholly_have_no_estimate() -> None:
    design = add_constant(np.column_stack([DIVERSITY, 500 * DIVERSITY + 7]))
    with pytest.raises(ValueError, match="length goes exactly with the degree"):
        estimate_sum(noise(1), design, np.eye(3)[1], SEEDS, 0.0)
    with pytest.raises(ValueError, match="3 terms need more than 3 cells"):
        estimate_sum(noise(1, n=3), np.eye(3), np.eye(3)[0], [1, 2, 3], 0.0)


def test_outcomes_without_noise_have_no_estimate() -> None:
    design = add_constant(np.column_stack([DIVERSITY, noise(1)]))
    with pytest.raises(ValueError, match="21 cells have no noise to judge a slope by"):
        estimate_sum(0.45 + 0.05 * DIVERSITY, design, np.eye(3)[1], SEEDS, 0.0)


def row(plain: tuple[float, float], left: tuple[float, float], p_holm: float, **changes: Any) -> LengthRow:
    """A plain slope and what is left at equal length, each by the ends of its interval."""
    numbers = {"condition": CONDITION, "plain": sum(plain) / 2, "plain_low": plain[0], "plain_high": plain[1]}
    numbers |= {"diversity_value": sum(left) / 2, "diversity_low": left[0], "diversity_high": left[1]}
    return cast(LengthRow, numbers | {"diversity_p_holm": p_holm} | changes)


CLEAR, BELOW, NONE = (0.1, 0.3), (-0.3, -0.1), (-0.1, 0.3)


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        (row(CLEAR, (0.12, 0.3), 0.01), "not explained by length"),
        (row(BELOW, (-0.3, -0.12), 0.01), "not explained by length"),
        (row(CLEAR, (0.05, 0.3), 0.01), "not wholly explained by length"),
        (row(CLEAR, (0.02, 0.099), 0.01), "mostly explained by length"),
        (row(CLEAR, (-0.05, 0.099), 0.3), "explained by length"),
        (row(CLEAR, (-0.05, 0.101), 0.3), "cannot tell"),
        (row(CLEAR, (0.05, 0.3), 0.05), "cannot tell"),
        (row(BELOW, (-0.099, 0.05), 0.3), "explained by length"),
        (row(BELOW, (-0.101, 0.05), 0.3), "cannot tell"),
        (row(CLEAR, (-0.3, -0.1), 0.01), "reversed at equal length"),
        (row(BELOW, (0.1, 0.3), 0.01), "reversed at equal length"),
        (row(NONE, CLEAR, 0.01), "only at equal length"),
        (row(NONE, CLEAR, 0.3), "no plain effect"),
        (row(CLEAR, CLEAR, 0.01, condition=f"{CONDITION}, lengths as random"), "equal lengths by design"),
    ],
)
def test_each_verdict_follows_from_the_intervals_and_holms_p(numbers: LengthRow, verdict: str) -> None:
    assert decide_survival(numbers) == verdict


def plant(
    slope: float = 0.0,
    seed: int = 0,
    shape: str = "line",
    cliff: float = 0.0,
    effect: float = 0.0,
    growth: float = 54.0,
) -> pl.DataFrame:
    """The default design: lengths of response-micro grow from 46 by `growth`, those of length-matched random by 54.

    Length adds `effect` from end to end, along a line or concavely. Response-macro's degree 0 lies `cliff` lower.
    """
    slopes = dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": slope}
    matched = planted_grid({"length-matched": 0.0}, degrees=(0, 6), seeds=3, random=0, seed=seed + 1000)
    grid = pl.concat([planted_grid(slopes, seed=seed), suffix(matched, "m")])
    growths = {"response-micro": growth, "length-matched": 54.0}
    moved = 46 + pl.col("strategy").replace_strict(growths, default=0.0) * pl.col("degree") / 6
    scatter = pl.Series(np.random.default_rng(seed).normal(0, 2, grid.height))
    length = pl.when(pl.col("strategy").is_in(list(growths))).then(moved).otherwise(93.0) + scatter
    share = (pl.col("mean_response_tokens") - 46) / 54
    bend = share if shape == "line" else 1 - (1 - share.clip(0, 1)) ** 2
    low = (pl.col("strategy") == "response-macro") & (pl.col("degree") == 0)
    return grid.with_columns(mean_response_tokens=length).with_columns(
        bpb_reduction=pl.col("bpb_reduction") + effect * bend - cliff * low
    )


def judge(**planted: Any) -> str:
    [view] = views(plant(**planted))
    rows = add_survival(add_holm(regress_on_length(view), "model", p="diversity_p"))
    [verdict] = [row["verdict"] for row in rows if row["model"] == "shared" and row["strategy"] == "response-micro"]
    return verdict


REMAINS = {"not explained by length", "not wholly explained by length"}
EXPLAINED = {"explained by length", "mostly explained by length"}


@pytest.mark.parametrize("shape", ["line", "concave"])
def test_what_length_does_alone_is_seldom_taken_for_diversity(shape: str) -> None:
    verdicts = [judge(effect=0.1, shape=shape, seed=seed) for seed in range(12)]
    assert sum(verdict in REMAINS for verdict in verdicts) <= 1
    assert sum(verdict in EXPLAINED for verdict in verdicts) >= 8


def test_a_concave_effect_of_length_leaves_nothing_for_diversity() -> None:
    """The strategy goes half the way of its length-matched random: a straight line of length would leave it a third."""
    [view] = views(plant(effect=1.0, shape="concave", growth=27.0))
    [row] = [row for row in regress_on_length(view) if row["model"] == "shared" and row["strategy"] == "response-micro"]
    assert row["plain"] == pytest.approx(0.75, abs=0.1) and abs(row["diversity_value"]) < 0.08


@pytest.mark.parametrize("cliff", [0.0, 0.2])
def test_a_direct_effect_is_not_explained_by_length_whatever_cliff_another_strategy_has(cliff: float) -> None:
    verdicts = [judge(slope=0.1, cliff=cliff, seed=seed) for seed in range(6)]
    assert set(verdicts) <= REMAINS


def test_where_seeds_are_missing_the_plain_slope_and_what_is_left_are_the_same_contrast() -> None:
    """Length does nothing; a cliff, and a degree with one seed of three, give other slopes within seeds than across."""
    hero, rng = pl.col("strategy") == "response-micro", np.random.default_rng(1)
    cells = planted_grid(seeds=3, random=3).filter(~hero | (pl.col("degree") > 0) | (pl.col("seed") == 1))
    level = 0.3 * (pl.col("seed") - 1).abs() + (hero & (pl.col("degree") == 6)).cast(pl.Float64)
    [view] = views(cells.with_columns(bpb_reduction=level + pl.Series(rng.normal(0, 1e-3, cells.height))))
    [left] = [
        row for row in regress_on_length(view) if row["strategy"] == "response-micro" and row["model"] == "shared"
    ]
    assert left["plain"] == pytest.approx(1.1676, abs=0.005)
    assert left["diversity_value"] == pytest.approx(left["plain"], abs=0.005)


def test_an_effect_that_is_lost_in_the_noise_is_not_called_explained() -> None:
    """Half a standard deviation of seeds: a merely insignificant rest was called a loss before."""
    assert not {judge(slope=0.02, seed=seed) for seed in range(8)} & {"explained by length"}


def test_there_are_two_models_a_strategy_and_one_where_lengths_are_randoms() -> None:
    grid = planted_grid({"response-micro": 0.0})
    assert [row["model"] for row in regress_on_length(views(grid)[0])] == ["own", "shared"]
    [only] = regress_on_length(views(grid.with_columns(lengths=pl.lit("as-random")))[0])
    assert only["model"] == "own" and "plain" in only and "diversity_value" not in only


@pytest.mark.parametrize(("degrees", "seeds"), [((3,), 3), ((0, 6), 1)])
def test_too_few_cells_give_a_reason(degrees: tuple[int, ...], seeds: int) -> None:
    rows = regress_on_length(views(planted_grid({"response-micro": 0.0}, degrees=degrees, seeds=seeds))[0])
    assert [row["reason"].split(",")[0] for row in rows] == ["a slope needs at least 3 cells and 2 degrees"] * 2


def test_where_every_cell_has_one_length_there_is_nothing_to_control() -> None:
    grid = planted_grid({"response-micro": 0.0}).with_columns(mean_response_tokens=pl.lit(80.0))
    reasons = [row["reason"] for row in regress_on_length(views(grid)[0])]
    assert reasons == ["all cells have the same response length: nothing to control"] * 2
