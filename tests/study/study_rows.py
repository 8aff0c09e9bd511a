"""Rows of a study with numbers that a test knows; each can be changed by keyword."""

from typing import Any, cast

from m2m.schemas.study import Study
from m2m.schemas.study_rows import AgainstRandomRow, LengthRow, MatchedRow, SettingRow, ShapeRow, SlopeRow

CONDITION = "rows, any length, uniform weights, slack 1.5"
PLACE = {"outcome": "bpb_reduction", "condition": CONDITION, "size": 500}
SETTING = {
    "condition": CONDITION,
    "size": 500,
    "cells": 34,
    "random_cells": 8,
    "budget": "rows",
    "min_tokens": 0,
    "max_tokens": 100_000,
    "weights": "uniform",
    "slack": 1.5,
    "strategies": ["random", "response-macro", "response-micro"],
}


def setting(**changes: Any) -> SettingRow:
    return cast(SettingRow, SETTING | changes)


def gain(value: float, p_holm: float = 0.001, **changes: Any) -> AgainstRandomRow:
    """A configuration against random: 95 % from −.01 to +.02 about its value, from −.02 to +.03 for all together."""
    row = PLACE | {"strategy": "response-micro", "match": "response-micro", "degree": 6, "cells": 2, "mean": value}
    row |= {"mean_response_tokens": 90.4, "trained_tokens": 45_000.0, "value": value, "p": p_holm / 3, "p_holm": p_holm}
    row |= {"low": value - 0.01, "high": value + 0.02, "all_low": value - 0.02, "all_high": value + 0.03}
    row |= {
        "se": 0.01,
        "df": 25,
        "noise_df": 30,
        "positive": 0.5,
        "pooled_sd": 0.0213,
        "seed_correlation": 0.25,
        "shared_rows": 0.07,
        "against_cells": 8,
        "against_mean": 0.0,
    }
    return cast(AgainstRandomRow, row | {"random_condition": CONDITION, "random_response_tokens": 80.4} | changes)


def slope(strategy: str, value: float, p_holm: float, **changes: Any) -> SlopeRow:
    """A slope with 95 % from −.01 to +.02 about it, whose own p is a sixth of Holm's."""
    row = PLACE | {"strategy": strategy, "cells": 8, "value": value, "low": value - 0.01, "high": value + 0.02}
    return cast(SlopeRow, row | {"p": p_holm / 6, "p_holm": p_holm} | changes)


def shape(strategy: str, p_holm: float, worst: int, best: int, **changes: Any) -> ShapeRow:
    """Degrees that differ: the lowest mean is −.0123, the highest +.0456, and no straight line fits."""
    row = PLACE | {
        "strategy": strategy,
        "degrees": 4,
        "p": p_holm / 6,
        "p_holm": p_holm,
        "bend_p": 0.0012,
        "step_p": 0.01,
        "shared_rows": 0.07,
    }
    row |= {"worst": worst, "worst_mean": -0.0123, "best": best, "best_mean": 0.0456, "noise": 0.01}
    return cast(ShapeRow, row | changes)


def lengths(strategy: str, own: str, shared: str) -> list[LengthRow]:
    rows = [
        PLACE | {"strategy": strategy, "model": model, "verdict": verdict}
        for model, verdict in (("own", own), ("shared", shared))
    ]
    return cast(list[LengthRow], rows)


def matched(value: float, low: float, high: float, **changes: Any) -> MatchedRow:
    row = PLACE | {"strategy": "response-micro", "degree": 6, "value": value, "low": low, "high": high}
    return cast(MatchedRow, row | {"p": 0.01, "p_holm": 0.02} | changes)


def make_study(**rows: Any) -> Study:
    """A study of one outcome and setting with these rows and no others."""
    names = ("floors", "against_random", "matched", "slopes", "shapes", "lengths", "metrics", "claims", "paper")
    study: dict[str, Any] = {"cells": 34, "cells_left_out": 0, "provenance": "one", "outcomes": ["bpb_reduction"]}
    study |= {"settings": [setting()], "verdict": []} | {name: [] for name in names}
    return cast(Study, study | rows)
