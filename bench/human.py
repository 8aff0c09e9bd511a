"""Coverage of the corrected win rate under planted judges: `python -m bench.human [--studies 4000]`.

A study draws prompts, what people would say (win, tie, loss), and a judge that agrees with them, errs, or leans.
"""

import argparse

import numpy as np

from m2m.human.corrected_rate import estimate_corrected_rate, estimate_label_rate

WIN, TIE = 0.35, 0.15  # the first model's chance in a prompt; the rest are losses
CASES = [(labels, bias) for labels in (30, 50, 100, 300) for bias in (0.0, 0.15, 0.3)]


def count_covered(studies: int, labels: int, prompts: int, bias: float, seed: int) -> tuple[float, float, float]:
    """The share of studies whose corrected and labels-alone intervals hold the truth, and the ratio of their widths.

    The judge turns a loss into a win with probability `bias`, and says anything in a tenth of the prompts. A tenth of
    the prompts has equal answers.
    """
    rng = np.random.default_rng(seed)
    truth = 0.9 * (WIN + TIE / 2) + 0.1 / 2
    covered, widths = np.zeros(2), np.zeros(2)
    for _ in range(studies):
        ties = rng.binomial(prompts, 0.1)
        people = rng.choice([1.0, 0.5, 0.0], prompts - ties, p=[WIN, TIE, 1 - WIN - TIE])
        judged = np.where((people == 0) & (rng.random(len(people)) < bias), 1.0, people)
        judged = np.where(rng.random(len(people)) < 0.1, rng.integers(0, 2, len(people)), judged)
        rates = (
            estimate_corrected_rate(people[:labels], judged[:labels], judged[labels:], len(people), ties),
            estimate_label_rate(people[:labels], len(people), ties),
        )
        covered += [rate.low <= truth <= rate.high for rate in rates]
        widths += [rate.high - rate.low for rate in rates]
    return float(covered[0] / studies), float(covered[1] / studies), float(widths[0] / widths[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=4000)
    studies = parser.parse_args().studies
    print("| labels | judge's bias | corrected covers | labels alone cover | width of corrected / alone |")
    print("|---:|---:|---:|---:|---:|")
    for labels, bias in CASES:
        corrected, alone, ratio = count_covered(studies, labels, 800, bias, seed=1)
        print(f"| {labels} | {bias:.2f} | {100 * corrected:.1f} % | {100 * alone:.1f} % | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
