"""Turns raw verdicts of the offline judges into preferences, and scores a prompt into wins by reference length."""

import json
import math

import numpy as np
from jaxtyping import Float64, Num

LENGTHS = ("short", "medium", "long")


def preference(raw: str | None) -> float | None:
    """1 where the candidate's number is the better one, 0 the opponent's, 0.5 equal; None where `raw` is no verdict.

    >>> preference('{"candidate": 1.9, "opponent": 2.1, "better": "lower"}')
    1.0
    >>> preference('{"candidate": 0.3, "opponent": 0.7, "better": "higher"}')
    0.0
    >>> preference('{"candidate": 2, "opponent": 2.0, "better": "lower"}')
    0.5
    >>> preference('{"candidate": NaN, "opponent": 2.0, "better": "lower"}') is None
    True
    >>> preference("the first one") is preference(None) is None
    True
    """
    try:
        verdict = json.loads(raw or "")
        ours, theirs = _number(verdict["candidate"]), _number(verdict["opponent"])
        sign = {"higher": 1, "lower": -1}[verdict["better"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return 0.5 if ours == theirs else float((ours > theirs) == (sign > 0))


def wins_by_length(scores: Float64[np.ndarray, "prompts"], lengths: Num[np.ndarray, "prompts"]) -> dict[str, float]:
    """Mean score of the prompts with short, medium and long references, cut at the terciles of `lengths`.

    Equal lengths stay together, on the shorter side of a cut; a third that ends up empty is left out.
    """
    if not len(lengths):
        return {}
    last_of_third = [-(-len(lengths) * part // 3) - 1 for part in (1, 2)]
    cuts = np.sort(lengths)[last_of_third]
    third = np.searchsorted(cuts, lengths)
    return {name: float(scores[third == i].mean()) for i, name in enumerate(LENGTHS) if (third == i).any()}


def _number(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError("a verdict compares two finite numbers")
    return float(value)
