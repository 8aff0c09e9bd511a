"""The registered setting's cells → the tests of what was registered: one family, with the noise of seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from m2m.schemas.study_numbers import PromptNumbers
from m2m.schemas.study_rows import FamilyNumbers, FamilyRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.against_random import find_randoms
from m2m.study.analysis.contrasts import bound_simultaneously
from m2m.study.analysis.hypotheses import (
    MOST_DIVERSE,
    Configurations,
    Hypothesis,
    Registration,
    list_registered_cells,
)
from m2m.study.analysis.levels import Levels, estimate_by_seeds
from m2m.study.analysis.view import View
from m2m.study.cells.cells import split_cells
from m2m.study.cells.correlation import Column
from m2m.study.cells.labels import name_configuration
from m2m.study.cells.rows import compute_or_explain
from m2m.study.cells.t_estimates import Estimate, adjust_holm

LEAST_SEEDS = 2  # of a configuration that counts
RANDOM_LEVEL = ("random", 0)
Places = Mapping[tuple[str, int], int]  # levels by strategy and degree


def compute_family(view: View | None, registration: Registration) -> list[FamilyRow]:
    """A row a test, with Holm's p over all that could be computed; the others have a reason.

    A test without cells of two seeds in each of its configurations is none. A slope goes over the degrees that all its
    strategies have, the least and the most diverse among them. `view` is None where the setting has no cells.
    """
    rows: list[FamilyRow] = []
    places = _find_levels(view) if view and not isinstance(view.size_levels, str) else {}
    for name, hypothesis in registration.hypotheses.items():
        contrasts = _name_contrasts(hypothesis)
        for test, part in contrasts.items():
            numbers = compute_or_explain(_compute_test, view, places, part, len(contrasts))
            rows.append({"hypothesis": name, "test": test, **numbers})
    tested = [row for row in rows if "p" in row]
    for row, p_holm in zip(tested, adjust_holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = p_holm
    return rows


def _name_contrasts(hypothesis: Hypothesis) -> dict[str, Hypothesis]:
    """What each test compares, in words, and the hypothesis of it alone."""
    if hypothesis.test == "slope":
        return {"difference of slopes" if hypothesis.against else "slope": hypothesis}
    if hypothesis.test == "level":
        return {"mean against random": hypothesis}
    return {
        name_configuration({"strategy": strategy, "degree": degree}): replace(
            hypothesis, test="level", strategies=(strategy,), degrees=(degree,)
        )
        for strategy, degree in list_registered_cells(hypothesis)
    }


def _compute_test(view: View | None, places: Places, hypothesis: Hypothesis, comparisons: int) -> FamilyNumbers:
    """The estimate by the noise of seeds, its interval for all `comparisons`, and that over prompts."""
    if view is None:
        raise ValueError("no cell of the registered setting has run")
    levels = view.levels
    if hypothesis.test == "slope":
        weights = _weigh_slopes(levels, places, hypothesis)
    else:
        mean, random = (
            _average(levels, places, list_registered_cells(hypothesis)),
            _average(levels, places, [RANDOM_LEVEL]),
        )
        weights = mean - random
    estimate = estimate_by_seeds(levels, weights)
    low, high = bound_simultaneously(estimate, comparisons)
    return {**estimate.to_numbers(), "all_low": low, "all_high": high, **_describe_prompts(view, estimate, weights)}


def _describe_prompts(view: View, estimate: Estimate, weights: Column) -> PromptNumbers:
    """The interval over prompts, or why there is none: the test is one of seeds, so it does not need one."""
    try:
        return view.prompts.add_prompts(estimate, weights, view.levels.experiments)[1]
    except ValueError as reason:
        return {"prompts_reason": str(reason)}


def _find_levels(view: View) -> Places:
    """The level of each strategy and degree of the setting with two seeds, and that of random."""
    groups = split_cells(view.cells.filter(pl.col("strategy").is_in(UNIT_STRATEGIES)), "strategy", "degree")
    cells = {(str(key["strategy"]), int(key["degree"])): group for key, group in groups}
    replicated = {**cells, RANDOM_LEVEL: find_randoms(view)}.items()
    return {
        name: view.levels.find_level(group) for name, group in replicated if group["seed"].n_unique() >= LEAST_SEEDS
    }


def _weigh_slopes(levels: Levels, places: Places, hypothesis: Hypothesis) -> Column:
    """The weights of the mean slope of `strategies` from degree 0 to 6, minus that of `against`."""
    strategies = (*hypothesis.strategies, *hypothesis.against)
    degrees = [degree for degree in hypothesis.degrees if all((name, degree) in places for name in strategies)]
    ends = (min(hypothesis.degrees), max(hypothesis.degrees))
    _require_levels(places, [(name, degree) for name in strategies for degree in ends])
    slope = _weigh_slope(levels, places, hypothesis.strategies, degrees)
    return slope - _weigh_slope(levels, places, hypothesis.against, degrees) if hypothesis.against else slope


def _weigh_slope(levels: Levels, places: Places, strategies: Sequence[str], degrees: Sequence[int]) -> Column:
    """Least squares over the means of the strategies at each degree, so every configuration counts once."""
    diversity = np.array(degrees) / MOST_DIVERSE
    shares = (diversity - diversity.mean()) / np.square(diversity - diversity.mean()).sum()
    means = [_average(levels, places, [(name, degree) for name in strategies]) for degree in degrees]
    return np.asarray(shares @ np.stack(means))


def _average(levels: Levels, places: Places, configurations: Configurations) -> Column:
    """The weights of the mean of these configurations' levels, each counted once. ValueError where one is missing."""
    _require_levels(places, configurations)
    return np.asarray(levels.weights[[places[configuration] for configuration in configurations]].mean(axis=0))


def _require_levels(places: Places, configurations: Configurations) -> None:
    missing = [configuration for configuration in configurations if configuration not in places]
    if missing:
        strategy, degree = missing[0]
        name = name_configuration({"strategy": strategy, "degree": degree})
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValueError(f"{name}{more} {'have' if more else 'has'} fewer than {LEAST_SEEDS} seeds")
