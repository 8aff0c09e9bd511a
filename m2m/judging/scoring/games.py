"""Games (who won, in which order the judge saw the answers) → one row a prompt, and what the order did to the judge.

A table of games has the columns id, repeat, order (1: the opponent was shown first), won (the candidate's part, 0..1;
null without a readable verdict) and weight (how many games it counts for).
"""

import polars as pl

READABLE = pl.col("won").is_not_null()


def by_prompt(games: pl.DataFrame) -> pl.DataFrame:
    """id, won (Σ weight · won), weight (Σ weight) and the first of each further column, a row a prompt.

    Prompts are in the order of their first readable game; those without one are left out.
    """
    sums = {"won": (pl.col("won") * pl.col("weight")).sum(), "weight": pl.col("weight").sum()}
    more = pl.exclude("id", "repeat", "order", "won", "weight").first()
    return games.filter(READABLE).group_by("id", maintain_order=True).agg(more, **sums)


def bias(games: pl.DataFrame) -> dict[str, float]:
    """Shares that tell what the order of the answers did; a share of nothing is left out.

    `flips`: of the prompts judged in both orders (a repeat apart), those where the other answer won in the other
    order. `first_wins`: of the games that someone won, those won by the answer shown first. `ties`: of all games.
    """
    readable = games.filter(READABLE).select(
        "id", "repeat", "order", side=(pl.col("won") - 0.5).sign(), first=pl.col("order") == 0
    )
    both = readable.filter(pl.col("first")).join(readable.filter(~pl.col("first")), on=["id", "repeat"])
    decided = readable.filter(pl.col("side") != 0)
    shares = {
        "flips": both["side"] * both["side_right"] < 0,
        "first_wins": decided["first"] == (decided["side"] > 0),
        "ties": readable["side"] == 0,
    }
    return {name: float(share.sum()) / len(share) for name, share in shares.items() if len(share)}


def noise(games: pl.DataFrame) -> dict[str, float]:
    """`repeat_sd`: the standard deviation over repeats of the win rate, the judge's own noise; one repeat has none."""
    share = (pl.col("won") * pl.col("weight")).sum() / pl.col("weight").sum()
    rates = games.filter(READABLE).group_by("repeat", maintain_order=True).agg(rate=share)["rate"]
    spread = rates.std()
    return {"repeat_sd": spread} if isinstance(spread, float) else {}
