"""The power law over sizes: planted numbers are in their intervals, and what cannot be a curve is refused."""

import numpy as np
import pytest

from m2m.planning.size_curve import PowerLaw, find_enough, fit_power_law

ROWS = np.repeat([125.0, 250, 500, 1000, 2000, 4000], 3)


def plant_bits(amounts: np.ndarray, exponent: float = 0.5) -> np.ndarray:
    return np.asarray(2.0 + 0.2 * (amounts / 125) ** -exponent)


def fit(sd: float, seed: int = 1, amounts: np.ndarray = ROWS) -> PowerLaw:
    rng = np.random.default_rng(seed)
    return fit_power_law(amounts, plant_bits(amounts) + rng.normal(0, sd, len(amounts)), rng)


def test_with_little_noise_the_planted_law_comes_out() -> None:
    law = fit(1e-5)
    assert np.quantile(law.exponent, [0.05, 0.95]) == pytest.approx([0.5, 0.5], abs=0.02)
    amounts = np.array([125.0, 1000.0, 16_000.0])
    assert np.median(law.draw_bits(amounts), axis=0) == pytest.approx(plant_bits(amounts), abs=1e-3)


def test_the_amount_that_reaches_95_percent_is_the_planted_one() -> None:
    amounts = np.geomspace(125, 4000, 4000)
    gains = 2.25 - plant_bits(amounts)
    truth = amounts[np.argmax(gains >= 0.95 * gains[-1])]
    assert np.median(find_enough(fit(1e-5), 2.25, 125, 4000)) == pytest.approx(truth, rel=0.03)
    assert np.all(find_enough(fit(1e-5), 9.0, 125, 4000) == 125)  # the smallest reaches nearly all already
    assert np.all(find_enough(fit(1e-5), 1.0, 125, 4000) == 4000)  # no gain at all


def test_a_curve_that_stops_inside_the_sizes_is_found_flat() -> None:
    rng = np.random.default_rng(3)
    law = fit_power_law(ROWS, plant_bits(np.minimum(ROWS, 500)) + rng.normal(0, 1e-3, len(ROWS)), rng)
    at_500, ahead = np.quantile(law.draw_bits(np.array([700.0, 16_000])), [0.05, 0.95], axis=0).T
    assert ahead[0] <= 2.1 <= ahead[1]
    assert np.ptp(ahead) < 0.01 and np.ptp(at_500) < 0.01


def test_a_fall_by_the_logarithm_is_followed_and_may_stop_beyond_the_sizes() -> None:
    rng = np.random.default_rng(3)
    law = fit_power_law(ROWS, 2.2 - 0.03 * np.log(ROWS / 125) + rng.normal(0, 1e-4, len(ROWS)), rng)
    low, high = np.quantile(law.draw_bits(np.array([16_000.0])), [0.05, 0.95])
    assert low <= 2.2 - 0.03 * np.log(16_000 / 125) < 2.2 - 0.03 * np.log(8_000 / 125) <= high
    assert np.quantile(law.exponent, 0.05) < 0.02 and np.quantile(law.exponent, 0.95) > -0.02
    assert np.median(law.slope) > 0


def test_predictions_at_four_times_the_size_are_inside_their_interval_as_often_as_they_say() -> None:
    near, inside = ROWS[ROWS <= 1000], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        law = fit_power_law(near, plant_bits(near) + rng.normal(0, 0.002, len(near)), rng)
        low, high = np.quantile(law.draw_cells(4000, 1, rng), [0.05, 0.95])
        inside.append(low <= plant_bits(np.array([4000.0]))[0] + rng.normal(0, 0.002) <= high)
    assert np.mean(inside) >= 0.85


def test_more_noise_and_more_cells_change_the_width() -> None:
    def width(law: PowerLaw, cells: int) -> float:
        return float(np.ptp(np.quantile(law.draw_cells(8000, cells, np.random.default_rng(0)), [0.05, 0.95])))

    assert width(fit(0.01), 1) > 2 * width(fit(0.001), 1)
    assert width(fit(0.01), 100) < width(fit(0.01), 1)


def test_the_unit_of_amounts_changes_nothing() -> None:
    bits = plant_bits(ROWS) + np.random.default_rng(1).normal(0, 0.002, len(ROWS))
    by_rows, by_tokens = (fit_power_law(unit * ROWS, bits, np.random.default_rng(2)) for unit in (1, 96))
    assert by_tokens.draw_bits(np.array([96 * 8000.0])) == pytest.approx(by_rows.draw_bits(np.array([8000.0])))


@pytest.mark.parametrize(
    ("amounts", "sd", "rule"),
    [
        (np.repeat([125.0, 250, 500], 3), 0.01, "needs 4 sizes and 6 cells, got 3 and 9: run more sizes or seeds"),
        (np.array([125.0, 250, 500, 1000]), 0.01, "needs 4 sizes and 6 cells, got 4 and 4"),
        (np.array([125.0, 125, 250, 500, 1000, 2000]), None, "without any noise: run more seeds"),
    ],
)
def test_what_is_no_curve_is_refused(amounts: np.ndarray, sd: float | None, rule: str) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, sd, len(amounts)) if sd else 0.0
    with pytest.raises(ValueError, match=rule):
        fit_power_law(amounts, (plant_bits(amounts) if sd else np.full(len(amounts), 2.0)) + noise, rng)
