"""The bootstrap over prompts: known cases, scipy as a peer, and how often it holds the truth."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap
from statsmodels.stats.proportion import proportion_confint

from m2m.judging.scoring import prompt_bootstrap
from m2m.judging.scoring.prompt_bootstrap import bootstrap_ratio, bootstrap_win_rate, compute_wilson


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def bits_and_bytes(source: np.random.Generator, prompts: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-normal lengths, 2 bits a byte in the mean."""
    lengths = np.round(np.exp(source.normal(5, 1, prompts))) + 1
    return lengths * source.normal(2, 0.5, prompts), lengths


def of_one(scores: Any, source: np.random.Generator, resamples: int) -> tuple[float, float]:
    """The interval of a win rate of one game a prompt."""
    return bootstrap_win_rate(np.array(scores), np.ones(len(scores)), source, resamples)


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=40, unique=True))
def test_the_bootstrap_of_a_mean_lies_within_the_scores(scores: list[float]) -> None:
    low, high = bootstrap_ratio(np.array(scores), np.ones(len(scores)), rng(), 200)
    assert min(scores) - 1e-12 <= low <= high <= max(scores) + 1e-12


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=40))
def test_prompts_won_or_lost_whole_have_wilsons_interval_or_a_wider_one(scores: list[float]) -> None:
    low, high = of_one(scores, rng(), 200)
    peer = binomtest(int(sum(scores)), len(scores)).proportion_ci(method="wilson")
    assert -1e-12 <= low <= peer.low + 1e-12 and peer.high - 1e-12 <= high <= 1 + 1e-12


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_wilsons_interval_is_that_of_statsmodels(share: float, trials: int) -> None:
    peer = proportion_confint(share * trials, trials, method="wilson")
    assert compute_wilson(share, trials) == pytest.approx(peer, abs=1e-12)


def test_prompts_that_all_agree_are_still_only_so_many() -> None:
    assert of_one(np.ones(10), rng(), 200) == pytest.approx((0.722, 1.0), abs=5e-4)
    assert of_one(np.full(30, 0.5), rng(), 200) == pytest.approx((0.332, 0.668), abs=5e-4)


def test_preferences_just_short_of_a_win_are_as_uncertain_as_wins() -> None:
    """Ten of 0.997 to 0.9999 have Wilson's interval of 0.9985 in ten trials; the bootstrap's is 0.0012 wide."""
    low, high = of_one(np.linspace(0.997, 0.9999, 10), rng(), 200)
    assert low == pytest.approx(0.720, abs=1e-3) and 0.9995 < high <= 1


@given(st.integers(2, 99), st.floats(0.01, 1))
def test_below_100_prompts_the_interval_is_never_narrower_than_wilsons(prompts: int, top: float) -> None:
    scores = rng(prompts).random(prompts) * top
    low, high = of_one(scores, rng(), 50)
    peer = proportion_confint(scores.sum(), prompts, method="wilson")
    assert low <= peer[0] + 1e-12 and peer[1] - 1e-12 <= high


def test_from_100_prompts_on_the_mean_is_the_ratio_with_bottoms_of_one() -> None:
    scores = rng(1).random(100)
    assert of_one(scores, rng(), 500) == pytest.approx(bootstrap_ratio(scores * 3, np.full(100, 3), rng(), 500))


def test_same_seed_same_interval_and_another_seed_another() -> None:
    scores = rng(1).random(100)
    first, again, other = (of_one(scores, rng(seed), 500) for seed in (1, 1, 2))
    assert first == again != other


def test_the_interval_is_scipys() -> None:
    bits, lengths = bits_and_bytes(rng(3), 200)
    peer = bootstrap(
        (bits, lengths),
        lambda b, n, axis: b.sum(axis) / n.sum(axis),
        paired=True,
        n_resamples=20_000,
        method="percentile",
        rng=rng(5),
    ).confidence_interval
    low, high = bootstrap_ratio(bits, lengths, rng(7), 20_000)
    width = peer.high - peer.low
    assert low == pytest.approx(peer.low, abs=0.03 * width)
    assert high == pytest.approx(peer.high, abs=0.03 * width)


def test_a_paired_difference_is_narrower_than_the_models_apart() -> None:
    bits, lengths = bits_and_bytes(rng(3), 300)
    better = bits - 0.1 * lengths
    low, high = bootstrap_ratio(bits - better, lengths, rng(), 1000)
    alone = np.ptp(bootstrap_ratio(bits, lengths, rng(), 1000))
    assert (low, high) == pytest.approx((0.1, 0.1))
    assert high - low < alone / 100


def test_more_resamples_than_fit_at_once_are_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = rng(1).random(100)
    whole = of_one(scores, rng(), 2001)
    monkeypatch.setattr(prompt_bootstrap, "DRAWS_AT_ONCE", 10_000)
    assert of_one(scores, rng(), 2001) == whole


def test_more_prompts_than_fit_at_once_are_drawn_one_resample_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_bootstrap, "DRAWS_AT_ONCE", 10)
    assert bootstrap_ratio(np.full(30, 0.5), np.ones(30), rng(), 20) == (0.5, 0.5)


@pytest.mark.parametrize("scores", [[], [0.5]])
def test_fewer_than_two_prompts_are_an_error(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        of_one(scores, rng(), 100)


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_missing_prompt_is_an_error(hole: float) -> None:
    with pytest.raises(ValueError, match="Leave missing prompts out"):
        of_one(np.array([0.5, hole]), rng(), 100)


def held(truth: float, interval: tuple[float, float]) -> bool:
    return interval[0] <= truth <= interval[1]


def test_the_interval_of_a_win_rate_holds_the_truth_in_95_of_100_studies() -> None:
    source = rng(11)
    studies = source.choice([0.0, 0.5, 1.0], p=[0.6, 0.2, 0.2], size=(400, 300))
    share = np.mean([held(0.3, of_one(study, source, 500)) for study in studies])
    assert 0.92 <= share <= 0.98


@pytest.mark.parametrize("prompts", [10, 30])
def test_the_interval_of_soft_wins_holds_a_rate_near_1_in_95_of_100_studies(prompts: int) -> None:
    """Preferences within 0.003 of a win (95 %) or of a loss: the rate is 0.94865."""
    source = rng(14)
    slack = source.uniform(0, 0.003, (400, prompts))
    studies = np.where(source.random((400, prompts)) < 0.95, 1 - slack, slack)
    assert np.mean([held(0.94865, of_one(study, source, 200)) for study in studies]) >= 0.9


def test_the_interval_of_bits_a_byte_holds_the_truth_in_95_of_100_studies() -> None:
    source = rng(12)
    studies = [bits_and_bytes(source, 300) for _ in range(400)]
    share = np.mean([held(2.0, bootstrap_ratio(*study, source, 500)) for study in studies])
    assert 0.92 <= share <= 0.98


def test_the_interval_of_a_paired_difference_holds_the_truth_in_95_of_100_studies() -> None:
    source = rng(13)
    studies = [bits_and_bytes(source, 300) for _ in range(400)]
    gains = [lengths * source.normal(0.1, 0.3, 300) for _, lengths in studies]
    pairs = zip(gains, studies, strict=True)
    share = np.mean([held(0.1, bootstrap_ratio(gain, lengths, source, 500)) for gain, (_, lengths) in pairs])
    assert 0.92 <= share <= 0.98


def test_the_interval_of_a_rare_win_holds_the_truth_in_95_of_100_studies() -> None:
    source = rng(13)
    share = np.mean([held(0.02, of_one(study, source, 500)) for study in source.random((400, 100)) < 0.02])
    assert share >= 0.93


def test_an_interval_needs_a_sample() -> None:
    with pytest.raises(ValueError, match="resamples must be at least 1, got 0"):
        bootstrap_ratio(np.ones(3), np.ones(3), np.random.default_rng(1), 0)
