"""Judgements that someone recorded, in the benchmarks' own files → games, parsed again from the judge's own words."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from m2m.judging.protocols import alpaca_eval, arena_hard

GAMES = {
    "model": pl.String,
    "id": pl.String,  # AlpacaEval: the instruction
    "repeat": pl.Int64,
    "order": pl.Int64,
    "won": pl.Float64,
    "weight": pl.Int64,
    "kept": pl.Boolean,  # the judge's words are not in the file or say nothing: what was recorded counts
    "differs": pl.Boolean,  # our reading of them is not what was recorded
    "surplus": pl.Int64,  # characters of the baseline's answer − those of the model's; AlpacaEval only
    "index": pl.Int64,  # place in the evaluation set, where given; AlpacaEval only
}
Row = dict[str, Any]


def alpaca_eval_games(records: Iterable[object]) -> pl.DataFrame:
    """One game a record of AlpacaEval's annotations.json, in its order; records without the texts are left out.

    A record has instruction, output_1 (the baseline's), output_2, generator_2 or model, preference (1 the baseline …
    2 the model; 0 and 1.5 are ties) and raw_completion. The order is the published one, seeded by the instruction.
    """
    rows = [_annotated(record) for record in records if isinstance(record, Mapping) and _has_texts(record)]
    return pl.DataFrame(rows, schema=GAMES)


def arena_hard_games(records: Iterable[object]) -> pl.DataFrame:
    """Two games a record of Arena-Hard's model_judgment files: the baseline is A in the first and B in the second."""
    rows = [
        _battled(record, order, game)
        for record in records
        if isinstance(record, Mapping) and isinstance(record.get("games"), list)
        for order, game in zip((1, 0), record["games"], strict=False)
        if isinstance(game, Mapping)
    ]
    return pl.DataFrame(rows, schema=GAMES)


def _has_texts(record: Mapping[str, Any]) -> bool:
    return all(isinstance(record.get(name), str) for name in ("instruction", "output_1", "output_2"))


def _annotated(record: Mapping[str, Any]) -> Row:
    first, raw = alpaca_eval.candidate_first(record["instruction"]), record.get("raw_completion")
    second = alpaca_eval.liking_of_second(raw if isinstance(raw, str) else json.dumps(raw))
    parsed = 1 - second if first and second is not None else second
    recorded = _liking(record.get("preference"))
    return _row(
        record.get("model", record.get("generator_2")),
        record["instruction"],
        parsed,
        recorded,
        order=0 if first else 1,
        surplus=len(record["output_1"]) - len(record["output_2"]),
        index=record.get("index"),
    )


def _battled(record: Mapping[str, Any], order: int, game: Mapping[str, Any]) -> Row:
    said = game.get("judgment")
    words = said.get("answer") if isinstance(said, Mapping) else said
    parsed = arena_hard.score(words if isinstance(words, str) else None)
    recorded = arena_hard.score(f"[[{game.get('score')}]]")
    found = parsed or recorded
    wins = [None if one is None else one.second if order else 1 - one.second for one in (parsed, recorded)]
    row = _row(record.get("model"), str(record.get("uid", record.get("question_id"))), *wins, order=order)
    return row | {"weight": found.weight if found else 1, "differs": bool(parsed and recorded and parsed != recorded)}


def _row(
    model: object,
    prompt: str,
    parsed: float | None,
    recorded: float | None,
    *,
    order: int,
    surplus: int | None = None,
    index: object = None,
) -> Row:
    apart = None not in (parsed, recorded) and not math.isclose(parsed or 0, recorded or 0, abs_tol=1e-6)
    return {
        "model": str(model),
        "id": prompt,
        "repeat": 0,
        "order": order,
        "won": recorded if parsed is None else parsed,
        "weight": 1,
        "kept": parsed is None and recorded is not None,
        "differs": apart,
        "surplus": surplus,
        "index": index if isinstance(index, int) else None,
    }


def _liking(preference: object) -> float | None:
    """
    >>> _liking(1.25), _liking(0), _liking(2), _liking(float("nan")), _liking("2")
    (0.25, 0.5, 1.0, None, None)
    """
    if not isinstance(preference, (int, float)) or isinstance(preference, bool):
        return None
    if preference == 0:
        return 0.5
    return float(preference) - 1 if 1 <= preference <= 2 else None
