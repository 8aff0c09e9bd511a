"""Student's intervals, posterior signs and Holm's p."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from m2m.study.cells.t_estimates import adjust_holm, make_estimate

VALUES = st.floats(-100, 100)


@settings(deadline=None)
@given(VALUES, st.floats(1e-3, 100), st.integers(1, 100))
def test_interval_and_p_are_those_of_scipys_t(value: float, se: float, df: int) -> None:
    known = make_estimate(value, se, df)
    assert (known.low, known.high) == pytest.approx(stats.t.interval(0.95, df, loc=value, scale=se))
    assert known.positive == pytest.approx(stats.t.sf(0, df, loc=value, scale=se))
    assert known.p == pytest.approx(2 * min(known.positive, 1 - known.positive), abs=1e-12)


@settings(deadline=None)
@given(VALUES.filter(bool), st.floats(1e-3, 100), st.integers(1, 100))
def test_the_interval_holds_0_exactly_when_p_is_at_least_5_percent(value: float, se: float, df: int) -> None:
    known = make_estimate(value, se, df)
    assert (known.low <= 0 <= known.high) == (known.p >= 0.05) or known.p == pytest.approx(0.05)


@pytest.mark.parametrize(("value", "positive", "p"), [(1.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.5, 1.0)])
def test_without_noise_a_value_is_certain(value: float, positive: float, p: float) -> None:
    assert make_estimate(value, 0.0, 3) == (value, value, value, 0.0, 3, positive, p)


def test_without_a_degree_of_freedom_there_is_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 1 degree of freedom, got 0"):
        make_estimate(1.0, 1.0, 0)


def test_holm_multiplies_the_smallest_p_by_their_number() -> None:
    assert adjust_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust_holm([]) == []


@settings(
    max_examples=5, deadline=None
)  # statsmodels collects garbage at each call, which takes longer than all the rest
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    assert adjust_holm(p) == pytest.approx(list(multipletests(p, method="holm")[1]))
