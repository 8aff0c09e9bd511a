"""AlpacaEval 2.0: parses the judge's first token into a preference, and averages preferences into win rates."""

import json
import math
import random
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

FIRST_TOKEN, SECOND_TOKEN = "m", "M"  # the judge's names of the two outputs, in the order in which it sees them


class LeaderboardRow(NamedTuple):
    """The figures of one model; shares are 0..1, where the leaderboard prints per cent."""

    win_rate: float
    standard_error: float  # of the win rate, over prompts
    discrete_win_rate: float  # each prompt counts as won, lost or tied
    ties: int  # preferences of exactly 0.5
    prompts: int


def read_second_preference(raw: str | None) -> float | None:
    """P(M) / (P(m) + P(M)) of the first token: 0 prefers the first output, 1 the second. None: no verdict.

    `raw` is one choice of a chat completion as JSON. A token that is missing from the log-probabilities has
    probability 0. If both are missing, there is no verdict. The text that the judge wrote is ignored.
    The result is the published preference − 1 (alpaca_eval 0.6.6, `logprob_parser`).

    >>> reply = '{"logprobs": {"content": [{"top_logprobs": [%s]}]}}'
    >>> m, M = '{"token": "m", "logprob": -1.5}', '{"token": "M", "logprob": -1.5}'
    >>> read_second_preference(reply % f"{m}, {M}")
    0.5
    >>> read_second_preference(reply % m), read_second_preference(reply % M)
    (0.0, 1.0)
    >>> read_second_preference(reply % '{"token": "The", "logprob": -0.1}') is None
    True
    >>> read_second_preference('{"message": {"content": "M"}}') is read_second_preference("M") is None
    True
    """
    names = (FIRST_TOKEN, SECOND_TOKEN)
    try:
        candidates = json.loads(raw or "")["logprobs"]["content"][0]["top_logprobs"]
        odds = {top["token"]: _probability(top["logprob"]) for top in candidates if top["token"] in names}
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return None
    total = math.fsum(odds.values())
    return odds.get(SECOND_TOKEN, 0.0) / total if total else None


def is_candidate_first(instruction: str) -> bool:
    """Whether the published protocol shows the candidate before the baseline: a coin seeded by the instruction.

    Reproduces the order of 3,213 of 3,213 recorded verdicts of four models (`is_switched_outputs`, seed 0).
    """
    return random.Random(f"is_switched_outputs{instruction}0").choices([False, True], k=1)[0]


def compute_leaderboard_row(preferences: Float64[np.ndarray, "prompts"]) -> LeaderboardRow:
    """The leaderboard's figures from one preference for the candidate, 0..1, a prompt. ValueError below two prompts."""
    if len(preferences) < 2:
        raise ValueError(f"a standard error needs at least 2 prompts with a verdict, got {len(preferences)}")
    discrete = np.where(preferences == 0.5, 0.5, preferences > 0.5)
    error = preferences.std(ddof=1) / np.sqrt(len(preferences))
    ties = int((preferences == 0.5).sum())
    return LeaderboardRow(float(preferences.mean()), float(error), float(discrete.mean()), ties, len(preferences))


def _probability(log: Any) -> float:
    if not isinstance(log, (int, float)) or isinstance(log, bool) or not log < math.inf:
        raise TypeError("a log-probability is a number below infinity")
    return math.exp(log)
