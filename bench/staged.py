"""How often a staged grid finds a gain, takes a wrong one, and holds the truth in its intervals: planted studies.

`python -m bench.staged [STUDIES]`: the shipped code chooses (m2m.grid.rungs) and confirms (m2m.study.analysis).
Below stands the replay of the bundled study: what its table says of the cells that would have been enough.
"""

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from scipy import stats

from m2m.grid.design import Cell
from m2m.grid.rungs import list_rungs
from m2m.planning.power import FullGrid, compute_full_power, find_full_seeds, simulate_staged_power, widen_prompts
from m2m.planning.seed_noise import SeedNoise
from m2m.planning.staging import Schedule
from m2m.runtime.artifacts import read_table
from m2m.schemas.grid import Grid
from m2m.schemas.study_rows import AgainstRandomRow
from m2m.study.analysis.confirmation import confirm_choices
from m2m.study.analysis.other_prompts import PromptDraws
from m2m.study.cells.cells import SETTING, select_comparable, split_cells
from m2m.study.cells.t_estimates import adjust_holm

NOISE = SeedNoise(0.00137, 0.00079, 32, 0.0005)  # the bundled study's, rounded
GAIN = 0.0028
STRATEGIES = ("instruction-macro", "instruction-meso", "instruction-micro", "response-macro", "response-meso")
FRESH = tuple(range(101, 110))
DRAWS = 200
SCHEDULES = {27: Schedule((9, 4, 2), FRESH), 56: Schedule((14, 5, 2), FRESH)}  # 56: the default grid
ISSUE = Schedule((9, 3), FRESH[:5])  # three configurations with five fresh seeds
SHARED: Cell = {"size": 500, "seed": 1, "budget": "rows", "min_tokens": 1, "max_tokens": 100_000}
SHARED |= {"weights": "inverse", "slack": 1.5, "peel_noise": 0.0, "prefilter": "random", "prefilter_share": 1.0}
RANDOM: Cell = SHARED | {"strategy": "random", "match": "random", "degree": 0, "lengths": "free"}
EMPTY: Mapping[tuple[Any, ...], float] = {}
Truth = np.ndarray


class Shape(NamedTuple):
    """True gains of the configurations, and the law of a cell's noise, whose standard deviation is one."""

    plant: Callable[[np.random.Generator, int], Truth]
    draw: Callable[[np.random.Generator], float]
    prompt_sd: float


def _plant_one(rng: np.random.Generator, number: int, others: float) -> Truth:
    return np.array([GAIN, *(-np.abs(rng.normal(0, others, number - 1)))])


def _plant_ladder(_: np.random.Generator, number: int) -> Truth:
    return np.linspace(GAIN, -3 * GAIN, number)


def _plant_close(_: np.random.Generator, number: int) -> Truth:
    return np.concatenate([np.linspace(GAIN, 0.7 * GAIN, 6), np.zeros(number - 6)])


def _draw_normal(rng: np.random.Generator) -> float:
    return float(rng.normal())


def _draw_heavy(rng: np.random.Generator) -> float:
    return float(rng.standard_t(4) / np.sqrt(2))


def _draw_skew(rng: np.random.Generator) -> float:
    return float(rng.exponential() - 1)


def _plant_nothing(_: np.random.Generator, number: int) -> Truth:
    return np.zeros(number)


SHAPES = {
    "nothing": Shape(_plant_nothing, _draw_normal, 0.0),
    "nothing, prompts": Shape(_plant_nothing, _draw_normal, NOISE.prompt_sd),
    "nothing, prompts of 0.0008": Shape(_plant_nothing, _draw_normal, 0.0008),
    "nothing, heavy tails": Shape(_plant_nothing, _draw_heavy, 0.0),
    "nothing, skew": Shape(_plant_nothing, _draw_skew, 0.0),
    "one gain, others level": Shape(partial(_plant_one, others=0.0), _draw_normal, 0.0),
    "one gain, others level, prompts": Shape(partial(_plant_one, others=0.0), _draw_normal, NOISE.prompt_sd),
    "one gain, others worse": Shape(partial(_plant_one, others=0.003), _draw_normal, 0.0),
    "six gains": Shape(_plant_close, _draw_normal, 0.0),
    "a ladder": Shape(_plant_ladder, _draw_normal, 0.0),
}


def list_configurations(number: int) -> list[Cell]:
    """Cells of seed 1: strategies × degrees, in two settings of lengths beyond 35, and random."""
    names = [(strategy, degree, "free") for strategy in STRATEGIES for degree in range(7)]
    names += [(strategy, degree, "as-random") for strategy, degree, _ in names]
    cells = [SHARED | {"strategy": s, "match": s, "degree": d, "lengths": lengths} for s, d, lengths in names[:number]]
    return [*cells, RANDOM]


def run_staged(
    rng: np.random.Generator,
    shape: Shape,
    first: list[Cell],
    schedule: Schedule,
    table: Mapping[tuple[Any, ...], float] = EMPTY,
) -> list[tuple[float, Any]]:
    """The confirmed rows of one planted study, each after its true gain over all prompts.

    `first`: cells of seed 1, random the last one. A cell that is in `table` has its outcome.
    """
    number = len(first) - 1
    truth = shape.plant(rng, number)
    luck = rng.normal(0, shape.prompt_sd, number) if shape.prompt_sd else np.zeros(number)
    places = {_name(cell): place for place, cell in enumerate(first[:-1])}
    outcomes: dict[tuple[Any, ...], float] = dict(table)
    seeds: dict[int, float] = {}

    def get_outcome(cell: Cell) -> float:
        key = (*_name(cell), cell["seed"])
        if key not in outcomes:
            seed = seeds.setdefault(cell["seed"], float(rng.normal(0, NOISE.seed_sd)))
            place = places.get(_name(cell))
            level = 0.0 if place is None else float(truth[place] + luck[place])
            outcomes[key] = level + seed + NOISE.sd * shape.draw(rng)
        return outcomes[key]

    cells = [cell for rung in list_rungs(first, schedule, get_outcome) for cell in rung.cells]
    rows = confirm_choices(_make_table(cells, get_outcome, schedule), "bpb_reduction", _draw_prompts(rng, cells, shape))
    return [(float(truth[places[_name_row(row)]]), row) for row in rows]


def summarize(studies: list[list[tuple[float, Any]]]) -> dict[str, float]:
    """Shares: of studies that take a true gain, that make any false claim, and of intervals with the truth."""
    significant = [[(truth, row) for truth, row in study if row["p_holm"] < 0.05] for study in studies]
    intervals = [row["low"] <= truth <= row["high"] for study in studies for truth, row in study]
    return {
        "studies": len(studies),
        "found": np.mean([any(truth > 0 and row["value"] > 0 for truth, row in rows) for rows in significant]),
        "false": np.mean([any(truth * row["value"] <= 0 for truth, row in rows) for rows in significant]),
        "false take": np.mean([any(truth <= 0 < row["value"] for truth, row in rows) for rows in significant]),
        "covered": np.mean(intervals),
    }


def count_narrow_claims(studies: list[list[tuple[float, Any]]], number: int) -> float:
    """The share of studies with a false claim if the prompts' noise were not widened."""
    claims = []
    for study in studies:
        factor = widen_prompts(number, len(study))
        p = []
        for _, row in study:
            seeds = (row["seeds_only_high"] - row["seeds_only_low"]) / 2 / stats.t.isf(0.025, row["noise_df"])
            variance = seeds**2 + (row["se"] ** 2 - seeds**2) / factor**2
            p.append(float(2 * stats.t.sf(abs(row["value"]) / np.sqrt(variance), row["df"])))
        pairs = zip(adjust_holm(p), study, strict=True)
        claims.append(any(p_holm < 0.05 and truth * row["value"] <= 0 for p_holm, (truth, row) in pairs))
    return float(np.mean(claims))


def replay_bundled(folder: Path, studies: int) -> list[dict[str, Any]]:
    """The bundled study's main setting in rungs: the outcomes of its table for seeds 1 to 3, as far as it has them.

    Other cells have their configuration's mean and the noise. A line a number of fresh seeds, and one of a full grid.
    """
    settings = split_cells(select_comparable(read_table(folder / "grid.csv", Grid)), *SETTING)
    cells = max((cells for _, cells in settings), key=len)
    random = float(cells.filter(pl.col("strategy") == "random")["bpb_reduction"].to_numpy().mean())
    table = cells.filter(pl.col("strategy") != "random").with_columns(pl.col("bpb_reduction") - random)
    means = table.group_by("strategy", "match", "degree", maintain_order=True).agg(pl.col("bpb_reduction").mean())
    known = {
        (row["strategy"], row["match"], row["degree"], "free", row["seed"]): row["bpb_reduction"]
        for row in table.to_dicts()
    }
    first = [SHARED | {**row, "lengths": "free"} for row in means.drop("bpb_reduction").to_dicts()] + [RANDOM]
    gains = means["bpb_reduction"].to_numpy()
    shape = Shape(lambda *_: gains, _draw_normal, 0.0)
    lines: list[dict[str, Any]] = []
    for fresh in (3, 5, 7, 9, 12, 15):
        schedule = Schedule((9, 4, 2), tuple(range(101, 101 + fresh)))
        planted = [run_staged(np.random.default_rng(seed), shape, first, schedule, known) for seed in range(studies)]
        lines.append({"replay, cells": schedule.count_cells(len(gains)), "fresh seeds": fresh} | summarize(planted))
    noise, gain = NOISE._replace(prompt_sd=0.0), float(gains.max())
    grid = find_full_seeds(len(gains), len(gains) + 12, noise, gain)
    return [*lines, {"replay, largest gain": gain, "full grid for it, cells": grid.cells if grid else None}]


def _name(cell: Cell) -> tuple[Any, ...]:
    return cell["strategy"], cell["match"], cell["degree"], cell["lengths"]


def _name_row(row: AgainstRandomRow) -> tuple[Any, ...]:
    lengths = "as-random" if "lengths as random" in row["condition"] else "free"
    return row["strategy"], row["match"], row["degree"], lengths


def _make_table(cells: list[Cell], get_outcome: Callable[[Cell], float], schedule: Schedule) -> pl.DataFrame:
    rows = [
        cell
        | {
            "experiment": "-".join(map(str, (*_name(cell), cell["seed"]))),
            "provenance": "one",
            "fresh": int(cell["seed"] in schedule.fresh),
            "bpb_reduction": get_outcome(cell),
            "opponent_bits_per_byte": 2.0,
            "mean_response_tokens": 90.0,
            "trained_tokens": 45_000,
            "rows": 500,
            "candidate_rows": 5000,
        }
        for cell in cells
    ]
    return select_comparable(pl.DataFrame(rows))


def _draw_prompts(rng: np.random.Generator, cells: list[Cell], shape: Shape) -> PromptDraws:
    """What a bootstrap over prompts sees: cells of a configuration move together."""
    if not shape.prompt_sd:
        return PromptDraws(np.empty((0, 0)), {}, 0, 0, "no scores by prompt")
    moves = {name: rng.normal(0, shape.prompt_sd, DRAWS) for name in {_name(cell) for cell in cells}}
    names = ["-".join(map(str, (*_name(cell), cell["seed"]))) for cell in cells]
    is_random = [cell["strategy"] == "random" for cell in cells]
    columns = [
        0 * moves[_name(cell)] if flag else moves[_name(cell)] for cell, flag in zip(cells, is_random, strict=True)
    ]
    return PromptDraws(np.column_stack(columns), {name: i for i, name in enumerate(names)}, 320, 320, "")


def main(studies: int) -> None:
    """A line a shape and schedule."""
    for number, schedule in ((27, ISSUE), *SCHEDULES.items()):
        first = list_configurations(number)
        for name, shape in SHAPES.items():
            rngs = [np.random.default_rng([seed, number]) for seed in range(studies)]
            planted = [run_staged(rng, shape, first, schedule) for rng in rngs]
            head = {"shape": name, "configurations": number, "keep": list(schedule.keep)}
            cells = {"cells": schedule.count_cells(number)}
            narrow = {"false, not widened": count_narrow_claims(planted, number)} if shape.prompt_sd else {}
            print(json.dumps(head | cells | summarize(planted) | narrow), flush=True)
    predicted = simulate_staged_power(SCHEDULES[27], 27, NOISE._replace(prompt_sd=0.0), GAIN)
    full = compute_full_power(FullGrid(27, 2, 8, 39), NOISE._replace(prompt_sd=0.0), GAIN)
    print(json.dumps({"predicted, staged with 67 cells": predicted, "full with 62 cells": full}))
    for line in replay_bundled(Path("metrics"), studies):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
