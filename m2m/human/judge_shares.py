"""What a judge says of each prompt: the first model's share of it."""

import polars as pl

from m2m.judging.protocols.offline_judges import judge_by_likelihood
from m2m.judging.protocols.protocols import parse_verdicts
from m2m.judging.scoring.games import score_by_prompt

JudgeShares = dict[str, float]


def share_by_prompt(verdicts: pl.DataFrame, engine: str) -> JudgeShares:
    """The candidate's share (0..1) of each prompt with a readable verdict; `verdicts` are all of the judge `engine`."""
    scores = score_by_prompt(parse_verdicts(verdicts, engine), engine)
    return dict(scores.select("id", pl.col("score") / pl.col("weight")).sort("id").iter_rows())


def score_by_likelihood(games: pl.DataFrame) -> JudgeShares:
    """The candidate's share of each of `games` (judging.match_answers) with a reference: 1 where it is likelier."""
    return share_by_prompt(judge_by_likelihood(games), "likelihood")


def turn_sides(shares: JudgeShares) -> JudgeShares:
    """The opponent's share of each prompt.

    >>> turn_sides({"a": 1.0, "b": 0.25})
    {'a': 0.0, 'b': 0.75}
    """
    return {prompt: 1 - share for prompt, share in shares.items()}
