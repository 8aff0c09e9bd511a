"""The parts of the noise, against planted ones and against designs whose answer is known by hand."""

import numpy as np
import pytest

from m2m.planning.seed_noise import SeedNoise, estimate_prompt_noise, estimate_seed_noise


def test_planted_parts_come_back() -> None:
    rng = np.random.default_rng(0)
    configurations, seeds = (grid.ravel() for grid in np.meshgrid(np.arange(40), np.arange(30), indexing="ij"))
    luck, own = rng.normal(0, 0.5, 30), rng.normal(0, 2.0, len(seeds))
    noise = estimate_seed_noise(configurations * 7.0 + luck[seeds] + own, configurations, seeds)
    assert noise.sd == pytest.approx(2.0, rel=0.05) and noise.df == 39 * 29
    assert noise.seed_sd == pytest.approx(0.5, rel=0.35)


def test_two_by_two_is_known_by_hand() -> None:
    """Residuals ±1 in each of four cells with one degree of freedom; no seed is better than another."""
    outcomes = np.array([1.0, -1.0, 9.0, 11.0])
    noise = estimate_seed_noise(outcomes, np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2]))
    assert (noise.sd, noise.seed_sd, noise.df) == (pytest.approx(2.0), 0.0, 1)


def test_what_all_cells_of_a_seed_share_is_no_noise_of_a_cell() -> None:
    outcomes = np.array([0.0, 2.0, 10.0, 12.1])
    noise = estimate_seed_noise(outcomes, np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2]))
    assert noise.sd == pytest.approx(0.05) and noise.seed_sd == pytest.approx(1.45, abs=0.01)


@pytest.mark.parametrize(
    ("outcomes", "configurations", "seeds", "rule"),
    [
        ([1.0, 2.0], [0, 1], [1, 1], "needs a configuration with two seeds"),
        ([1.0, 2.0, 3.0], [0, 0, 1], [1, 2, 1], "two configurations that share two seeds"),
        ([1.0, 1.0, 5.0, 5.0], [0, 0, 1, 1], [1, 2, 1, 2], "all replicates are equal"),
    ],
)
def test_a_design_without_noise_names_what_it_lacks(
    outcomes: list[float], configurations: list[int], seeds: list[int], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        estimate_seed_noise(np.array(outcomes), np.array(configurations), np.array(seeds))


def test_planted_noise_of_prompts_comes_back() -> None:
    """50 prompts of weight 1/50: a configuration's deviations have sd 2 a prompt, a cell's 1."""
    rng = np.random.default_rng(0)
    configurations = np.repeat(np.arange(60), 2)
    own = rng.normal(0, 2.0, (60, 50))
    influences = (own[configurations] + rng.normal(0, 1.0, (120, 50))) / 50
    randoms = rng.normal(0, 1e-9, (8, 50))
    labels = np.concatenate([configurations, np.full(8, 99)])
    sd, cell_sd = estimate_prompt_noise(np.vstack([influences, randoms]), labels, labels == 99)
    assert sd == pytest.approx(2.0 / np.sqrt(50), rel=0.05)
    assert cell_sd == pytest.approx(1.0 / np.sqrt(50), rel=0.05)


def test_noise_of_prompts_needs_replicates() -> None:
    with pytest.raises(ValueError, match="two random cells and a configuration with two seeds"):
        estimate_prompt_noise(np.ones((3, 4)), np.array([0, 1, 9]), np.array([False, False, True]))


def test_noise_of_prompts_needs_two_of_them() -> None:
    with pytest.raises(ValueError, match="two prompts or groups of them, got 1"):
        estimate_prompt_noise(np.ones((4, 1)), np.array([0, 0, 9, 9]), np.array([False, False, True, True]))


def test_a_bootstrap_over_prompts_sees_both_parts() -> None:
    assert SeedNoise(1, 0, 1, 3.0, 2.0).compute_prompt_variance(2, 4) == 9 + 4 * 0.75
