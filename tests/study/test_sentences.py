"""What a person reads of a study has no sentence of more than 25 words, over many planted studies and our own."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.schemas.study import Study
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.study import build_study
from m2m.study.report.recommendation import write_paragraphs
from m2m.study.study_file import read_study
from tests.planted import NO_SCORES, suffix

ROOT = Path(__file__).parent.parent.parent
LONGEST = 25
SIX = dict.fromkeys(UNIT_STRATEGIES, 0.0)


def list_sentences(study: Study) -> list[str]:
    texts = [text for row in study["verdict"] for text in (row["headline"], *row["sentences"])]
    texts += [text for outcome in study["outcomes"] for text in write_paragraphs(study, outcome)]
    return [sentence for text in texts for sentence in re.split(r"(?<=[.?!])\s+", text)]


def matched(noise: float) -> pl.DataFrame:
    return suffix(planted_grid({"length-matched": 0.3}, seeds=3, random=0, noise=noise), "m")


def step(grid: pl.DataFrame) -> pl.DataFrame:
    """Every strategy's degree 0 is far below the others."""
    low = (pl.col("degree") == 0) & (pl.col("strategy") != "random")
    return grid.with_columns(bpb_reduction=pl.col("bpb_reduction") - low * 0.5)


WINDOW: dict[str, Any] = {"min_tokens": 40, "max_tokens": 120, "weights": "inverse", "random": 0}
GRIDS = {
    "nothing": planted_grid(),
    "everything": planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.5)),
    "everything falls": planted_grid(dict.fromkeys(UNIT_STRATEGIES, -0.5)),
    "length": planted_grid(SIX, length_effect=0.01, length_slope=100),
    "steps": step(planted_grid(SIX, degrees=tuple(range(7)), noise=0.02)),
    "length-matched random is best": pl.concat([planted_grid(SIX, noise=0.01), matched(0.01)]),
    "length-matched random may be best": pl.concat([planted_grid(SIX, noise=0.01), matched(0.4)]),
    "a window": pl.concat([planted_grid(SIX), suffix(planted_grid({"response-micro": 0.3}, **WINDOW), "w")]),
    "one cell": planted_grid({"response-micro": 0.0}, degrees=(0,), seeds=1, random=0),
    "random only": planted_grid({}, random=3),
    "one random": planted_grid(SIX, random=1),
    "no random": planted_grid(SIX, random=0),
    "one degree": planted_grid(SIX, degrees=(3,)),
    "one seed": planted_grid(SIX, degrees=(0, 3, 6), seeds=1, random=1),
    "no noise": planted_grid(SIX, noise=0.0),
    "two strategies": planted_grid({"response-micro": 0.5, "response-macro": 0.0}, seeds=3),
    "a far point": step(planted_grid({"response-micro": 0.0, "instruction-micro": 0.0}, degrees=(0, 6))),
}


@pytest.mark.parametrize("name", GRIDS)
def test_no_sentence_of_a_planted_study_is_too_long(name: str) -> None:
    study = build_study(GRIDS[name], NO_SCORES, seed=1, resamples=50)
    for sentence in list_sentences(study):
        assert len(sentence.split()) <= LONGEST, sentence
        assert sentence[0].isupper() or sentence[0].isdigit(), sentence
        assert not re.search(r"\s-\d", sentence) and ";." not in sentence, sentence


@pytest.mark.parametrize("seed", range(12))
def test_no_sentence_of_a_random_study_is_too_long(seed: int) -> None:
    rng = np.random.default_rng(seed)
    strategies = rng.choice([*UNIT_STRATEGIES, "k-center", "length-matched"], rng.integers(1, 9), replace=False)
    grid = planted_grid(
        {name: float(rng.normal(0, 0.2)) for name in strategies},
        degrees=tuple(sorted(rng.choice(7, rng.integers(1, 8), replace=False).tolist())),
        seeds=int(rng.integers(1, 4)),
        random=int(rng.integers(0, 5)),
        length_slope=float(rng.choice([0, 20, 200])),
        length_effect=float(rng.choice([0, 0.002])),
        seed=seed,
    )
    for sentence in list_sentences(build_study(grid, NO_SCORES, seed=1, resamples=50)):
        assert len(sentence.split()) <= LONGEST, sentence


@pytest.mark.parametrize("folder", ["metrics", "metrics/development", "metrics/smollm2"])
def test_no_sentence_of_a_committed_study_is_too_long(folder: str) -> None:
    sentences = list_sentences(read_study(ROOT / folder / "study.json"))
    assert len(sentences) > 50 and max(len(sentence.split()) for sentence in sentences) <= LONGEST


def test_a_long_sentence_would_be_noticed() -> None:
    study = build_study(GRIDS["random only"], NO_SCORES, seed=1, resamples=50)
    study["verdict"][0]["sentences"].append(" ".join(["word"] * 26) + ".")
    assert max(len(sentence.split()) for sentence in list_sentences(study)) == 26
