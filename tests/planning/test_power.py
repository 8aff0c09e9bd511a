"""Power against textbook numbers and against simulations that count what the prediction predicts."""

import numpy as np
import pytest
from scipy import stats

from m2m.planning.power import (
    FullGrid,
    compute_full_power,
    find_fresh_seeds,
    find_full_seeds,
    find_smallest_gain,
    simulate_staged_power,
    widen_prompts,
)
from m2m.planning.seed_noise import SeedNoise
from m2m.planning.staging import Schedule

NOISE = SeedNoise(1.0, 0.6, 30)
SCHEDULE = Schedule((9, 4, 2), tuple(range(101, 110)))


def test_one_comparison_is_the_textbooks_t_test() -> None:
    """Half a standard deviation at two-sided 5 % needs 64 a group for 80 % (Cohen 1988, table 2.4.1)."""
    grid = FullGrid(configurations=1, seeds=64, random_seeds=64, tests=1)
    assert compute_full_power(grid, SeedNoise(1.0, 0.0, 30), 0.5) == pytest.approx(0.80, abs=0.01)


def test_without_a_gain_the_power_is_the_level_of_the_first_step() -> None:
    grid = FullGrid(configurations=27, seeds=3, random_seeds=3, tests=27)
    assert compute_full_power(grid, NOISE, 0.0) == pytest.approx(0.025 / 27, rel=1e-6)


def test_seeds_in_common_cancel_and_further_ones_of_random_add_a_little() -> None:
    paired = FullGrid(27, 4, 4, 27)
    assert compute_full_power(paired, NOISE, 3.0) == compute_full_power(paired, NOISE._replace(seed_sd=9.0), 3.0)
    more = FullGrid(27, 4, 8, 27)
    assert compute_full_power(more, NOISE, 3.0) > compute_full_power(paired, NOISE, 3.0)
    apart = compute_full_power(more, NOISE._replace(seed_sd=100.0), 3.0)
    assert apart == pytest.approx(compute_full_power(paired, NOISE, 3.0), abs=0.005)


def test_one_seed_shows_nothing_and_says_so() -> None:
    grid = FullGrid(27, 1, 1, 27)
    assert compute_full_power(grid, NOISE, 9.0) == 0.0
    with pytest.raises(ValueError, match="shows no gain, however large: give a configuration two seeds"):
        find_smallest_gain(lambda gain: compute_full_power(grid, NOISE, gain), NOISE)


@pytest.mark.parametrize("prompt_sd", [0.0, 0.4])
def test_the_power_of_a_full_grid_is_that_of_planted_studies(prompt_sd: float) -> None:
    """Within five points: 2,000 studies of 5 configurations, cells compared within seeds, Bonferroni for 5."""
    rng, grid, gain = np.random.default_rng(0), FullGrid(5, 4, 4, 5), 3.0
    noise = NOISE._replace(prompt_sd=prompt_sd)
    cells = rng.normal(size=(2000, 6, 4)) + rng.normal(0, 0.6, (2000, 1, 4)) + rng.normal(0, prompt_sd, (2000, 6, 1))
    cells[:, 5] -= rng.normal(0, 1e-12, (2000, 1))
    cells[:, 0] += gain
    means = cells.mean(axis=2)
    residuals = cells - means[:, :, None] - cells.mean(axis=1, keepdims=True) + cells.mean(axis=(1, 2), keepdims=True)
    variance = (residuals**2).sum(axis=(1, 2)) / 15 * 2 / 4 + prompt_sd**2
    found = stats.t.sf((means[:, 0] - means[:, 5]) / np.sqrt(variance), 15) < 0.025 / 5
    assert found.mean() == pytest.approx(compute_full_power(grid, noise, gain), abs=0.05 + 0.06 * (prompt_sd > 0))


@pytest.mark.parametrize("prompt_groups", [10, 19])
def test_prompts_of_few_groups_are_no_more_certain_than_the_analysis_takes_them_to_be(prompt_groups: int) -> None:
    """The gain that is promised at 80 % is found in 80 % of 4,000 studies, whose prompts vary as their seeds do."""
    noise, grid = SeedNoise(1.0, 0.5, 20, 1.0, 0.0, prompt_groups), FullGrid(24, 4, 4, 36)
    gain = find_smallest_gain(lambda value: compute_full_power(grid, noise, value), noise)
    rng, df, seeds = np.random.default_rng(0), 24 * 3, 2 / 4
    variance = seeds * rng.chisquare(df, 4000) / df
    prompts = rng.chisquare(prompt_groups - 1, 4000) / (prompt_groups - 1)
    freedom = np.floor((variance + prompts) ** 2 / (variance**2 / df + prompts**2 / (prompt_groups - 1)))
    ratios = rng.normal(gain, np.sqrt(seeds + 1), 4000) / np.sqrt(variance + prompts)
    assert np.mean(stats.t.sf(ratios, freedom) < 0.025 / 36) == pytest.approx(0.8, abs=0.03)


def test_a_staged_grid_of_few_groups_of_prompts_that_keeps_all_is_the_full_one_of_its_fresh_seeds() -> None:
    noise, gain = NOISE._replace(prompt_sd=0.7, prompt_groups=10), 3.0
    staged = simulate_staged_power(Schedule((3,), tuple(range(101, 107))), 3, noise, gain)
    full = compute_full_power(FullGrid(3, 6, 6, 3), noise, gain)
    assert staged == pytest.approx(full, abs=0.05)
    assert full < compute_full_power(FullGrid(3, 6, 6, 3), noise._replace(prompt_groups=1000), gain) - 0.04


def test_a_gain_far_beyond_the_noise_is_certain() -> None:
    """At some of these scipy's noncentral t is NaN."""
    grid = FullGrid(56, 2, 8, 44)
    powers = [compute_full_power(grid, NOISE._replace(prompt_sd=0.3, prompt_groups=19), gain) for gain in range(9, 90)]
    assert all(power > 0.99 for power in powers)


def test_the_staged_grid_of_27_finds_more_than_the_full_one_of_as_many_cells() -> None:
    """0.0028 of noise 0.00137: 67 cells in rungs, 62 in two seeds each and eight of random."""
    noise, gain = SeedNoise(0.00137, 0.00079, 32), 0.0028
    assert SCHEDULE.count_cells(27) == 67
    assert simulate_staged_power(SCHEDULE, 27, noise, gain) == pytest.approx(0.88, abs=0.03)
    assert compute_full_power(FullGrid(27, 2, 8, 27), noise, gain) < 0.3


def test_a_staged_grid_that_keeps_all_is_the_full_one_of_its_fresh_seeds() -> None:
    """One rung that keeps all three: Holm over three, so a little above Bonferroni."""
    staged = simulate_staged_power(Schedule((3,), tuple(range(101, 107))), 3, NOISE, 2.0)
    assert staged == pytest.approx(compute_full_power(FullGrid(3, 6, 6, 3), NOISE, 2.0), abs=0.03)


def test_prompts_that_the_choice_has_seen_make_the_confirmation_more_careful() -> None:
    noise = NOISE._replace(prompt_sd=0.4)
    assert simulate_staged_power(SCHEDULE, 27, noise, 2.0) < simulate_staged_power(SCHEDULE, 27, NOISE, 2.0) - 0.1
    assert widen_prompts(27, 2) == pytest.approx(stats.norm.isf(0.025 / 27) / stats.norm.isf(0.0125))
    assert widen_prompts(4, 4) == 1.0


def test_the_smallest_gain_is_shown_with_eighty_per_cent() -> None:
    grid = FullGrid(27, 2, 8, 27)
    gain = find_smallest_gain(lambda value: compute_full_power(grid, NOISE, value), NOISE)
    assert compute_full_power(grid, NOISE, gain) == pytest.approx(0.8, abs=0.001)


def test_the_cheapest_grids_show_the_gain_and_one_seed_fewer_does_not() -> None:
    full = find_full_seeds(27, 27, NOISE, 2.0)
    assert full is not None and compute_full_power(full, NOISE, 2.0) >= 0.8
    fewer = full._replace(seeds=full.seeds - 1, random_seeds=full.seeds - 1)
    assert compute_full_power(fewer, NOISE, 2.0) < 0.8
    staged = find_fresh_seeds((9, 4, 2), 27, NOISE, 2.5)
    assert staged is not None and simulate_staged_power(staged, 27, NOISE, 2.5) >= 0.78
    assert simulate_staged_power(Schedule(staged.keep, staged.fresh[:-2]), 27, NOISE, 2.5) < 0.8


def test_where_prompts_hide_a_gain_no_number_of_seeds_shows_it() -> None:
    noise = NOISE._replace(prompt_sd=2.0)
    assert find_full_seeds(27, 27, noise, 1.0) is None and find_fresh_seeds((9, 4, 2), 27, noise, 1.0) is None
