"""How often the prediction at four times the size lies in its 90 % interval, and the 95 % size in its own.

`python -m bench.size_curve [CURVES]`: power laws, curves that go flat, and curves that the law cannot follow.
"""

import json
import sys
from collections.abc import Callable

import numpy as np

from bench.planted_sizes import POOL, SIZES, UNTUNED
from m2m.planning.size_curve import find_enough, fit_power_law

NOISES = (0.0015, 0.004)  # standard deviations of a cell
Curve = Callable[[np.ndarray], np.ndarray]
SHAPES: dict[str, Curve] = {
    "power 0.15": lambda rows: 2.0 + 0.15 * (rows / 125) ** -0.15,
    "power 0.4": lambda rows: 2.0 + 0.15 * (rows / 125) ** -0.4,
    "power 0.8": lambda rows: 2.0 + 0.15 * (rows / 125) ** -0.8,
    "power 1.5": lambda rows: 2.0 + 0.15 * (rows / 125) ** -1.5,
    "logarithm": lambda rows: 2.15 - 0.03 * np.log(rows / 125),
    "exponential, 800 rows": lambda rows: 2.0 + 0.15 * np.exp(-(rows - 125) / 800),
    "power 0.4, flat from 500": lambda rows: 2.0 + 0.15 * (np.minimum(rows, 500) / 125) ** -0.4,
    "logarithm, flat from 2,000": lambda rows: 2.15 - 0.03 * np.log(np.minimum(rows, 2000) / 125),
    "logarithm, flat from 1,000": lambda rows: 2.15 - 0.03 * np.log(np.minimum(rows, 1000) / 125),
    "rises again from 900": lambda rows: 2.05 + 0.02 * np.log(rows / 900) ** 2,
}


def check_curve(curve: Curve, sd: float, rng: np.random.Generator) -> tuple[bool, bool]:
    """Fit up to 1,000 rows, predict a cell of 4,000; fit all, find what reaches 95 % of the gain of 8,000 rows."""
    rows = np.append(np.repeat(SIZES, 3), [POOL, POOL]).astype(float)
    bits = curve(rows) + rng.normal(0, sd, len(rows))
    near, ahead = rows <= SIZES[-1] // 4, float(SIZES[-1])
    low, high = np.quantile(fit_power_law(rows[near], bits[near], rng).draw_cells(ahead, 1, rng), [0.05, 0.95])
    truth = curve(np.array([ahead]))[0] + rng.normal(0, sd)
    amounts = np.geomspace(SIZES[0], POOL, 400)
    gains = UNTUNED - curve(amounts)
    enough = amounts[np.argmax(gains >= 0.95 * gains[-1])]
    ends = np.quantile(find_enough(fit_power_law(rows, bits, rng), UNTUNED, SIZES[0], POOL), [0.05, 0.95])
    return bool(low <= truth <= high), bool(ends[0] <= enough <= ends[1])


def main(studies: int) -> None:
    for name, curve in SHAPES.items():
        for sd in NOISES:
            checks = [check_curve(curve, sd, np.random.default_rng(study)) for study in range(studies)]
            ahead, enough = np.mean(checks, axis=0)
            case = f"90 % intervals, {name}, noise {sd}"
            print(json.dumps({"case": case, "rows": studies, "four times": ahead, "95 % size": enough}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
