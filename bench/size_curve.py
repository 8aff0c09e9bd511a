"""How often the prediction at four times the size lies in its 90 % interval, and the 95 % size in its own."""

import itertools
import json
import sys

import numpy as np

from bench.planted_sizes import SIZES, UNTUNED, plant_sizes
from m2m.planning.size_curve import find_enough, fit_power_law

PLANTED = tuple(itertools.product((0.15, 0.4, 0.8), (0.0015, 0.004)))  # exponents and standard deviations


def check_curve(exponent: float, sd: float, rng: np.random.Generator) -> tuple[bool, bool]:
    """Fit up to 1,000 rows, predict a cell of 4,000; fit all, find what reaches 95 % of the gain of 8,000 rows."""
    cells = plant_sizes(rng, exponent=exponent, sd=sd)
    rows, bits = cells["rows"].to_numpy(), cells["candidate_bits_per_byte"].to_numpy()
    near = rows <= SIZES[-1] // 4
    low, high = np.quantile(fit_power_law(rows[near], bits[near], rng).draw_cells(SIZES[-1], 1, rng), [0.05, 0.95])
    truth = 2.0 + 0.15 * (SIZES[-1] / 125) ** -exponent + rng.normal(0, sd)
    amounts = np.geomspace(125, 8000, 400)
    gains = UNTUNED - 2.0 - 0.15 * (amounts / 125) ** -exponent
    enough = amounts[np.argmax(gains >= 0.95 * gains[-1])]
    ends = np.quantile(find_enough(fit_power_law(rows, bits, rng), UNTUNED, 125, 8000), [0.05, 0.95])
    return bool(low <= truth <= high), bool(ends[0] <= enough <= ends[1])


def main(studies: int) -> None:
    everything = []
    for exponent, sd in PLANTED:
        checks = [check_curve(exponent, sd, np.random.default_rng(study)) for study in range(studies)]
        ahead, enough = np.mean(checks, axis=0)
        everything.append(ahead)
        case = f"90 % intervals, exponent {exponent}, noise {sd}"
        print(json.dumps({"case": case, "rows": studies, "four times": ahead, "95 % size": enough}), flush=True)
    print(json.dumps({"case": "all", "four times": float(np.mean(everything))}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
