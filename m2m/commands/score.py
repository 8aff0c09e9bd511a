"""Score recorded judgements (AlpacaEval, Arena-Hard): each model's win rates, from the judge's replies."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

    from m2m.judging.scoring.length_control import GamedBaselines


def main(
    file: Path,
    /,
    *,
    protocol: Literal["alpaca-eval", "arena-hard"],
    gamed: Path | None = None,
    published: Path | None = None,
    seed: int = 1,
    resamples: int = 10_000,
) -> None:
    """Print a table in per cent, one row a model, judge, baseline and category.

    Args:
        file: AlpacaEval's annotations.json, or Arena-Hard's model_judgment (JSON, JSONL, parquet; a glob for many).
        protocol: The benchmark that wrote the file.
        gamed: AlpacaEval's df_gamed.csv, for the full form of length control. Without it, the minimal form.
        published: AlpacaEval's leaderboard CSV, to print beside our figures.
        seed: Seed of the bootstrap over prompts.
        resamples: Bootstrap samples.
    """
    from m2m.data.records.read_files import read_files
    from m2m.judging.recorded_judgements import count_judgements, name_missing_fields, read_games
    from m2m.judging.scoring.score_table import tabulate_scores

    records = list(read_files(str(file)))
    values = [record.value for record in records]
    games = read_games(protocol, values)
    if games.is_empty():
        reason = next((record.reason for record in records if record.reason), name_missing_fields(protocol, values))
        raise ValueError(f"{file} holds no {protocol} judgement: {reason}")
    table, annotations = add_difficulty(games, gamed)
    leaderboard = {} if published is None else _read_leaderboard(published)
    print(tabulate_scores(protocol, table, annotations, leaderboard, seed, resamples))
    _warn(games, len(records) - count_judgements(games), len(records))


def add_difficulty(games: "pl.DataFrame", path: Path | None) -> "tuple[pl.DataFrame, GamedBaselines | None]":
    """`games` with a column difficulty from AlpacaEval's table at `path`, null without one; and that table."""
    import polars as pl

    from m2m.judging.scoring.leaderboard import convert_gamed_annotations, list_difficulties
    from m2m.runtime.artifacts import read_table
    from m2m.schemas.gamed import GamedAnnotations

    if path is None:
        return games.with_columns(difficulty=pl.lit(None, pl.Float64)), None
    table = read_table(path, GamedAnnotations)
    joined = games.join(list_difficulties(table), on="index", how="left", maintain_order="left")
    if unknown := joined["difficulty"].null_count():
        raise ValueError(f"{unknown} of {len(joined)} judgements have no difficulty in {path}. Leave out --gamed.")
    return joined, convert_gamed_annotations(table)


def _read_leaderboard(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a leaderboard's CSV by model, which its first column holds under any name."""
    import polars as pl

    try:
        table = pl.read_csv(path, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{path} is no table: {' '.join(str(error).split())[:300]}") from error
    return {str(row[table.columns[0]]): row for row in table.rows(named=True)}


def _warn(games: "pl.DataFrame", unused: int, records: int) -> None:
    """Print to standard error what the table leaves out, or reads otherwise than it was recorded."""
    counts = {name: int(games[name].sum()) for name in ("differs", "recorded_null", "pair_null")}
    warnings = {
        "{} of {} records are no judgements and were left out": unused,
        "{} verdicts differ from the recorded ones. Was the order the published one?": counts["differs"],
        "{} games count as missing: they are recorded without a verdict although their reply has a label": counts[
            "recorded_null"
        ],
        "{} games count as missing because the other game of their pair has no verdict, as Arena-Hard v2 does": counts[
            "pair_null"
        ],
    }
    for text, count in warnings.items():
        if count:
            print(text.format(count, records), file=sys.stderr)
