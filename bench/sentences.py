"""How often each kind of sentence is wrong where it should not be said, and how often it is said where it is true.

`python -m bench.sentences [STUDIES]` prints the table of docs/explanation/statistics.md: planted studies of the default
grid's shape go from grid.csv through the analysis to the words, which are then read. `--write` puts it into the page.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from bench.planted import planted_grid
from m2m.schemas.study import Study
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.study import build_study

PAGE = Path("docs/explanation/statistics.md")
HERO, OTHER = "response-micro", "response-macro"
SEED_SD, CELL_SD = 0.0009, 0.0014  # bpb, of the default study: the cells of a seed correlate by 0.3
GROUP_SD, PROMPT_SD = (
    0.003,
    0.01,
)  # what a configuration does otherwise on other groups of prompts, and on other prompts
GROUPS, PROMPTS, RESAMPLES = 19, 76, 300
LENGTHS = (46.0, 100.0)  # response tokens of response-micro at degree 0 and 6, and of random of its lengths
Words = Callable[[Study], bool]


class Planted(NamedTuple):
    """What is true of a study; effects in bpb."""

    best: float = 0.0  # of response-macro at degree 6
    line: float = 0.0  # of response-micro from degree 0 to 6
    cliff: float = 0.0  # by which response-macro at degree 0 is lower
    length: float = 0.0  # of the response length, from end to end
    concave: bool = False  # half of the length's effect is there after 29 % of the way


class Sentence(NamedTuple):
    """A kind of sentence, a truth under which it is wrong, and one under which it is right."""

    words: str
    is_said: Words
    wrong_where: str
    null: Planted
    right_where: str
    truth: Planted


def plant_study(truth: Planted, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables as in schemas Grid and Scores, of 67 cells: the default grid at free lengths."""
    rng = np.random.default_rng(seed)
    parts = [
        planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.0), seed=seed),
        planted_grid({"length-matched": 0.0}, degrees=(0, 6), seeds=3, random=0, seed=seed),
        planted_grid({HERO: 0.0}, degrees=(0, 3, 6), seeds=3, random=0, seed=seed),
    ]
    named = [
        part.with_columns(experiment=pl.format("{}-{}", pl.lit(number), "experiment"))
        for number, part in enumerate(parts)
    ]
    grid = pl.concat(named).unique(["strategy", "match", "degree", "seed"], keep="first", maintain_order=True)
    grid = _add_lengths(grid.sort("experiment"), rng)
    level = _add_effects(grid, truth) + rng.normal(0, CELL_SD, grid.height)
    level += rng.normal(0, SEED_SD, 10)[grid["seed"].to_numpy()]
    saved = level[:, None] + _draw_prompts(grid, rng)
    table = grid.with_columns(bpb_reduction=pl.Series(saved.mean(axis=1)), likelihood_win_rate=pl.lit(None, pl.Float64))
    names = [f"p{prompt:03d}" for prompt in range(PROMPTS)]
    scores = pl.DataFrame(
        {
            "experiment": np.repeat(grid["experiment"].to_numpy(), PROMPTS),
            "outcome": "bpb_reduction",
            "id": names * grid.height,
            "score": saved.ravel(),
            "weight": np.ones(saved.size),
            "group": [f"g{prompt % GROUPS:02d}" for prompt in range(PROMPTS)] * grid.height,
        }
    )
    return table, scores


def _add_lengths(grid: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    moved = pl.col("strategy").is_in([HERO, "length-matched"])
    low, high = LENGTHS
    length = pl.when(moved).then(low + (high - low) * pl.col("degree") / 6).otherwise(93.0)
    return grid.with_columns(mean_response_tokens=length + pl.Series(rng.normal(0, 2, grid.height)))


def _add_effects(grid: pl.DataFrame, truth: Planted) -> np.ndarray:
    strategy, degree = grid["strategy"].to_numpy(), grid["degree"].to_numpy()
    low, high = LENGTHS
    share = (grid["mean_response_tokens"].to_numpy() - low) / (high - low)
    bend = 1 - (1 - share.clip(0, 1)) ** 2 if truth.concave else share
    return np.asarray(
        truth.best * ((strategy == OTHER) & (degree == 6))
        + truth.line * (strategy == HERO) * (degree / 6 - 1)
        - truth.cliff * ((strategy == OTHER) & (degree == 0))
        + truth.length * (bend - bend[strategy == "random"].mean())
    )


def _draw_prompts(grid: pl.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """What a configuration does otherwise on each prompt than on all: cells × prompts."""
    names, member = np.unique(
        grid.select(pl.format("{}{}", "strategy", "degree")).to_series().to_numpy(), return_inverse=True
    )
    by_group = rng.normal(0, GROUP_SD, (len(names), GROUPS))[:, np.arange(PROMPTS) % GROUPS]
    by_prompt = rng.normal(0, PROMPT_SD, (len(names), PROMPTS))
    return np.asarray((by_group + by_prompt)[member])


def find_words(pattern: str) -> Words:
    """Whether the primary headline has these words."""
    return lambda study: bool(re.search(pattern, study["verdict"][0]["headline"]))


def find_sentence(pattern: str) -> Words:
    """Whether a sentence below the primary headline has these words."""
    return lambda study: any(re.search(pattern, text) for text in study["verdict"][0]["sentences"])


def misses_truth(study: Study) -> bool:
    """Whether the interval for the best of all does not hold, where every configuration equals random."""
    best = max((row for row in study["against_random"] if "all_low" in row), key=lambda row: row["value"])
    return not best["all_low"] <= 0 <= best["all_high"]


NOTHING = Planted()
DIRECT, CLIFFS = Planted(line=0.022), Planted(cliff=0.013)
ALL_LENGTH, BENT_LENGTH = Planted(length=0.022), Planted(length=0.022, concave=True)
BEATS = r"\d+ configurations beats? random"
WORSE = "significantly worse than random"
CLIFF = r": a cliff\."
ANYTHING = rf"{BEATS}|{WORSE}|from least to most diverse|{CLIFF}|the degrees differ"
TREND = rf"{HERO.capitalize()}: [+−]\S+ bpb from least to most diverse"
LEFT = rf"{TREND}[^:]*\. With length controlled: not (wholly )?explained"
EXPLAINED = rf"{TREND}[^:]*\. With length controlled: (mostly )?explained"
BESIDE_CLIFF = Planted(line=0.022, cliff=0.013)
is_anything, is_better, is_worse, is_trend, is_cliff, is_explained, is_left = (
    find_words(pattern) for pattern in (ANYTHING, BEATS, WORSE, "from least to most diverse", CLIFF, EXPLAINED, LEFT)
)
is_strongest = find_sentence(r"correlates most strongly with performance\. Supported")
is_estimator = find_sentence(r"estimator of performance\. (Supported|Contradicted)")
EMPTY, SLOPE, DROP = "nothing is there", "a slope of 0.022", "a cliff of 0.013"
LENGTH_ALL, LENGTH_BENT = "length does it all, 0.022", "length does it all, 0.022, along a concave curve"
WITH_CLIFF = "a slope of 0.022 beside a cliff of another strategy"
SENTENCES = [
    Sentence("a headline that claims anything", is_anything, EMPTY, NOTHING, SLOPE, DIRECT),
    Sentence("“beats random”", is_better, EMPTY, NOTHING, "a gain of 0.005", Planted(best=0.005)),
    Sentence("“beats random”", is_better, EMPTY, NOTHING, "a gain of 0.003", Planted(best=0.003)),
    Sentence("interval for the best without 0", misses_truth, EMPTY, NOTHING, "a gain of 0.005", Planted(best=0.005)),
    Sentence("“worse than random”", is_worse, EMPTY, NOTHING, DROP, CLIFFS),
    Sentence("“from least to most diverse”", is_trend, EMPTY, NOTHING, "a slope of 0.011", Planted(line=0.011)),
    Sentence("“from least to most diverse”", is_trend, DROP, CLIFFS, "a slope of 0.006", Planted(line=0.006)),
    Sentence("“a cliff”", is_cliff, SLOPE, DIRECT, DROP, CLIFFS),
    Sentence("“explained by length”", is_explained, SLOPE, DIRECT, LENGTH_ALL, ALL_LENGTH),
    Sentence("“explained by length”", is_explained, WITH_CLIFF, BESIDE_CLIFF, LENGTH_BENT, BENT_LENGTH),
    Sentence(
        "“explained by length”",
        is_explained,
        "a slope of 0.006",
        Planted(line=0.006),
        "length does it all, 0.011",
        Planted(length=0.011),
    ),
    Sentence("“not (wholly) explained by length”", is_left, LENGTH_ALL, ALL_LENGTH, SLOPE, DIRECT),
    Sentence("“not (wholly) explained by length”", is_left, LENGTH_BENT, BENT_LENGTH, WITH_CLIFF, BESIDE_CLIFF),
    Sentence("the paper's strongest correlation, “Supported”", is_strongest, EMPTY, NOTHING, SLOPE, DIRECT),
    Sentence("the paper's best metric, “Supported” or “Contradicted”", is_estimator, EMPTY, NOTHING, "", NOTHING),
]


def tabulate(studies: int) -> str:
    """The table in Markdown; each planted truth is analysed once for all sentences."""
    truths = list(dict.fromkeys(truth for sentence in SENTENCES for truth in (sentence.null, sentence.truth)))
    rates: dict[tuple[Planted, Words], float] = {}
    for truth in truths:
        asked = {sentence.is_said for sentence in SENTENCES if truth in (sentence.null, sentence.truth)}
        said = dict.fromkeys(asked, 0)
        for seed in range(studies):
            study = build_study(*plant_study(truth, seed), seed=1, resamples=RESAMPLES)
            for is_said in asked:
                said[is_said] += is_said(study)
        rates |= {(truth, is_said): count / studies for is_said, count in said.items()}
        print(truth, sorted(said.values()), file=sys.stderr, flush=True)
    return "\n".join([*HEADS, *(_write_row(sentence, rates) for sentence in SENTENCES)])


HEADS = ["| sentence | wrong where | said there | right where | said there |", "|---|---|---:|---|---:|"]


def _write_row(sentence: Sentence, rates: Mapping[tuple[Planted, Words], float]) -> str:
    wrong = f"{rates[sentence.null, sentence.is_said]:.1%}".replace("%", " %")
    right = f"{rates[sentence.truth, sentence.is_said]:.0%}".replace("%", " %") if sentence.right_where else "–"
    return f"| {sentence.words} | {sentence.wrong_where} | {wrong} | {sentence.right_where or '–'} | {right} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="?", type=int, default=300)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    table = tabulate(arguments.studies)
    print(table)
    if arguments.write:
        marks = "<!-- sentences -->", "<!-- /sentences -->"
        before, rest = PAGE.read_text(encoding="utf-8").split(marks[0])
        after = rest.split(marks[1])[1]
        text = f"{before}{marks[0]}\n\n{arguments.studies} studies each.\n\n{table}\n\n{marks[1]}{after}"
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
