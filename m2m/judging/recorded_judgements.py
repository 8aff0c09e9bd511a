"""Judgements recorded in the benchmarks' own files → games, parsed again from the judge's reply."""

import math
from collections.abc import Iterable, Mapping
from json import dumps
from typing import Any

import polars as pl

from m2m.judging.protocols import alpaca_eval
from m2m.judging.protocols.protocols import Protocol, score_raw

GROUP = ("model", "judge", "baseline", "category")  # one row of the printed table; empty where not recorded
GAME_COLUMNS = {
    **dict.fromkeys(GROUP, pl.String),
    "id": pl.String,  # AlpacaEval: the instruction
    "repeat": pl.Int64,
    "order": pl.Int64,
    "won": pl.Float64,
    "weight": pl.Int64,
    "kept": pl.Boolean,  # the reply is missing or unreadable: the recorded verdict is used
    "differs": pl.Boolean,  # the reply, as we read it, is not what was recorded
    "recorded_null": pl.Boolean,  # the reply is readable but recorded as no verdict: no verdict
    "pair_null": pl.Boolean,  # readable, but the other game of the pair has no verdict: no verdict
    "surplus": pl.Int64,  # characters of the baseline's answer − those of the model's; AlpacaEval only
    "index": pl.Int64,  # position in the evaluation set, if recorded; AlpacaEval only
}
MOST_PROMPTS = 2**31  # of an evaluation set
FIELDS: dict[Protocol, tuple[str, ...]] = {
    "alpaca-eval": ("instruction", "output_1", "output_2"),
    "arena-hard": ("games",),
}


def read_games(protocol: Protocol, records: Iterable[object]) -> pl.DataFrame:
    """The games of recorded judgements, columns GAME_COLUMNS; other records are left out.

    ValueError if one judge has several verdicts on a prompt in one order, as where two runs share a file.
    """
    games = read_alpaca_eval(records) if protocol == "alpaca-eval" else read_arena_hard(records)
    keys = [*GROUP, "id", "order"]
    repeated = games.group_by(keys, maintain_order=True).len().filter(pl.col("len") > 1)
    if repeated.height:
        raise ValueError(
            f"{repeated['id'].n_unique()} of {games['id'].n_unique()} prompts have several verdicts of one model, "
            f"judge and order, such as {repeated['id'][0][:40]!r}. Give the records of one run only."
        )
    return games


def count_judgements(games: pl.DataFrame) -> int:
    """The number of records that `games` were read from."""
    return games.select(*GROUP, "id").n_unique()


def name_missing_fields(protocol: Protocol, records: Iterable[object]) -> str:
    """Why no record is a judgement of `protocol`: the fields that it needs and those of the first record."""
    names = next((", ".join(map(str, record)) for record in records if isinstance(record, Mapping)), "no fields")
    return f"a record needs {', '.join(FIELDS[protocol])}; the first record has {names}"


def read_alpaca_eval(records: Iterable[object]) -> pl.DataFrame:
    """One game a record of AlpacaEval's annotations.json, in file order; records without the texts are left out.

    A record has instruction, output_1 (the baseline's), output_2, generator_2 or model, preference (1 the baseline …
    2 the model; 0 and 1.5 are ties), raw_completion and annotator. The order is the published one, seeded by the
    instruction.
    """
    rows = [_read_annotation(record) for record in records if isinstance(record, Mapping) and _has_texts(record)]
    return pl.DataFrame(rows, schema=GAME_COLUMNS)


def read_arena_hard(records: Iterable[object]) -> pl.DataFrame:
    """Two games a record of Arena-Hard's model_judgment files: the baseline is A in the first and B in the second.

    In version 2, whose records have a uid, a game without a verdict takes its pair along (`show_result.py`).
    """
    rows = [
        row
        for record in records
        if isinstance(record, Mapping) and isinstance(record.get("games"), list)
        for row in _read_battle(record)
    ]
    return pl.DataFrame(rows, schema=GAME_COLUMNS)


def _has_texts(record: Mapping[str, Any]) -> bool:
    return all(isinstance(record.get(name), str) for name in FIELDS["alpaca-eval"])


def _read_annotation(record: Mapping[str, Any]) -> dict[str, Any]:
    order, raw = int(not alpaca_eval.is_candidate_first(_text(record["instruction"]))), record.get("raw_completion")
    index = record.get("index")
    parsed, _ = score_raw("alpaca-eval", raw if isinstance(raw, str) else dumps(raw), order)
    return {
        "model": _text(str(record.get("model", record.get("generator_2")))),
        "judge": _text(record.get("annotator")),
        "baseline": _text(record.get("generator_1")),
        "category": "",
        "id": _text(record["instruction"]),
        "repeat": 0,
        "order": order,
        "weight": 1,
        "surplus": len(record["output_1"]) - len(record["output_2"]),
        "index": index if isinstance(index, int) and 0 <= index < MOST_PROMPTS else None,
        "pair_null": False,
        **_settle(parsed, _read_preference(record.get("preference")), _is_null(record, "preference")),
    }


def _read_battle(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    paired, games = "uid" in record, record["games"][:2]
    rows = [
        _read_game(record, order, game or {})
        for order, game in zip((1, 0), games, strict=False)
        if game is None or isinstance(game, Mapping)
    ]
    if paired and rows and (len(rows) < 2 or any(row["won"] is None for row in rows)):
        return [row | {"won": None, "pair_null": row["won"] is not None} for row in rows]
    return rows


def _read_game(record: Mapping[str, Any], order: int, game: Mapping[str, Any]) -> dict[str, Any]:
    judgment = game.get("judgment")
    reply = judgment.get("answer") if isinstance(judgment, Mapping) else judgment
    parsed, weight = score_raw("arena-hard", reply if isinstance(reply, str) else None, order)
    recorded, recorded_weight = score_raw("arena-hard", f"[[{game.get('score')}]]", order)
    outcome = _settle(parsed, recorded, _is_null(game, "score"))
    if None not in (parsed, recorded) and weight != recorded_weight:
        outcome["differs"] = True
    return {
        **{name: _text(record.get(name)) for name in GROUP},
        "id": _text(str(record.get("uid", record.get("question_id")))),
        "repeat": 0,
        "order": order,
        "weight": recorded_weight if parsed is None else weight,
        "surplus": None,
        "index": None,
        "pair_null": False,
        **outcome,
    }


def _settle(parsed: float | None, recorded: float | None, is_null: bool) -> dict[str, Any]:
    """The reply decides, and without a readable one the record; a verdict that is recorded as null is none."""
    return {
        "won": None if is_null else recorded if parsed is None else parsed,
        "kept": parsed is None and recorded is not None,
        "differs": parsed is not None and recorded is not None and not math.isclose(parsed, recorded, abs_tol=1e-6),
        "recorded_null": is_null and parsed is not None,
    }


def _is_null(record: Mapping[str, Any], name: str) -> bool:
    """Whether the field is there and holds no verdict: null or NaN."""
    return name in record and (record[name] is None or record[name] != record[name])


def _text(value: object) -> str:
    """Half a surrogate pair, which no table holds, is a question mark."""
    return "" if value is None else str(value).encode(errors="replace").decode()


def _read_preference(preference: object) -> float | None:
    """
    >>> _read_preference(1.25), _read_preference(0), _read_preference(2), _read_preference(float("nan"))
    (0.25, 0.5, 1.0, None)
    """
    if not isinstance(preference, (int, float)) or isinstance(preference, bool):
        return None
    if preference == 0:
        return 0.5
    return float(preference) - 1 if 1 <= preference <= 2 else None
