"""The games of one candidate against one opponent → what a leaderboard says of them, with our intervals."""

from collections.abc import Callable

import numpy as np
import polars as pl

from m2m.judging.protocols import alpaca_eval, arena_hard
from m2m.judging.protocols.protocols import Protocol
from m2m.judging.scoring.games import bias, by_prompt, noise
from m2m.judging.scoring.length_control import FOLDS, Gamed, LengthGames, controlled_interval, length_controlled
from m2m.judging.scoring.prompt_bootstrap import share_interval

Interval = tuple[float, float, float]  # value, 95 % low and high
Record = dict[str, float | Interval]


def judged(protocol: Protocol, games: pl.DataFrame, gamed: Gamed | None, seed: int, resamples: int) -> Record:
    """Figures by name, shares 0..1: win rates and their intervals, bias, noise, and `missing`: games without a verdict.

    `games` as in core.games; for AlpacaEval's length control also surplus (characters of the opponent's answer − those
    of the candidate's) and difficulty (null where not known; the full form needs it everywhere, and `gamed`). Intervals
    are 95 %, from a seeded bootstrap over prompts, all games of a prompt together; the length-controlled one takes a
    tenth of `resamples`, each of them a fit. Below two prompts with a verdict there are no win rates.
    """
    prompts = by_prompt(games)
    record: Record = {"missing": games["won"].null_count(), **bias(games), **noise(games)}
    if len(prompts) >= 2:
        record |= FIGURES[protocol](prompts, gamed, seed, resamples)
    return record


def _alpaca_eval(prompts: pl.DataFrame, gamed: Gamed | None, seed: int, resamples: int) -> Record:
    likings = (prompts["won"] / prompts["weight"]).to_numpy()
    row = alpaca_eval.figures(likings)
    ends = share_interval(likings, np.ones(len(likings)), np.random.default_rng(seed), resamples)
    record: Record = {"win_rate": (row.win_rate, *ends)}
    record |= {"standard_error": row.standard_error, "discrete_win_rate": row.discrete_win_rate}
    surplus = prompts["surplus"].to_numpy()
    if len(prompts) < FOLDS or surplus.min() == surplus.max():
        return record
    full = gamed is not None and prompts["difficulty"].null_count() == 0
    known = LengthGames(likings, surplus, *((prompts["difficulty"].to_numpy(), gamed) if full else ()))
    ends = controlled_interval(known, np.random.default_rng(seed), max(resamples // 10, 1))
    return record | {"lc_win_rate" if full else "lc_minimal_win_rate": (length_controlled(known), *ends)}


def _arena_hard(prompts: pl.DataFrame, gamed: Gamed | None, seed: int, resamples: int) -> Record:
    won, weights = prompts["won"].to_numpy(), prompts["weight"].to_numpy()
    ends = share_interval(won, weights, np.random.default_rng(seed), resamples)
    return {"win_rate": (arena_hard.win_rate(won, weights), *ends)}


FIGURES: dict[Protocol, Callable[[pl.DataFrame, Gamed | None, int, int], Record]] = {
    "alpaca-eval": _alpaca_eval,
    "arena-hard": _arena_hard,
}
