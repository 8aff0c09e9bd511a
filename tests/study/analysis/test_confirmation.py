"""The last rung: fresh cells alone are compared, all of them together, with prompts that the choice has seen."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_grid
from bench.staged import SCHEDULES, SHAPES, list_configurations, run_staged, summarize
from m2m.planning.power import widen_prompts
from m2m.study.analysis.confirmation import confirm_choices
from m2m.study.analysis.other_prompts import PromptDraws
from m2m.study.analysis.study import build_study
from m2m.study.cells.cells import select_comparable
from tests.planted import NO_SCORES

UNKNOWN = PromptDraws(np.empty((0, 0)), {}, 0, 0, "no scores by prompt")


def mark(grid: pl.DataFrame, fresh: int, **settings: Any) -> pl.DataFrame:
    columns = {"experiment": pl.format("{}-{}", "experiment", pl.lit(f"{fresh}{settings}")), "fresh": pl.lit(fresh)}
    return grid.with_columns(**columns, seed=pl.col("seed") + 100 * fresh)


def staged_grid(gain: float = 0.5) -> pl.DataFrame:
    """Six strategies with one seed, where response-macro was lucky; two configurations and random with nine more."""
    screened = planted_grid(seeds=1, random=3).with_columns(
        bpb_reduction=pl.col("bpb_reduction") + (pl.col("strategy") == "response-macro") * 0.9
    )
    slopes = {"response-micro": gain, "response-macro": 0.0}
    fresh = planted_grid(slopes, degrees=(6,), seeds=9, random=9, seed=5)
    return pl.concat([mark(screened, 0), mark(fresh, 1)])


def test_only_fresh_cells_are_compared() -> None:
    rows = confirm_choices(select_comparable(staged_grid()), "bpb_reduction", UNKNOWN)
    values = {row["strategy"]: row["value"] for row in rows}
    assert values == {
        "response-micro": pytest.approx(0.5, abs=0.02),
        "response-macro": pytest.approx(0.0, abs=0.02),  # not the luck of the first rung
    }
    assert {(row["cells"], row["against_cells"]) for row in rows} == {(9, 9)}


def test_all_that_were_kept_are_one_family_in_whatever_settings_they_stand() -> None:
    grid = staged_grid().with_columns(
        lengths=pl.when(strategy="response-macro").then(pl.lit("as-random")).otherwise(pl.lit("free"))
    )
    rows = confirm_choices(select_comparable(grid), "bpb_reduction", UNKNOWN)
    assert len({row["condition"] for row in rows}) == 2
    p = sorted((row["p"], row["p_holm"]) for row in rows)
    assert p[0][1] == pytest.approx(2 * p[0][0]) and p[1][1] == pytest.approx(p[1][0])
    for row in rows:
        assert row["value"] - row["all_low"] > row["value"] - row["low"]


def test_a_grid_without_rungs_has_no_confirmation() -> None:
    assert "confirmed" not in build_study(planted_grid(), NO_SCORES, 1, 10)
    assert confirm_choices(select_comparable(mark(planted_grid(), 0)), "bpb_reduction", UNKNOWN) == []


def test_the_noise_of_prompts_is_that_of_all_configurations() -> None:
    """Prompts move response-micro alone, with sd .01: its variance grows by that times the factor for 2 of 24."""
    cells = select_comparable(staged_grid())
    moves = np.random.default_rng(0).normal(0, 0.01, 4000)
    is_moved = cells.select((pl.col("strategy") == "response-micro") & (pl.col("fresh") == 1)).to_series().to_list()
    outcomes = np.column_stack([moves if flag else 0 * moves for flag in is_moved])
    places = {name: place for place, name in enumerate(cells["experiment"])}
    draws = PromptDraws(outcomes, places, 1000, 1000, "")
    [plain], [wide] = (
        [row for row in confirm_choices(cells, "bpb_reduction", prompts) if row["strategy"] == "response-micro"]
        for prompts in (UNKNOWN, draws)
    )
    added = wide["se"] ** 2 - plain["se"] ** 2
    assert np.sqrt(added) == pytest.approx(0.01 * widen_prompts(24, 2), rel=0.05)
    assert widen_prompts(24, 2) > 1.3
    half = (wide["prompts_only_high"] - wide["prompts_only_low"]) / 2
    assert half == pytest.approx(1.96 * 0.01, rel=0.05)  # the same models on other prompts: nothing is widened


def test_the_headline_answers_by_the_fresh_cells_and_calls_the_rest_exploratory() -> None:
    [verdict] = [row for row in build_study(staged_grid(), NO_SCORES, 1, 10)["verdict"] if "bpb" in row["outcome"]]
    assert (
        "Take response-micro at degree 6. 1 of 2 configurations beats random (best: response-micro at degree 6, +0.492"
        in verdict["headline"]
    )
    assert ". Response-micro at degree 6 and " in verdict["headline"]
    assert (
        " were chosen by earlier seeds and run again on fresh ones. All that follows is exploratory."
        in verdict["headline"]
    )


@pytest.mark.parametrize("name", ["nothing", "one gain, others level"])
def test_planted_studies_are_found_and_false_claims_are_rare(name: str) -> None:
    """40 studies of 27 configurations; a thousand of more shapes are in bench.staged."""
    first = list_configurations(27)
    rngs = [np.random.default_rng(seed) for seed in range(40)]
    shares = summarize([run_staged(rng, SHAPES[name], first, SCHEDULES[27]) for rng in rngs])
    assert shares["false"] <= 0.15 and shares["covered"] >= 0.88
    assert shares["found"] >= 0.7 if name.startswith("one") else shares["found"] == 0
