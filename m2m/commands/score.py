"""A file of recorded judgements → each model's win rates, read again from the judge's own words."""

import sys
from pathlib import Path
from typing import Any

import polars as pl

from m2m.data.records.read_files import read_files
from m2m.judging.protocols.protocols import Protocol
from m2m.judging.recorded_judgements import read_alpaca_eval, read_arena_hard
from m2m.judging.scoring.leaderboard import (
    Interval,
    JudgeMetrics,
    convert_gamed_annotations,
    list_difficulties,
    score_games,
)
from m2m.judging.scoring.length_control import GamedAnnotations
from m2m.runtime.artifacts import read_table
from m2m.runtime.cli import run
from m2m.schemas import gamed as schemas

READ = {"alpaca-eval": read_alpaca_eval, "arena-hard": read_arena_hard}
SHOWN = {  # figures and their headers
    "win_rate": "win rate [95 %]",
    "standard_error": "standard error",
    "discrete_win_rate": "discrete",
    "lc_win_rate": "length-controlled [95 %]",
    "lc_minimal_win_rate": "length-controlled, minimal [95 %]",
    "flips": "flips",
    "first_wins": "first shown wins",
    "ties": "ties",
}


def main(
    file: Path,
    /,
    *,
    protocol: Protocol,
    gamed: Path | None = None,
    published: Path | None = None,
    seed: int = 1,
    resamples: int = 10_000,
) -> None:
    """Print a table in per cent, one row a model.

    Args:
        file: AlpacaEval's annotations.json, Arena-Hard's model_judgment (JSON, JSONL, parquet; a glob for many).
        protocol: whose files they are.
        gamed: AlpacaEval's df_gamed.csv: the length control takes its full form; without it, the minimal one.
        published: AlpacaEval's leaderboard CSV, to stand beside ours.
        seed: of the bootstrap over prompts.
        resamples: of that bootstrap.
    """
    records = list(read_files(str(file)))
    games = READ[protocol]([record.value for record in records])
    if games.is_empty():
        reason = next((one.reason for one in records if one.reason), "no record has the fields of that protocol")
        raise ValueError(f"{file} holds no {protocol} judgement: {reason}")
    table, extra = _with_difficulty(games, gamed)
    found = {
        str(model): score_games(protocol, some, extra, seed, resamples) | _counts(some)
        for (model,), some in table.group_by("model", maintain_order=True)
    }
    beside = {} if published is None else _leaderboard(published)
    print(_markdown([_row(model, record, beside.get(model)) for model, record in found.items()]))
    if unused := len(records) - (len(games) if protocol == "alpaca-eval" else games.select("model", "id").n_unique()):
        print(f"{unused} of {len(records)} records are no judgements and were left out", file=sys.stderr)
    if differs := games["differs"].sum():
        print(f"{differs} verdicts are not what was recorded: was the order the published one?", file=sys.stderr)


def _leaderboard(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a leaderboard's CSV by model, which is what its first column says, whatever its name."""
    table = pl.read_csv(path)
    return {str(row[table.columns[0]]): row for row in table.rows(named=True)}


def _with_difficulty(games: pl.DataFrame, path: Path | None) -> tuple[pl.DataFrame, GamedAnnotations | None]:
    if path is None:
        return games.with_columns(difficulty=pl.lit(None, pl.Float64)), None
    table = read_table(path, schemas.Gamed)
    joined = games.join(list_difficulties(table), on="index", how="left", maintain_order="left")
    if unknown := joined["difficulty"].null_count():
        raise ValueError(f"{unknown} of {len(joined)} judgements have no difficulty in {path}: leave out --gamed")
    return joined, convert_gamed_annotations(table)


def _counts(games: pl.DataFrame) -> dict[str, int]:
    return {"prompts": games.drop_nulls("won")["id"].n_unique(), "kept": games.filter("kept").height}


def _row(model: str, record: JudgeMetrics, published: dict[str, Any] | None) -> dict[str, str]:
    """Texts by header, in per cent; `published` is the leaderboard's row, in per cent already."""
    row = {"model": _plain(model), "prompts": str(record["prompts"])}
    row |= {header: _shown(record[name]) for name, header in SHOWN.items() if name in record}
    row |= {"recorded kept": str(record["kept"]), "no verdict": str(record["missing"])}
    names = ("win_rate", "standard_error", "discrete_win_rate", "length_controlled_winrate")
    known = {name: published.get(name) for name in names} if published else {}
    return row | {f"published {name}": f"{value:.2f}" for name, value in known.items() if value is not None}


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() and sign != "|" else " " for sign in text)


def _shown(figure: float | Interval) -> str:
    if isinstance(figure, tuple):
        value, low, high = (f"{100 * end:.2f}" for end in figure)
        return f"{value} [{low}, {high}]"
    return f"{100 * figure:.2f}"


def _markdown(rows: list[dict[str, str]]) -> str:
    headers = list(dict.fromkeys(header for row in rows for header in row))
    cells = [headers, ["---"] * len(headers), *([row.get(header, "–") for header in headers] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


if __name__ == "__main__":
    run(main)
