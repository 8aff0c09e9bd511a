"""One t quantile for many differences: Dunnett's tables, independent differences, and a single one."""

import numpy as np
import pytest
from scipy import stats

from m2m.study.bake_off.simultaneous import draw_maxima


def draw(correlation: np.ndarray, df: int) -> float:
    return draw_maxima(correlation, df, np.random.default_rng(1), 40_000).critical


@pytest.mark.parametrize(("groups", "df", "table"), [(1, 10, 2.228), (4, 20, 2.65), (9, 60, 2.75)])
def test_equal_replicates_give_dunnetts_table(groups: int, df: int, table: float) -> None:
    """Two-sided 5 % points of Dunnett (1964), whose differences correlate by one half."""
    correlation = np.full((groups, groups), 0.5) + 0.5 * np.eye(groups)
    assert draw(correlation, df) == pytest.approx(table, abs=0.03)


def test_equal_differences_are_one_and_independent_ones_are_sidaks() -> None:
    assert draw(np.ones((5, 5)), 1000) == pytest.approx(stats.t.ppf(0.975, 1000), abs=0.03)
    sidak = stats.norm.ppf(1 - (1 - 0.95 ** (1 / 5)) / 2)
    assert draw(np.eye(5), 100_000) == pytest.approx(sidak, abs=0.03)


def test_the_adjusted_p_falls_with_t_and_is_five_percent_at_the_critical_value() -> None:
    law = draw_maxima(np.full((4, 4), 0.5) + 0.5 * np.eye(4), 20, np.random.default_rng(1), 20_000)
    assert law.adjust(law.critical) == pytest.approx(0.05, abs=0.001)
    assert law.adjust(-law.critical) == law.adjust(law.critical)
    assert law.adjust(0.0) == 1.0
    assert law.adjust(100.0) == pytest.approx(1 / 20_001)


def test_no_degree_of_freedom_is_refused() -> None:
    with pytest.raises(ValueError, match="need at least 1 degree of freedom, got 0: run more seeds"):
        draw(np.eye(2), 0)
