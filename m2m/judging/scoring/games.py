"""Sums games (one judge's verdicts) to one score a prompt, and measures order bias and noise of the judge.

A table of games has the columns id, repeat, order (1: the opponent was shown first), won (the candidate's share, 0..1;
null without a readable verdict) and weight (the number of games that it counts for).
"""

import numpy as np
import polars as pl
from jaxtyping import Float64, Num

LENGTHS = ("short", "medium", "long")
READABLE = pl.col("won").is_not_null()


def score_by_prompt(games: pl.DataFrame, engine: str) -> pl.DataFrame:
    """id, score, weight and the first value of each further column, one row a prompt: win rate = Σ score / Σ weight.

    Arena-Hard counts every game by its weight, all other judges every prompt once. Prompts without a readable game
    are left out.
    """
    totals = sum_by_prompt(games).rename({"won": "score"})
    if engine == "arena-hard":
        return totals.with_columns(pl.col("score", "weight").cast(pl.Float64))
    return totals.with_columns(score=pl.col("score") / pl.col("weight"), weight=pl.lit(1.0))


def sum_by_prompt(games: pl.DataFrame) -> pl.DataFrame:
    """id, won (Σ weight · won), weight (Σ weight) and the first value of each further column, one row a prompt.

    Prompts keep the order of their first readable game; prompts without one are left out.
    """
    sums = {"won": (pl.col("won") * pl.col("weight")).sum(), "weight": pl.col("weight").sum()}
    first = pl.exclude("id", "repeat", "order", "won", "weight").first()
    return games.filter(READABLE).group_by("id", maintain_order=True).agg(first, **sums)


def measure_order_bias(games: pl.DataFrame) -> dict[str, float]:
    """Shares that show the effect of the answers' order; a share of zero games is left out.

    `flips`: of the prompts judged in both orders (each repeat apart), those whose winner changed with the order.
    `first_wins`: of the games without a tie, those won by the answer shown first. `ties`: of all games.
    """
    readable = games.filter(READABLE).select(
        "id", "repeat", "order", side=(pl.col("won") - 0.5).sign(), first=pl.col("order") == 0
    )
    paired = readable.filter(pl.col("first")).join(readable.filter(~pl.col("first")), on=["id", "repeat"])
    decided = readable.filter(pl.col("side") != 0)
    shares = {
        "flips": paired["side"] * paired["side_right"] < 0,
        "first_wins": decided["first"] == (decided["side"] > 0),
        "ties": readable["side"] == 0,
    }
    return {name: float(share.sum()) / len(share) for name, share in shares.items() if len(share)}


def measure_repeat_noise(games: pl.DataFrame) -> dict[str, float]:
    """`repeat_sd`: the standard deviation of the win rate over repeats; left out for a single repeat."""
    share = (pl.col("won") * pl.col("weight")).sum() / pl.col("weight").sum()
    rates = games.filter(READABLE).group_by("repeat", maintain_order=True).agg(rate=share)["rate"]
    spread = rates.std()
    return {"repeat_sd": spread} if isinstance(spread, float) else {}


def compute_win_rates_by_length(
    scores: Float64[np.ndarray, "prompts"], lengths: Num[np.ndarray, "prompts"]
) -> dict[str, float]:
    """Mean score of the prompts with short, medium and long references, split at the terciles of `lengths`.

    Equal lengths go to the shorter group. An empty group is left out.
    """
    if not len(lengths):
        return {}
    last_of_third = [-(-len(lengths) * third // 3) - 1 for third in (1, 2)]
    cuts = np.sort(lengths)[last_of_third]
    group = np.searchsorted(cuts, lengths)
    return {name: float(scores[group == i].mean()) for i, name in enumerate(LENGTHS) if (group == i).any()}
