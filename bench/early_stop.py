"""What a look at half of the fresh seeds would save: a staged grid that may stop there, in simulated outcomes.

`python -m bench.early_stop`: 27 configurations, rungs of 9, 4 and 2, eight fresh seeds, a look after four.
"""

import json

import numpy as np
from scipy import stats

STUDIES, CONFIGURATIONS, KEEP, FRESH, LOOK = 8000, 27, (9, 4, 2), 8, 4
NOISE, GAIN = 0.00137, 0.0028
LEVELS = {"none": (0.0, 0.05), "O'Brien and Fleming": (0.0052, 0.048), "Pocock": (0.0294, 0.0294)}
TRUTHS = {
    "nothing": np.zeros(CONFIGURATIONS),
    "one gain": np.array([GAIN, *[0.0] * (CONFIGURATIONS - 1)]),
    "a ladder": np.linspace(GAIN, -3 * GAIN, CONFIGURATIONS),
}
Table = np.ndarray


def choose(truth: Table, rng: np.random.Generator) -> Table:
    """The true gains of the configurations that the rungs leave, studies × configurations."""
    gains = np.tile(truth, (STUDIES, 1))
    totals = np.zeros_like(gains)
    for number in KEEP:
        totals += gains + rng.normal(0, NOISE, gains.shape)
        best = np.argsort(-totals, axis=1)[:, :number]
        gains, totals = (np.take_along_axis(table, best, axis=1) for table in (gains, totals))
    return gains


def judge_rung(cells: Table, level: float) -> tuple[Table, Table, Table]:
    """Differences from random (the last row), whether Holm rejects, and half of each 1 − `level` interval."""
    means = cells.mean(axis=2)
    fit = means[:, :, None] + cells.mean(axis=1, keepdims=True) - cells.mean(axis=(1, 2), keepdims=True)
    rivals, seeds = cells.shape[1] - 1, cells.shape[2]
    df = rivals * (seeds - 1)
    se = np.sqrt(((cells - fit) ** 2).sum(axis=(1, 2)) / df * 2 / seeds)[:, None]
    gains = means[:, :-1] - means[:, -1:]
    ratios = np.abs(gains) / se
    order = np.argsort(-ratios, axis=1)
    limits = stats.t.isf(level / 2 / np.arange(rivals, 0, -1), df)
    passes = np.minimum.accumulate(np.take_along_axis(ratios, order, axis=1) > limits, axis=1)
    rejected = np.zeros_like(passes)
    np.put_along_axis(rejected, order, passes, axis=1)
    return gains, rejected, stats.t.isf(level / 2, df) * se


def simulate(truth: Table, look_level: float, end_level: float) -> dict[str, float]:
    """Mean cells, the shares of studies with a gain and with a false claim, and of intervals with the truth."""
    rng = np.random.default_rng(0)
    gains = choose(truth, rng)
    cells = rng.normal(0, NOISE, (STUDIES, KEEP[-1] + 1, FRESH))
    cells[:, :-1] += gains[:, :, None]
    first, last = judge_rung(cells[:, :, :LOOK], look_level), judge_rung(cells, end_level)
    stops = (first[1] & (first[0] > 0)).any(axis=1, keepdims=True) & (look_level > 0)
    values, rejected, half = (np.where(stops, early, late) for early, late in zip(first, last, strict=True))
    whole = CONFIGURATIONS + sum(KEEP[:-1]) + (KEEP[-1] + 1) * FRESH
    return {
        "cells": float(whole - stops.mean() * (KEEP[-1] + 1) * (FRESH - LOOK)),
        "found": float((rejected & (values > 0) & (gains > 0)).any(axis=1).mean()),
        "false": float((rejected & (values * gains <= 0)).any(axis=1).mean()),
        "covered": float((np.abs(values - gains) <= half).mean()),
    }


if __name__ == "__main__":
    for name, truth in TRUTHS.items():
        for limits, levels in LEVELS.items():
            print(json.dumps({"truth": name, "limits": limits} | simulate(truth, *levels)), flush=True)
