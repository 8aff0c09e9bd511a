"""Length control: planted length effects are taken out, whatever the form; degenerate games."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from m2m.judging.scoring.length_control import (
    GamedBaselines,
    LengthGames,
    Training,
    _chosen_strength,
    bootstrap_length_controlled_rate,
    fit_length_controlled_rate,
)
from m2m.judging.scoring.prompt_bootstrap import compute_wilson


def planted(skill: float, taste: float, prompts: int, seed: int, longer: float = 0.0) -> LengthGames:
    """Soft preferences of a judge with a taste for length; the candidate's answers are `longer` on average."""
    rng = np.random.default_rng(seed)
    more = rng.normal(longer, 1, prompts)  # standard deviations that the candidate is longer
    preferences = 1 / (1 + np.exp(-(skill + taste * np.tanh(more) + rng.normal(0, 0.3, prompts))))
    return LengthGames(preferences, np.round(-300 * more).astype(int))


def test_a_taste_for_length_is_taken_out() -> None:
    games = planted(skill=0.0, taste=2.0, prompts=800, seed=1, longer=1.0)
    assert games.preferences.mean() > 0.7
    rate = fit_length_controlled_rate(games)
    assert rate == pytest.approx(0.5, abs=0.03)


def test_without_a_taste_for_length_the_win_rate_stays() -> None:
    games = planted(skill=-1.0, taste=0.0, prompts=800, seed=2, longer=1.0)
    rate = fit_length_controlled_rate(games)
    assert rate == pytest.approx(games.preferences.mean(), abs=0.02)


def test_the_interval_holds_the_value_and_is_narrower_with_more_prompts() -> None:
    widths = []
    for prompts in (50, 800):
        games = planted(skill=0.5, taste=1.0, prompts=prompts, seed=3)
        rate = fit_length_controlled_rate(games)
        low, high = bootstrap_length_controlled_rate(games, rate, np.random.default_rng(1), 60)
        assert low < rate < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_the_unit_of_length_does_not_matter() -> None:
    games = planted(skill=0.2, taste=1.0, prompts=100, seed=4)
    assert fit_length_controlled_rate(games) == pytest.approx(
        fit_length_controlled_rate(games._replace(surplus=games.surplus * 7))
    )


def test_difficulty_and_the_gamed_baselines_change_the_full_form_alone() -> None:
    games = planted(skill=0.2, taste=1.0, prompts=200, seed=5)
    rng = np.random.default_rng(6)
    hard = rng.normal(size=200)
    preferences = 1 / (1 + np.exp(-4 * np.tanh(rng.normal(size=400))))
    gamed = GamedBaselines(preferences, rng.normal(size=400), np.tile(hard, 2))
    minimal = fit_length_controlled_rate(games)
    full = fit_length_controlled_rate(games._replace(difficulty=hard, gamed=gamed))
    assert full != minimal
    assert full == pytest.approx(minimal, abs=0.1)
    assert fit_length_controlled_rate(games._replace(gamed=gamed)) == minimal  # no difficulty, no full form


@pytest.mark.parametrize("liking", [0.0, 1.0])
def test_a_candidate_that_always_loses_or_wins_does_so_at_equal_lengths_too(
    liking: float, capfd: pytest.CaptureFixture[str]
) -> None:
    games = LengthGames(np.full(40, liking), np.arange(40))
    rate = fit_length_controlled_rate(games)
    assert rate == pytest.approx(liking, abs=1e-3)
    interval = bootstrap_length_controlled_rate(games, rate, np.random.default_rng(1), 20)
    assert interval == pytest.approx(compute_wilson(liking, 40), abs=1e-3)  # 0 to 0.088, 0.912 to 1
    assert capfd.readouterr().err == ""  # liblinear warns there of a class without rows


def test_preferences_just_short_of_a_win_leave_as_much_open_as_wilson_does() -> None:
    """Of 0.98 in ten: 0.695 to 0.999. The interval of the fits alone is 0.014 wide."""
    games = LengthGames(np.linspace(0.96, 0.995, 10), np.array([30, -20, 50, 10, -40, 60, -10, 20, -50, 40]))
    low, high = bootstrap_length_controlled_rate(games, 0.98, np.random.default_rng(1), 60)
    assert low == pytest.approx(compute_wilson(0.98, 10)[0]) and high > 0.99


def test_from_100_prompts_on_the_interval_is_that_of_the_fits_alone() -> None:
    games = planted(skill=0.5, taste=1.0, prompts=100, seed=3)
    rate = fit_length_controlled_rate(games)
    low, high = bootstrap_length_controlled_rate(games, rate, np.random.default_rng(1), 60)
    assert high - low < 0.5 * np.ptp(compute_wilson(rate, 100))


@pytest.mark.parametrize("surplus", [[5] * 8, [1, 2, 3, 4]])
def test_equal_lengths_or_few_prompts_cannot_be_controlled(surplus: list[int]) -> None:
    with pytest.raises(ValueError, match="needs 5 prompts and lengths that vary"):
        fit_length_controlled_rate(LengthGames(np.linspace(0, 1, len(surplus)), np.array(surplus)))


def test_where_the_penalty_takes_everything_away_the_interval_still_says_how_little_is_known() -> None:
    rng = np.random.default_rng(1)
    games = LengthGames(rng.beta(0.3, 0.3, 100), np.round(rng.normal(0, 300, 100)).astype(int))
    rate = fit_length_controlled_rate(games)
    low, high = bootstrap_length_controlled_rate(games, rate, np.random.default_rng(1), 60)
    assert rate == 0.5
    assert high - low > 0.1


def test_the_full_form_is_the_regression_that_is_published() -> None:
    """Its design matrix by hand: tanh of standardised lengths, difficulty, a constant that the gamed rows lack."""
    rng = np.random.default_rng(7)
    hard, surplus = rng.normal(size=60), rng.integers(-900, 900, 60)
    gamed = GamedBaselines(rng.random(80), 2 * rng.normal(size=80), rng.normal(size=80))
    preferences = 1 / (1 + np.exp(surplus / 400 - 2 * hard - 1 + rng.normal(size=60)))
    games = LengthGames(preferences, surplus, hard, gamed)
    ours = np.column_stack([np.tanh(surplus / surplus.std(ddof=1)), hard, np.ones(60)])
    rows = np.vstack([np.column_stack([np.tanh(gamed.lengths), gamed.difficulty, np.zeros(80)]), ours])
    labels, weights = np.append(gamed.preferences, preferences), np.repeat([0.1, 1.0], [80, 60])
    strength = _chosen_strength(Training(rows, labels, weights))
    fit = LogisticRegression(C=strength, l1_ratio=1, solver="liblinear", fit_intercept=False, random_state=123)
    twice = np.append(weights * labels, weights * (1 - labels))
    fit.fit(np.vstack([rows, rows]), np.repeat([1, 0], 140), sample_weight=twice)
    assert fit_length_controlled_rate(games) == pytest.approx(
        fit.predict_proba(ours * [0, 1, 1])[:, 1].mean(), abs=1e-9
    )


def test_the_interval_of_the_full_form_knows_that_other_prompts_are_easier_or_harder() -> None:
    rng = np.random.default_rng(3)
    hard = rng.normal(size=100)
    games = LengthGames(1 / (1 + np.exp(3 * hard)), rng.integers(-500, 500, 100), hard)
    gamed = GamedBaselines(np.full(80, 0.5), rng.normal(size=80), np.zeros(80))
    low, high = bootstrap_length_controlled_rate(games._replace(gamed=gamed), 0.5, np.random.default_rng(1), 60)
    assert high - low > 0.1  # preferences have a standard deviation of 0.35, their mean one of 0.055
