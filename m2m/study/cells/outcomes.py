"""What a cell may be worth: which of its metrics say so, the main ones first, and the words for them."""

import re
from typing import NamedTuple

import polars as pl

NO_OUTCOME = re.compile(r"_(low|high|missing)$")


class Outcome(NamedTuple):
    """How texts and figures call a main outcome; of each of them more is better."""

    name: str
    phrase: str  # in a sentence
    unit: str  # of a difference
    axis: str
    meaning: str


def _judged(judge: str) -> Outcome:
    name = f"{judge} win rate"
    meaning = (
        f"The {name} is the share of the prompts, 0 to 1, on which {judge}'s LLM judge prefers a cell's answers to "
        "those of one fixed random opponent; more is better."
    )
    return Outcome(name, f"the {name}", "of the prompts won", f"{name} against the opponent", meaning)


MAIN = {  # the first that a grid has comes first; benchmarks, other opponents and other rates stand beside these
    "bpb_reduction": Outcome(
        "bpb reduction",
        "the bpb reduction",
        "bits a byte",
        "bpb reduction",
        "The bpb reduction is how many bits a byte of the held-out references a cell's model saves over one fixed random "
        "opponent; more is better.",
    ),
    "likelihood_win_rate": Outcome(
        "likelihood win rate",
        "the likelihood win rate",
        "of the prompts won",
        "likelihood win rate against the opponent",
        "The likelihood win rate is the share of the prompts, 0 to 1, whose reference a cell's model finds likelier than one "
        "fixed random opponent does; more is better.",
    ),
    "alpaca_eval_win_rate": _judged("AlpacaEval"),
    "arena_hard_win_rate": _judged("Arena-Hard"),
}


def list_outcomes(cells: pl.DataFrame) -> list[str]:
    """Columns that say what a cell is worth: performance and win rates, the main ones first, where any cell has one."""
    worth = [name for name in cells.columns if name.startswith("bpb_reduction") or "win_rate" in name]
    told = [name for name in worth if not NO_OUTCOME.search(name) and cells[name].count()]
    return [*(name for name in MAIN if name in told), *sorted(set(told) - set(MAIN))]
