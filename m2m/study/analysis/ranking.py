"""Rows against random → which configurations are better, and which worse, the best first."""

from collections.abc import Sequence
from typing import NamedTuple

from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study import Study
from m2m.schemas.study_rows import AgainstRandomRow


class Ranking(NamedTuple):
    """The configurations of one outcome and setting that could be compared with random, the largest gain first."""

    compared: list[AgainstRandomRow]
    better: list[AgainstRandomRow]
    worse: list[AgainstRandomRow]
    reasons: list[str]  # why others could not be compared

    @property
    def best(self) -> AgainstRandomRow:
        """The largest gain: of those that are better than random, or else of all.

        One whose 95 % CI for all rows together is above 0 comes before one that Holm's more powerful test alone finds.
        """
        certain = [row for row in self.better if row["all_low"] > 0]
        return (certain or self.better or self.compared)[0]


def rank_configurations(rows: Sequence[AgainstRandomRow]) -> Ranking:
    """Better and worse: significant after Holm."""
    compared = sorted((row for row in rows if "p_holm" in row), key=lambda row: -row["value"])
    significant = [row for row in compared if row["p_holm"] < ALPHA]
    return Ranking(
        compared,
        [row for row in significant if row["value"] > 0],
        [row for row in significant if row["value"] < 0],
        sorted({row["reason"] for row in rows if "reason" in row}),
    )


def describe_refused(rows: Sequence[AgainstRandomRow]) -> list[str]:
    """A sentence where some configurations could not be compared: how many, and the first reason."""
    reasons = sorted(row["reason"] for row in rows if "reason" in row)
    return [f"{len(reasons)} more could not be compared: {reasons[0]}."] if reasons else []


def list_comparisons(study: Study) -> list[AgainstRandomRow]:
    """The rows that answer whether anything beats random, of the place that `study` is of.

    Of a staged grid those of its last rung, whose cells had no part in the choice; else those of all cells.
    """
    return study.get("confirmed") or study["against_random"]
