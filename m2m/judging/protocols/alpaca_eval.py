"""AlpacaEval 2.0: one token of a judge with its log-probabilities → a preference; preferences → win rates."""

import json
import math
import random
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

FIRST, SECOND = "m", "M"  # what the judge calls the two outputs, in the order in which it sees them


class Figures(NamedTuple):
    """A leaderboard row; shares are 0..1, where the leaderboard has per cent."""

    win_rate: float
    standard_error: float  # of the win rate, over prompts
    discrete_win_rate: float  # each prompt won, lost or tied
    ties: int  # preferences of exactly a half
    prompts: int


def liking_of_second(raw: str | None) -> float | None:
    """P(M) / (P(m) + P(M)) of the first token: 0 is all for the first output, 1 all for the second; None: no verdict.

    `raw` is one choice of a chat completion as JSON. A token that is not among the log-probabilities has probability
    0; where neither is, there is no verdict. What the judge wrote does not count, nor does what the answers hold.
    This is the published preference − 1 (alpaca_eval 0.6.6, `logprob_parser`).

    >>> reply = '{"logprobs": {"content": [{"top_logprobs": [%s]}]}}'
    >>> m, M = '{"token": "m", "logprob": -1.5}', '{"token": "M", "logprob": -1.5}'
    >>> liking_of_second(reply % f"{m}, {M}")
    0.5
    >>> liking_of_second(reply % m), liking_of_second(reply % M)
    (0.0, 1.0)
    >>> liking_of_second(reply % '{"token": "The", "logprob": -0.1}') is None
    True
    >>> liking_of_second('{"message": {"content": "M"}}') is liking_of_second("M") is liking_of_second(None) is None
    True
    """
    try:
        tops = json.loads(raw or "")["logprobs"]["content"][0]["top_logprobs"]
        odds = {top["token"]: _probability(top["logprob"]) for top in tops if top["token"] in (FIRST, SECOND)}
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return None
    both = math.fsum(odds.values())
    return odds.get(SECOND, 0.0) / both if both else None


def candidate_first(instruction: str) -> bool:
    """Whether the published protocol shows the candidate before the baseline: a coin seeded by the instruction.

    The choice that made 3,213 of 3,213 recorded verdicts of four models (processor `is_switched_outputs`, seed 0).
    """
    return random.Random(f"is_switched_outputs{instruction}0").choices([False, True], k=1)[0]


def figures(likings: Float64[np.ndarray, "prompts"]) -> Figures:
    """The leaderboard's figures of the likings for the candidate, 0..1, one a prompt. ValueError below two prompts."""
    if len(likings) < 2:
        raise ValueError(f"a standard error needs at least 2 prompts with a verdict, got {len(likings)}")
    discrete = np.where(likings == 0.5, 0.5, likings > 0.5)
    error = likings.std(ddof=1) / np.sqrt(len(likings))
    ties = int((likings == 0.5).sum())
    return Figures(float(likings.mean()), float(error), float(discrete.mean()), ties, len(likings))


def _probability(log: Any) -> float:
    if not isinstance(log, (int, float)) or isinstance(log, bool) or not log < math.inf:
        raise TypeError("a log-probability is a number below infinity")
    return math.exp(log)
