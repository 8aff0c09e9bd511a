"""A view → how well each diversity metric correlates with the outcome, with and without length."""

import numpy as np
import polars as pl

from m2m.schemas.study_numbers import CorrelationNumbers
from m2m.schemas.study_rows import MetricRow
from m2m.strategies import SIDES
from m2m.study.analysis.paper_results import CORRELATIONS
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column
from m2m.study.cells.correlation import partial_correlation, pearson, spearman
from m2m.study.cells.labels import CONFIGURATION
from m2m.study.cells.rows import make_correlation_row

SIX = ("ngram_ratio", "embedding_distance", "mean_tokens", "compression_ratio", "self_bleu", "token_entropy")
POSTERIOR = tuple(f"{side}_{name}" for side in SIDES for name in SIX)
LENGTH_METRIC = "response_mean_tokens"


def list_metrics(cells: pl.DataFrame) -> list[str]:
    """The metrics of a subset that any cell has: of both sides, with the coverage and evenness of each scale's units.

    units_covered and k_evenness are left out: they count the strategy's units, so they differ in kind.
    """
    sides = [name for name in cells.columns if name.startswith(("instruction_", "response_")) and cells[name].count()]
    return [*POSTERIOR, *sorted(set(sides) - set(POSTERIOR))]


def average_seeds(cells: pl.DataFrame) -> pl.DataFrame:
    """One row a configuration of one setting: its means over seeds; `cells` as from `select_outcome`.

    Seeds of one configuration have nearly the same metrics; counted one by one they would pass for evidence.
    """
    columns = ["worth", *list_metrics(cells)]
    return cells.group_by(*CONFIGURATION).agg(pl.col(columns).cast(pl.Float64).mean()).sort(*CONFIGURATION)


def correlate_metrics(view: View) -> list[MetricRow]:
    """One row a metric: Pearson, Spearman, and partial given mean response tokens; the paper's beside.

    Cells without the metric are counted, and are in neither of its means.
    """
    points = average_seeds(view.cells)
    rows = []
    for name in list_metrics(view.cells):
        missing = view.cells[name].null_count()
        row = _correlate(view, average_seeds(view.cells.drop_nulls(name)) if missing else points, name)
        if missing:
            row["cells_without"] = missing
        rows.append(row)
    return rows


def _correlate(view: View, points: pl.DataFrame, name: str) -> MetricRow:
    x, y, length = (get_column(points, column) for column in (name, "worth", LENGTH_METRIC))
    partial: CorrelationNumbers = {}
    if name != LENGTH_METRIC:
        partial = make_correlation_row("partial", partial_correlation, x, y, length)
    return {
        **view.place,
        "metric": name,
        "paper": CORRELATIONS.get(name),
        "points": points.height,
        **make_correlation_row("pearson", pearson, x, y),
        **make_correlation_row("spearman", spearman, x, y),
        **partial,
        **_leave_strategies_out(points, name),
    }


def _leave_strategies_out(points: pl.DataFrame, name: str) -> CorrelationNumbers:
    """The lowest and the highest Pearson correlation with one strategy left out; nothing where one cannot be computed.

    Degrees of a strategy are no independent points, as the interval of the correlation takes them for.
    """
    strategies, columns = points["strategy"].to_numpy(), np.array([get_column(points, name), get_column(points)])
    rest = [columns[:, strategies != strategy] for strategy in np.unique(strategies)]
    if not rest or any(part.shape[1] < 4 or np.ptp(part, axis=1).min() <= 1e-12 * np.abs(part).max() for part in rest):
        return {}
    correlations = [float(np.corrcoef(part)[0, 1]) for part in rest]
    return {"without_low": min(correlations), "without_high": max(correlations)}
