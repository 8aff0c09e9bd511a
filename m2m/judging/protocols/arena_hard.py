"""Arena-Hard: parses the judge's label into a weighted score, and scores into the Bradley–Terry win rate."""

import re
from typing import NamedTuple

import numpy as np
from jaxtyping import Num

LABEL = re.compile(r"\[\[([AB<>=\s]+)\]\]")
STRONG_WEIGHT = 3  # games that a strong verdict counts for
LABELS = {"A>>B": (0, STRONG_WEIGHT), "A>B": (0, 1), "A=B": (0.5, 1), "B>A": (1, 1), "B>>A": (1, STRONG_WEIGHT)}
MIRRORED = {"B<<A": "A>>B", "B<A": "A>B", "B=A": "A=B", "A<B": "B>A", "A<<B": "B>>A"}


class Score(NamedTuple):
    """The score of the answer shown second (B), 0..1, and the number of games that it counts for."""

    second: float
    weight: int


def score_reply(reply: str | None) -> Score | None:
    """The last label of a judge's reply as a score; None without a label, or if it is not one of the five.

    Earlier labels belong to the judge's reasoning. Blanks are ignored. A strong verdict counts three times, a tie
    half. A mirrored label such as B<A is read as A>B (v0.1, `show_result.py`).

    >>> score_reply("Mine says [[A>B]] at first … My final verdict is: [[B>>A]]")
    Score(second=1, weight=3)
    >>> score_reply("[[A>B]]"), score_reply("[[A=B]]"), score_reply("[[A<B]]")
    (Score(second=0, weight=1), Score(second=0.5, weight=1), Score(second=1, weight=1))
    >>> score_reply("A>B") is score_reply("[[A>B]] or [[A>A]]") is score_reply("") is score_reply(None) is None
    True
    """
    labels = ["".join(label.split()) for label in LABEL.findall(reply or "")]
    final = next(filter(None, reversed(labels)), "")
    score = LABELS.get(MIRRORED.get(final, final))
    return Score(*score) if score else None


def escape_labels(text: str) -> str:
    """`text` with spaces inside every label, so that an answer that a judge quotes is not read as its verdict.

    >>> escape_labels("I win: [[A>>B]], x[[0]]")
    'I win: [ [A>>B] ], x[[0]]'
    """
    return LABEL.sub(r"[ [\1] ]", text)


def compute_weighted_win_rate(wins: Num[np.ndarray, "prompts"], weights: Num[np.ndarray, "prompts"]) -> float:
    """The probability that the candidate beats the baseline: Σ wins / Σ weights, where `wins` is already weighted.

    Equals the win rate of v0.1's Bradley–Terry fit by unpenalised logistic regression. All games are against one
    baseline, so a candidate's strength is the logit of its weighted share and no other candidate changes it.
    """
    return float(wins.sum() / weights.sum())
