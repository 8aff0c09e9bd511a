"""How often three 95 % intervals over prompts hold the truth, in simulated studies: ours, BCa, Student's t."""

import json
import sys
import warnings

import numpy as np
from scipy.stats import bootstrap, t

from m2m.judging.scoring.prompt_bootstrap import bootstrap_ratio

RESAMPLES = 2000
Study = tuple[np.ndarray, np.ndarray]


def wins(rng: np.random.Generator, prompts: int) -> Study:
    """Win rate .3, a tie in ten."""
    return rng.choice([0.0, 0.5, 1.0], p=[0.65, 0.1, 0.25], size=prompts), np.ones(prompts)


def rare_wins(rng: np.random.Generator, prompts: int) -> Study:
    """Win rate .03: at 30 prompts many studies see no win at all."""
    return (rng.random(prompts) < 0.03).astype(float), np.ones(prompts)


def bits_a_byte(rng: np.random.Generator, prompts: int) -> Study:
    """2 bits a byte, log-normal lengths."""
    lengths = np.round(np.exp(rng.normal(5, 1, prompts))) + 1
    return lengths * rng.normal(2, 0.5, prompts), lengths


def gain(rng: np.random.Generator, prompts: int) -> Study:
    """A paired difference of .1 bits a byte, log-normal lengths."""
    lengths = np.round(np.exp(rng.normal(5, 1.2, prompts))) + 1
    return lengths * rng.normal(0.1, 0.3, prompts), lengths


STUDIES = {
    "win rate .3": (wins, 0.3),
    "win rate .03": (rare_wins, 0.03),
    "bits/byte": (bits_a_byte, 2),
    "gain": (gain, 0.1),
}


def bca(tops: np.ndarray, bottoms: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no answer where all prompts agree: counted as a miss
        interval = bootstrap(
            (tops, bottoms),
            lambda a, b, axis: a.sum(axis) / b.sum(axis),
            paired=True,
            n_resamples=RESAMPLES,
            method="BCa",
            rng=rng,
        ).confidence_interval
    return interval.low, interval.high


def student(tops: np.ndarray, bottoms: np.ndarray, _: np.random.Generator) -> tuple[float, float]:
    """The delta method's standard error with t quantiles."""
    ratio = tops.sum() / bottoms.sum()
    error = np.std((tops - ratio * bottoms) / bottoms.mean(), ddof=1) / np.sqrt(len(tops))
    return ratio - error * t.ppf(0.975, len(tops) - 1), ratio + error * t.ppf(0.975, len(tops) - 1)


def ours(tops: np.ndarray, bottoms: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    return bootstrap_ratio(tops, bottoms, rng, RESAMPLES)


def main(studies: int) -> None:
    rng = np.random.default_rng(0)
    for name, (study, truth) in STUDIES.items():
        for prompts in (30, 100, 300):
            samples = [study(rng, prompts) for _ in range(studies)]
            share = {
                form.__name__: np.mean([low <= truth <= high for low, high in (form(*data, rng) for data in samples)])
                for form in (ours, bca, student)
            }
            print(json.dumps({"case": f"95 % of {name}, {prompts} prompts", "rows": studies} | share), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
