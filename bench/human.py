"""Coverage of the intervals of `m2m human` in simulated studies: `python -m bench.human [--studies 2000]`."""

import argparse
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float64

from m2m.human.agreement import calculate_alpha, estimate_agreement
from m2m.human.corrected_rate import estimate_corrected_rate, estimate_label_rate

RATES = (0.05, 0.1, 0.2, 0.425)  # of the first model in prompts with different answers; a tie is half a win
TIES = 6 / 17  # ties in a prompt, as a share of its rate
Lean = Literal["first", "second", "longer", "graded", "raters"]
Labels = Float64[np.ndarray, "prompts"]


def draw_labels(rng: np.random.Generator, prompts: int, rate: float = RATES[-1]) -> Labels:
    tie = TIES * rate
    return rng.choice([1.0, 0.5, 0.0], prompts, p=[rate - tie / 2, tie, 1 - rate - tie / 2])


def judge_labels(rng: np.random.Generator, people: Labels, bias: float, lean: Lean) -> Labels:
    """The verdicts of a judge that says anything in a tenth of the prompts, and leans in a share `bias` of some others.

    `first`, `raters`: a loss becomes a win. `second`: a win becomes a loss. `longer`: the longer answer wins, which has
    nothing to do with people. `graded`: a share in 0..1, noisy, shrunk towards 0.5 and moved up by half the bias.
    """
    share = rng.random(len(people))
    match lean:
        case "graded":
            return np.clip(0.15 + 0.7 * people + bias / 2 + rng.normal(0, 0.2, len(people)), 0, 1)
        case "longer":
            judged = np.where(share < bias, rng.integers(0, 2, len(people)), people)
        case "second":
            judged = np.where((people == 1) & (share < bias), 0.0, people)
        case _:
            judged = np.where((people == 0) & (share < bias), 1.0, people)
    return np.where(rng.random(len(people)) < 0.1, rng.integers(0, 2, len(people)), judged)


def average_raters(rng: np.random.Generator, people: Labels, rate: float, raters: int = 3) -> Labels:
    """The mean of raters who each say anything in a quarter of the prompts."""
    count = len(people)
    ratings = [np.where(rng.random(count) < 0.25, draw_labels(rng, count, rate), people) for _ in range(raters)]
    return np.mean(ratings, axis=0)


def count_covered(
    studies: int, labels: int, prompts: int, bias: float, seed: int, lean: Lean = "first", rate: float = RATES[-1]
) -> tuple[float, float, float]:
    """The share of studies whose corrected and labels-alone intervals hold the truth, and the ratio of their widths.

    A tenth of the prompts has equal answers; `rate` is the first model's in the others.
    """
    rng = np.random.default_rng(seed)
    truth = 0.9 * rate + 0.1 / 2
    covered, widths = np.zeros(2), np.zeros(2)
    for _ in range(studies):
        ties = rng.binomial(prompts, 0.1)
        people = draw_labels(rng, prompts - ties, rate)
        judged = judge_labels(rng, people, bias, lean)
        rated = (average_raters(rng, people, rate) if lean == "raters" else people)[:labels]
        intervals = (
            estimate_corrected_rate(rated, judged[:labels], judged[labels:], len(people), ties),
            estimate_label_rate(rated, len(people), ties),
        )
        covered += [interval.low <= truth <= interval.high for interval in intervals]
        widths += [interval.high - interval.low for interval in intervals]
    return float(covered[0] / studies), float(covered[1] / studies), float(widths[0] / widths[1])


def count_agreements(studies: int, pairs: int, raters: int, care: float, seed: int) -> tuple[float, float, float]:
    """The true alpha, the share of studies whose interval holds it, and the mean width.

    A rater sees the better answer with probability `care`, and otherwise says anything.
    """
    rng = np.random.default_rng(seed)

    def rate(count: int) -> Float64[np.ndarray, "raters pairs"]:
        truth = draw_labels(rng, count)
        return np.stack([np.where(rng.random(count) < care, truth, draw_labels(rng, count)) for _ in range(raters)])

    alpha = calculate_alpha(rate(200_000))
    intervals = [estimate_agreement(rate(pairs), study) for study in range(studies)]
    held = np.mean([interval.low <= alpha <= interval.high for interval in intervals])
    return alpha, float(held), float(np.nanmean([interval.high - interval.low for interval in intervals]))


def compare_draws(studies: int, labels: int, prompts: int, doubt: float, trust: float) -> tuple[float, float, float]:
    """Coverage with pairs drawn evenly and by the judge's doubt, and the ratio of the widths of doubt / even.

    The judge gives the first model's chance, from a Beta(doubt, doubt); people follow it with weight `trust`, where 1
    is a judge that knows its chance exactly. A prompt is drawn with a probability in proportion to √(chance · (1 −
    chance)), at least a fifth of the even one, and weighted by its inverse: the best draw for an exact judge.
    """
    rng = np.random.default_rng(1)
    held, widths = np.zeros(2), np.zeros(2)
    for _ in range(studies):
        chance = rng.beta(doubt, doubt, prompts)
        people = (rng.random(prompts) < 0.5 + trust * (chance - 0.5)).astype(float)
        telling = np.sqrt(chance * (1 - chance))
        even = labels / prompts
        draws = np.full(prompts, even), 0.2 * even + 0.8 * even * telling / telling.mean()
        for place, inclusion in enumerate(np.clip(draws, 0, 1)):
            drawn = rng.random(prompts) < inclusion
            shares = chance + np.where(drawn, (people - chance) / inclusion, 0)
            reach = 1.96 * (shares.var(ddof=1) / prompts) ** 0.5
            held[place] += abs(shares.mean() - 0.5) <= reach
            widths[place] += reach
    return float(held[0] / studies), float(held[1] / studies), float(widths[1] / widths[0])


def print_rates(studies: int) -> None:
    """The least and the most over all ways to lean and four biases."""
    print("| true rate | labels | corrected covers | labels alone cover | width of corrected / alone |")
    print("|---:|---:|---:|---:|---:|")
    for rate in RATES:
        for labels in (30, 50, 100):
            cases = [(bias, lean) for lean in get_args(Lean) for bias in (0.0, 0.05, 0.15, 0.3)]
            shares = np.array([count_covered(studies, labels, 800, bias, 1, lean, rate) for bias, lean in cases])
            corrected, alone = (f"{100 * case.min():.1f}–{100 * case.max():.1f} %" for case in shares.T[:2])
            widths = f"{shares[:, 2].min():.2f}–{shares[:, 2].max():.2f}"
            print(f"| {rate} | {labels} | {corrected} | {alone} | {widths} |", flush=True)


def print_agreements(studies: int) -> None:
    print("\n| true alpha of two raters | pairs | interval covers | width |\n|---:|---:|---:|---:|")
    for care in (0.95, 0.7, 0.3):
        for pairs in (15, 30, 60, 100):
            alpha, held, width = count_agreements(studies, pairs, 2, care, 1)
            print(f"| {alpha:.2f} | {pairs} | {100 * held:.1f} % | {width:.2f} |", flush=True)


def print_draws(studies: int) -> None:
    print("\n| chances | judge | even draw covers | draw by doubt covers | width of doubt / even |")
    print("|---|---|---:|---:|---:|")
    for doubt in (0.5, 1.0, 2.0):
        for trust, judge in ((1.0, "exact"), (0.5, "overconfident")):
            even, telling, ratio = compare_draws(studies, 100, 720, doubt, trust)
            print(f"| Beta({doubt}, {doubt}) | {judge} | {100 * even:.1f} % | {100 * telling:.1f} % | {ratio:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    studies = parser.parse_args().studies
    print_rates(studies)
    print_agreements(studies // 4)
    print_draws(studies // 2)


if __name__ == "__main__":
    main()
