"""A study's record and cells written by hand, so that every number that a table or a chart shows is known."""

from typing import Any

import polars as pl

from m2m.schemas.study import Study, validate_study

MAIN_CONDITION = "rows, any length, uniform weights, slack 1.5"
WINDOW_CONDITION = "rows, 40..120 tokens each, uniform weights, slack 1.5"
MAIN_NAME, WINDOW_NAME = "500 rows, any length", "500 rows, 40..120 tokens each"
HALF = 2.0859634 * 0.04 / 2  # t of 20 degrees of freedom at 97.5 %, times the pooled sd, over the root of 4 cells
RANDOM_TEXT = "random, 5 cells: mean +0.100, 95 % of random cells −0.050 to 0.250"


def setting(condition: str, cells: int, strategies: list[str]) -> dict[str, Any]:
    limits = {"min_tokens": 1, "max_tokens": 100_000, "weights": "uniform", "slack": 1.5}
    place = {"condition": condition, "size": 500, "budget": "rows"}
    return place | limits | {"cells": cells, "random_cells": 5, "strategies": strategies}


def configuration(strategy: str, degree: int, mean: float, **changes: Any) -> dict[str, Any]:
    """A row of `against_random`: random's mean is 0.1; both intervals reach further up than down."""
    value = mean - 0.1
    return {
        "outcome": "bpb_reduction",
        "condition": MAIN_CONDITION,
        "random_condition": MAIN_CONDITION,
        "size": 500,
        "strategy": strategy,
        "match": "response-micro" if strategy == "length-matched" else strategy,
        "degree": degree,
        "mean": mean,
        "cells": 4,
        "pooled_sd": 0.04,
        "df": 17,
        "noise_df": 20,
        "value": value,
        "low": value - 0.05,
        "high": value + 0.07,
        "all_low": value - 0.1,
        "shared_rows": 0.07,
        "all_high": value + 0.15,
        "p": 0.001,
        "p_holm": 0.004,
        "prompts": 320,
        "mean_response_tokens": 80.0 + degree,
        "trained_tokens": 40_000.0,
        "random_response_tokens": 90.0,
    } | changes


def slope(strategy: str, value: float, p_holm: float, **changes: Any) -> dict[str, Any]:
    """A row of `slopes`; its line starts at 0.05, with a band of 0.01 below and 0.03 above."""
    band = [
        {"diversity": d, "middle": 0.05 + value * d, "low": 0.04 + value * d, "high": 0.08 + value * d}
        for d in (0.0, 0.5, 1.0)
    ]
    row = {"outcome": "bpb_reduction", "condition": MAIN_CONDITION, "size": 500, "strategy": strategy, "cells": 8}
    numbers = {"value": value, "low": value - 0.02, "high": value + 0.04, "positive": 0.987, "pearson_r": 0.91}
    return row | numbers | {"p": p_holm / 2, "p_holm": p_holm, "band": band} | changes


def matched(degree: int, value: float, low: float, high: float, p_holm: float) -> dict[str, Any]:
    """A row of `matched`: response-micro minus length-matched random."""
    row = configuration("response-micro", degree, 0.0, value=value, low=low, high=high, p_holm=p_holm)
    return {
        name: row[name]
        for name in row
        if name not in ("match", "random_condition", "random_response_tokens", "prompts")
    }


def shape(row: dict[str, Any]) -> dict[str, Any]:
    view = {name: row[name] for name in ("outcome", "condition", "size", "strategy")}
    return view | {
        "p": 0.011,
        "p_holm": 0.022,
        "bend_p": 0.33,
        "step_p": 0.01,
        "best": 6,
        "worst": 0,
        "shared_rows": 0.1,
    }


def length(row: dict[str, Any], model: str, verdict: str) -> dict[str, Any]:
    view = {name: row[name] for name in ("outcome", "condition", "size", "strategy")}
    return view | {"model": model, "verdict": verdict, "plain": row["value"]}


def claim(words: str, state: str, rivals: int, condition: str = MAIN_CONDITION) -> dict[str, Any]:
    view = {"outcome": "bpb_reduction", "condition": condition, "size": 500}
    return view | {
        "claim": "correlates",
        "words": words,
        "state": state,
        "p_supported": 0.2,
        "p_contradicted": 0.7,
        "rivals": rivals,
    }


def metric(name: str, pearson: float, partial: float, paper: float | None, **changes: Any) -> dict[str, Any]:
    view = {"outcome": "bpb_reduction", "condition": MAIN_CONDITION, "size": 500, "metric": name, "points": 12}
    plain = {"pearson_r": pearson, "pearson_low": pearson - 0.1, "pearson_high": pearson + 0.05}
    held = {"partial_r": partial, "partial_low": partial - 0.2, "partial_high": partial + 0.15}
    return view | plain | held | {"paper": paper} | changes


WINDOW: dict[str, Any] = {"condition": WINDOW_CONDITION}
SHARE: dict[str, Any] = {"outcome": "likelihood_win_rate"}
SLOPES = [  # not in the order of the settings, nor of the outcomes: tables must order them
    slope("response-micro", 0.4, 0.03, **WINDOW),
    slope("response-micro", 0.11, 0.9, **SHARE),
    slope("instruction-meso", -0.05, 0.5),
    slope("response-macro", 0.02, 0.06),
    slope("response-micro", 0.5, 0.001),
]
RECORD: dict[str, Any] = {
    "cells": 9,
    "cells_left_out": 3,
    "provenance": "0123456789ab",
    "outcomes": ["bpb_reduction", "likelihood_win_rate"],
    "settings": [
        setting(MAIN_CONDITION, 8, ["instruction-meso", "random", "response-macro", "response-micro"]),
        setting(WINDOW_CONDITION, 1, ["response-micro"]),
    ],
    "floors": [
        {
            "outcome": "bpb_reduction",
            "condition": MAIN_CONDITION,
            "size": 500,
            "mean": 0.1,
            "low": -0.05,
            "high": 0.25,
            "sd": 0.05,
            "cells": 5,
            "outside": ["micro-6-a", "micro-0-a"],
        },
        {
            "outcome": "likelihood_win_rate",
            "condition": MAIN_CONDITION,
            "size": 500,
            "mean": 0.5,
            "low": 0.4,
            "high": 0.625,
            "sd": 0.03,
            "cells": 5,
            "outside": [],
        },
    ],
    "against_random": [
        configuration("response-micro", 6, 0.11, **WINDOW),
        configuration("response-macro", 0, 0.1),
        configuration("response-micro", 0, -0.2),
        configuration("response-micro", 6, 0.3),
        configuration("length-matched", 6, 0.25),
        configuration("k-center", 0, 0.12),
        configuration("instruction-meso", 0, 0.07),
        configuration("instruction-meso", 6, 0.05),
        configuration("response-micro", 6, 0.61, prompts=999, **SHARE),
    ],
    "matched": [matched(6, 0.05, 0.02, 0.09, 0.007), matched(0, -0.3, -0.36, -0.23, 0.0008)],
    "slopes": SLOPES,
    "shapes": [shape(row) for row in SLOPES],
    "lengths": [
        length(SLOPES[4], "own", "cannot tell"),
        length(SLOPES[4], "shared", "explained by length"),
        length(SLOPES[3], "own", "no plain effect"),
    ],
    "claims": [
        claim("window claim", "cannot tell", 2, WINDOW_CONDITION),
        claim("main claim", "supported", 5),
        claim("claim without rivals", "cannot tell", 0),
    ],
    "metrics": [
        metric("response_self_bleu", -0.6, -0.3, None),
        metric("response_token_entropy", 0.7, 0.4, 0.58),
        metric("response_vendi", 0.2, 0.5, None),
        metric("instruction_token_entropy", 0.1, 0.05, None),
        metric("response_token_entropy", 0.9, 0.8, None, **WINDOW),
    ],
    "paper": [],
    "verdict": [
        {
            "outcome": "bpb_reduction",
            **{"condition": MAIN_CONDITION},
            "size": 500,
            "role": "primary",
            "headline": "main",
            "sentences": [],
        },
        {
            "outcome": "bpb_reduction",
            **WINDOW,
            "size": 500,
            "role": "exploratory",
            "headline": "window",
            "sentences": ["why"],
        },
        {
            "outcome": "likelihood_win_rate",
            "condition": MAIN_CONDITION,
            "size": 500,
            "role": "exploratory",
            "headline": "share",
            "sentences": [],
        },
    ],
}
STUDY: Study = validate_study(RECORD)


def cell(experiment: str, strategy: str, degree: int, seed: int, **changes: Any) -> dict[str, Any]:
    row = {
        "experiment": experiment,
        "revision": "abcdef0123456789",
        "strategy": strategy,
        "match": strategy,
        "degree": degree,
        "diversity": degree / 6,
        "seed": seed,
        "size": 500,
        "condition": MAIN_CONDITION,
        "bpb_reduction": 0.1,
        "likelihood_win_rate": 0.5,
        "mean_response_tokens": 90.0,
        "trained_tokens": 45_000,
        "k": 1200,
        "candidate_rows": 2000,
        "response_token_entropy": 7.25,
        "response_self_bleu": 0.375,
    }
    return row | changes


CELLS = pl.DataFrame(
    [
        cell(
            "window", "response-micro", 6, 0, condition=WINDOW_CONDITION, bpb_reduction=0.11, mean_response_tokens=70.0
        ),
        cell("meso-0", "instruction-meso", 0, 0, bpb_reduction=0.05, k=10, candidate_rows=750),
        cell("meso-6", "instruction-meso", 6, 0, bpb_reduction=0.07, k=400, candidate_rows=6000),
        cell("macro-0", "response-macro", 0, 0),
        cell(
            "micro-0-a", "response-micro", 0, 0, bpb_reduction=-0.2, mean_response_tokens=40.0, likelihood_win_rate=0.4
        ),
        cell("micro-0-b", "response-micro", 0, 1, bpb_reduction=-0.04, mean_response_tokens=43.0, k=1205),
        cell("micro-6-a", "response-micro", 6, 0, bpb_reduction=0.3, mean_response_tokens=100.0, k=3000),
        cell("random-a", "random", 0, 0, mean_response_tokens=88.0),
        cell("random-b", "random", 0, 1, mean_response_tokens=96.0),
    ]
)
