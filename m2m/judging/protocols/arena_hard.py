"""Arena-Hard: a judge's words → one of five labels → a weighted score; scores → the Bradley–Terry win rate."""

import re
from typing import NamedTuple

import numpy as np
from jaxtyping import Num

LABEL = re.compile(r"\[\[([AB<>=\s]+)\]\]")
STRONG = 3  # games that a strong verdict counts for
LABELS = {"A>>B": (0, STRONG), "A>B": (0, 1), "A=B": (0.5, 1), "B>A": (1, 1), "B>>A": (1, STRONG)}
TURNED = {"B<<A": "A>>B", "B<A": "A>B", "B=A": "A=B", "A<B": "B>A", "A<<B": "B>>A"}


class Score(NamedTuple):
    """What the answer shown second (B) got, 0..1, and how many games that counts for."""

    second: float
    weight: int


def score(reply: str | None) -> Score | None:
    """The last label of a judge's reply as a score; None where there is none, or one that is not of the five.

    Earlier labels are the judge's thinking; blanks say nothing, within a label or alone between brackets. Strong
    verdicts count three times, a tie is half; a label turned round is the same label (v0.1, `show_result.py`).

    >>> score("Mine says [[A>B]] at first … My final verdict is: [[B>>A]]")
    Score(second=1, weight=3)
    >>> score("[[A>B]]"), score("[[A=B]]"), score("[[A<B]]")
    (Score(second=0, weight=1), Score(second=0.5, weight=1), Score(second=1, weight=1))
    >>> score("A>B") is score("[[A>B]] or [[A>A]]") is score("") is score(None) is None
    True
    """
    labels = ["".join(label.split()) for label in LABEL.findall(reply or "")]
    last = next(filter(None, reversed(labels)), "")
    known = LABELS.get(TURNED.get(last, last))
    return Score(*known) if known else None


def without_labels(text: str) -> str:
    """`text` with spaces in all that the parser would take for a label, so that a judge who quotes it says nothing.

    >>> without_labels("I win: [[A>>B]], x[[0]]")
    'I win: [ [A>>B] ], x[[0]]'
    """
    return LABEL.sub(r"[ [\1] ]", text)


def win_rate(won: Num[np.ndarray, "prompts"], weights: Num[np.ndarray, "prompts"]) -> float:
    """The chance that the candidate beats the baseline: Σ weight · won / Σ weight, `won` being weighted already.

    This is the win rate of the Bradley–Terry fit by unpenalised logistic regression (v0.1): every game is against the
    one baseline, so a candidate's strength is the logit of its own weighted share, and other candidates change
    nothing. Copies of a game, as Arena-Hard makes them, are a weight.
    """
    return float(won.sum() / weights.sum())
