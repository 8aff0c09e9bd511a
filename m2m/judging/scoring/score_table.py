"""Scores of recorded judgements → a Markdown table in per cent, one row a model, judge, baseline and category."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from m2m.judging.protocols.protocols import Protocol
from m2m.judging.recorded_judgements import GROUP
from m2m.judging.scoring.leaderboard import Interval, JudgeMetrics, score_games
from m2m.judging.scoring.length_control import GamedBaselines
from m2m.runtime.visible_text import escape_markdown

METRIC_HEADERS = {
    "win_rate": "win rate [95 %]",
    "standard_error": "standard error",
    "discrete_win_rate": "discrete",
    "lc_win_rate": "length-controlled [95 %]",
    "lc_minimal_win_rate": "length-controlled, minimal [95 %]",
    "flips": "flips",
    "first_wins": "first shown wins",
    "ties": "ties",
}
COUNT_HEADERS = {"kept": "recorded kept", "missing": "no verdict"}
PUBLISHED = ("win_rate", "standard_error", "discrete_win_rate", "length_controlled_winrate")


def tabulate_scores(
    protocol: Protocol,
    games: pl.DataFrame,
    gamed: GamedBaselines | None,
    published: Mapping[str, Mapping[str, Any]],
    seed: int,
    resamples: int,
) -> str:
    """The table of `games` (read_games, with difficulty); `published` holds leaderboard rows by model."""
    rows = []
    for group, table in games.group_by(GROUP, maintain_order=True):
        names = dict(zip(GROUP, map(str, group), strict=True))
        metrics = score_games(protocol, table, gamed, seed, resamples)
        counts = {"prompts": table.drop_nulls("won")["id"].n_unique(), "kept": table.filter("kept").height}
        rows.append(_format_row(names, metrics | counts, published.get(names["model"], {})))
    return _format_markdown(rows)


def _format_row(names: Mapping[str, str], metrics: JudgeMetrics, published: Mapping[str, Any]) -> dict[str, str]:
    """Texts by header; `published` is in per cent already."""
    row = {name: escape_markdown(value) for name, value in names.items() if value or name == "model"}
    row |= {"prompts": str(metrics["prompts"])}
    row |= {header: _format_share(metrics[name]) for name, header in METRIC_HEADERS.items() if name in metrics}
    row |= {header: str(metrics[name]) for name, header in COUNT_HEADERS.items()}
    figures = {name: published[name] for name in PUBLISHED if published.get(name) is not None}
    return row | {f"published {name}": f"{value:.2f}" for name, value in figures.items()}


def _format_share(share: float | Interval) -> str:
    """
    >>> _format_share(0.5), _format_share((0.5, 0.25, 1))
    ('50.00', '50.00 [25.00, 100.00]')
    """
    if isinstance(share, tuple):
        value, low, high = (f"{100 * end:.2f}" for end in share)
        return f"{value} [{low}, {high}]"
    return f"{100 * share:.2f}"


def _format_markdown(rows: Sequence[Mapping[str, str]]) -> str:
    headers = list(dict.fromkeys(header for row in rows for header in row))
    cells = [headers, ["---"] * len(headers), *([row.get(header, "–") for header in headers] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
