"""Which configurations are better and worse than random, and which one is the best."""

from typing import cast

from m2m.schemas.study_rows import AgainstRandomRow
from m2m.study.analysis.ranking import rank_configurations
from tests.study.study_rows import gain


def test_the_largest_gain_comes_first_and_the_worst_last() -> None:
    ranking = rank_configurations([gain(value, 0.5, degree=degree) for degree, value in enumerate((0.1, 0.3, -0.2))])
    assert [row["degree"] for row in ranking.compared] == [1, 0, 2] and ranking.best["degree"] == 1


def test_better_and_worse_are_significant_after_holm() -> None:
    values = {0: (0.1, 0.049), 1: (0.3, 0.05), 2: (-0.2, 0.05), 3: (-0.1, 0.049), 4: (0.2, 0.01), 5: (-0.3, 0.01)}
    ranking = rank_configurations([gain(*value, degree=degree) for degree, value in values.items()])
    assert [row["degree"] for row in ranking.better] == [4, 0]
    assert [row["degree"] for row in ranking.worse] == [3, 5]


def test_a_larger_gain_that_is_not_significant_is_not_the_best() -> None:
    assert rank_configurations([gain(0.3, 0.2, degree=1), gain(0.1, 0.01, degree=2)]).best["degree"] == 2


def test_an_interval_for_all_rows_that_excludes_0_comes_before_a_larger_gain_without_one() -> None:
    wide = gain(0.3, 0.04, degree=1, all_low=-0.001)
    assert rank_configurations([wide, gain(0.1, 0.01, degree=2)]).best["degree"] == 2
    assert rank_configurations([wide, gain(0.1, 0.01, degree=2, all_low=0.0)]).best["degree"] == 1


def test_rows_without_numbers_leave_their_reasons_once() -> None:
    reasons = [cast(AgainstRandomRow, {"reason": reason}) for reason in "bab"]
    ranking = rank_configurations([gain(0.1), *reasons])
    assert len(ranking.compared) == 1 and ranking.reasons == ["a", "b"]
