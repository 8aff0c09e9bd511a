"""A number of each row's own, such as a score → which rows are the best share."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64


def parse_scores(
    fields: pl.Series,
    name: str,
    setting: str = "subset.quality",
    ratings: Mapping[str, Float64[np.ndarray, "rows"]] | None = None,
) -> Float64[np.ndarray, "rows"]:
    """The number in field `name` of each row's JSON object; NaN where there is none: no field, words, infinity.

    `complexity*quality` is the product of both fields, as DEITA has it. A number may be written as text, as CSV has it.
    A name in `ratings` is an LLM's score in place of a field. ValueError, with the fields that hold numbers, when no
    row has one; `setting` is where the name stands.
    """
    records = [json.loads(text) if text else {} for text in fields.fill_null("")]
    names, rated = [part.strip() for part in name.split("*")], ratings or {}
    factors = [rated[part] if part in rated else _parse_field(records, part, setting) for part in names]
    return np.asarray(np.prod(factors, axis=0))


def align_ratings(ratings: pl.DataFrame, ids: pl.Series, name: str) -> Float64[np.ndarray, "rows"]:
    """The score of each of `ids`, NaN where the LLM gave none; `ratings` has the columns id, score.

    ValueError where a row is missing, as in a table of another run; `name` is the score's.
    """
    joined = ids.to_frame("id").join(ratings.with_columns(rated=True), on="id", how="left", maintain_order="left")
    if missing := joined["rated"].null_count():
        raise ValueError(
            f"the ratings of {name} must hold every row of the pool, {missing} are missing: run dvc repro rate"
        )
    return joined["score"].fill_null(math.nan).to_numpy()


def select_best(
    scores: Float64[np.ndarray, "rows"], inside: Bool[np.ndarray, "rows"], share: float
) -> Bool[np.ndarray, "rows"]:
    """The `share` (0 … 1, rounded up) of the rows `inside` with the highest scores; NaN is last, ties go by position.

    >>> select_best(np.array([1.0, np.nan, 3.0, 2.0]), np.array([True, True, True, False]), 0.5).tolist()
    [True, False, True, False]
    """
    if not 0 < share <= 1:
        raise ValueError(f"subset.quality_share must be above 0 and at most 1, got {share}")
    rows = np.flatnonzero(inside)
    count = math.ceil(round(share * len(rows), 6))
    order = np.argsort(-scores[rows], kind="stable")  # NaN is sorted to the end
    best = np.zeros(len(scores), np.bool_)
    best[rows[order[:count]]] = True
    return best


def _parse_field(records: list[dict[str, Any]], name: str, setting: str) -> Float64[np.ndarray, "rows"]:
    scores = np.array([_parse_number(record.get(name)) for record in records], dtype=np.float64)
    if np.isnan(scores).all():
        numeric = sorted({key for record in records for key, value in record.items() if _is_number(value)})
        choices = f"fields with numbers: {', '.join(numeric[:20])}" if numeric else "no field holds a number"
        raise ValueError(f"{setting} must name a field with numbers, {name!r} has none in the pool: {choices}")
    return scores


def _is_number(value: object) -> bool:
    return not math.isnan(_parse_number(value))


def _parse_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan
