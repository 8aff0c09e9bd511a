"""The outcomes of a cell: which of its metrics are outcomes, the main ones first, and the words for them."""

import re
from typing import NamedTuple

import polars as pl

NO_OUTCOME = re.compile(r"_(low|high|missing)$|^similarity_")  # random beats random by similarity: see statistics


class Outcome(NamedTuple):
    """How texts and figures call a main outcome; of each of them more is better."""

    name: str
    phrase: str  # in a sentence
    axis: str
    meaning: str


def _name_judged(judge: str) -> Outcome:
    name = f"{judge} win rate"
    meaning = (
        f"The {name} is the share of prompts on which {judge}'s LLM judge prefers a cell's answers to those of one "
        "fixed random opponent. More is better."
    )
    return Outcome(name, f"the {name}", f"{name} against the opponent", meaning)


MAIN = {  # the first that a grid has comes first; benchmarks, other opponents and other rates stand beside these
    "bpb_reduction": Outcome(
        "bpb reduction",
        "the bpb reduction",
        "bpb reduction",
        "The bpb reduction is the bits per byte (bpb) of the held-out references that a cell's model saves over one "
        "fixed random opponent. More is better.",
    ),
    "likelihood_win_rate": Outcome(
        "likelihood win rate",
        "the likelihood win rate",
        "likelihood win rate against the opponent",
        "The likelihood win rate is the share of prompts whose reference is likelier under a cell's model than under "
        "one fixed random opponent. More is better.",
    ),
    "alpaca_eval_win_rate": _name_judged("AlpacaEval"),
    "arena_hard_win_rate": _name_judged("Arena-Hard"),
}


def list_outcomes(cells: pl.DataFrame) -> list[str]:
    """The columns that are outcomes: bpb reductions and win rates that any cell has, the main ones first.

    The win rate by similarity is none: answers of a small model are too far from the reference to be told apart.
    """
    candidates = [name for name in cells.columns if name.startswith("bpb_reduction") or is_share(name)]
    outcomes = [name for name in candidates if not NO_OUTCOME.search(name) and cells[name].count()]
    return [*(name for name in MAIN if name in outcomes), *sorted(set(outcomes) - set(MAIN))]


def is_share(outcome: str) -> bool:
    """Whether an outcome is a share from 0 to 1, which is printed without a sign."""
    return "win_rate" in outcome


def get_unit(outcome: str) -> str:
    """What follows a difference: 'bpb' or 'in win rate'."""
    return "in win rate" if is_share(outcome) else "bpb"
