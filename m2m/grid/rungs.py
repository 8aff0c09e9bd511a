"""The rungs of a staged grid: each is a list of cells that follows from the outcomes of the rungs before it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from m2m.grid.design import Cell, drop_repeated
from m2m.grid.dvc_experiments import read_experiments
from m2m.grid.provenance import hash_cell, hash_locked_cell, is_finished
from m2m.planning.staging import Schedule, pick_best

SAMPLING = {"strategy": "random", "match": "random", "degree": 0, "lengths": "free"}  # what makes a cell one of random


class Rung(NamedTuple):
    """A part of a staged grid, and what it is in words."""

    label: str
    cells: list[Cell]


def list_rungs(first: Sequence[Cell], schedule: Schedule, get_outcome: Callable[[Cell], float | None]) -> list[Rung]:
    """The rungs that can be listed: one more than have all their outcomes.

    `first` are the cells of the scope `staged`. Ranks within one seed need no random: its cells have no part in the
    choice. In the last rung random has the same fresh seeds, in every length window and budget of those chosen.
    """
    number = len(schedule.keep) + 1
    racing = drop_repeated([{**cell, "seed": 1} for cell in first if cell["strategy"] != "random"])
    randoms = [cell for cell in first if cell["strategy"] == "random"]
    label = f"rung 1 of {number}, {len(racing)} configurations with seed 1"
    rungs = [Rung(label, sorted([*racing, *randoms], key=lambda cell: int(cell["seed"])))]
    for seed, keep in enumerate(schedule.keep, start=1):
        seeds = range(1, seed + 1)
        outcomes = {place: [get_outcome({**cell, "seed": s}) for s in seeds] for place, cell in enumerate(racing)}
        complete = {place: [value for value in values if value is not None] for place, values in outcomes.items()}
        if not racing or complete != outcomes:
            return rungs
        survivors = [racing[place] for place in pick_best(complete, keep)]
        words = f"rung {seed + 1} of {number}, the best {len(survivors)} of {len(racing)}"
        racing = survivors
        rungs.append(
            _list_fresh(words, racing, schedule) if seed + 1 == number else _list_next(words, racing, seed + 1)
        )
    return rungs


def list_current_rungs(
    first: Sequence[Cell], schedule: Schedule, provenance: str, settings: Mapping[str, Any]
) -> list[Rung]:
    """The rungs so far, by the main outcome of the finished cells of all experiments with this `provenance`."""
    outcomes = read_outcomes(settings["analyze"]["primary_outcome"])
    return list_rungs(first, schedule, lambda cell: outcomes.get(hash_cell(provenance, cell, settings)))


def read_outcomes(outcome: str) -> dict[str, float]:
    """The `outcome` of each finished cell that has it, by identity."""
    cells = [cell for cell in read_experiments() if is_finished(cell.lock)]
    measured = [cell for cell in cells if cell.metrics.get(outcome) is not None]
    return {hash_locked_cell(cell.lock): float(cell.metrics[outcome]) for cell in measured}


def list_expected_cells(first: Sequence[Cell], schedule: Schedule) -> list[Cell]:
    """As many cells as all rungs have, with the first configurations in the place of the best ones."""
    return [cell for rung in list_rungs(first, schedule, lambda _: 0.0) for cell in rung.cells]


def _list_next(words: str, racing: Sequence[Cell], seed: int) -> Rung:
    return Rung(f"{words} with seed {seed}", [{**cell, "seed": seed} for cell in racing])


def _list_fresh(words: str, racing: Sequence[Cell], schedule: Schedule) -> Rung:
    randoms = drop_repeated([{**cell, **SAMPLING} for cell in racing])
    cells = [{**cell, "seed": seed} for seed in schedule.fresh for cell in (*racing, *randoms)]
    return Rung(f"{words} and random with {len(schedule.fresh)} fresh seeds", cells)
