"""The last rung of a staged grid → its configurations against random, by fresh cells alone."""

import polars as pl

from m2m.planning.power import widen_prompts
from m2m.schemas.study_rows import AgainstRandomRow
from m2m.study.analysis.against_random import IS_RANDOM, compare_with_random
from m2m.study.analysis.contrasts import bound_simultaneously
from m2m.study.analysis.other_prompts import PromptDraws
from m2m.study.analysis.view import list_views
from m2m.study.cells.cells import SETTING, select_outcome
from m2m.study.cells.labels import CONFIGURATION
from m2m.study.cells.rows import add_holm
from m2m.study.cells.t_estimates import make_estimate


def confirm_choices(cells: pl.DataFrame, outcome: str, prompts: PromptDraws) -> list[AgainstRandomRow]:
    """One row a configuration with fresh cells; `p_holm` and `all_low` to `all_high` hold for all of them together.

    `cells` as from `select_comparable`; none of a grid that was not staged. The fresh cells had no part in the choice,
    so the choice needs no correction. The prompts had: their noise is widened as `widen_prompts` says.
    """
    if "fresh" not in cells.columns:
        return []
    measured = select_outcome(cells, outcome)
    fresh = measured.filter(pl.col("fresh") == 1)
    number, survivor_count = count_configurations(measured), count_configurations(fresh)
    if not survivor_count:
        return []
    widened = prompts._replace(widening=widen_prompts(number, survivor_count))
    rows = [row for view in list_views(fresh, outcome, widened) for row in compare_with_random(view)]
    return add_holm([_bound_together(row, survivor_count) for row in rows], "outcome")


def count_configurations(cells: pl.DataFrame) -> int:
    """Configurations beside random; one in two settings counts twice."""
    return cells.filter(~IS_RANDOM).select(*SETTING, *CONFIGURATION).n_unique()


def _bound_together(row: AgainstRandomRow, comparisons: int) -> AgainstRandomRow:
    """With the interval for all configurations, which may stand in several settings."""
    if "reason" in row:
        return row
    low, high = bound_simultaneously(make_estimate(row["value"], row["se"], row["df"]), comparisons)
    return {**row, "all_low": low, "all_high": high}
