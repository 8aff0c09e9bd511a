"""The registered tests: planted truths come back, Holm is over them alone, and what has not run has a reason."""

import numpy as np
import polars as pl
import pytest

from m2m.schemas.study_rows import FamilyRow
from m2m.study.analysis.hypotheses import Hypothesis, Registration, check_hypothesis, read_hypotheses
from m2m.study.analysis.hypothesis_states import judge_hypotheses
from m2m.study.analysis.registered_family import compute_family
from m2m.study.analysis.view import View
from m2m.study.cells.t_estimates import adjust_holm
from tests.planted import NO_SCORES, views
from tests.study.registered_studies import (
    Level,
    plant_profile,
    read_profile_settings,
    read_registration,
    rise_to_random,
)

GPU, CPU = (read_profile_settings(name) for name in ("smollm2-gpu", "smollm2-study"))
NAMES = ("P1", "P2", "P3", "O1", "O2")


def find_view(grid: pl.DataFrame, scores: pl.DataFrame = NO_SCORES) -> View | None:
    return next((view for view in views(grid, scores) if "lengths as random" in view.place["condition"]), None)


def list_states(grid: pl.DataFrame, registration: Registration) -> list[str]:
    rows = judge_hypotheses(compute_family(find_view(grid), registration), registration, "bpb_reduction")
    assert [row["name"] for row in rows] == list(NAMES)
    return [row["state"] for row in rows]


TRUTHS: dict[str, tuple[Level, list[str]]] = {
    "all that is claimed": (rise_to_random, ["confirmed"] * 5),
    "all of it reversed": (lambda cell: -rise_to_random(cell), ["contradicted"] * 5),
    "nothing": (lambda cell: 0.0, ["undecided"] * 3 + ["confirmed", "undecided"]),
    "only instructions rise": (
        lambda cell: 0.03 * (cell["degree"] / 6 - 1) * cell["strategy"].startswith("instruction"),
        ["undecided", "undecided", "contradicted", "confirmed", "confirmed"],
    ),
    "one configuration gains": (
        lambda cell: 0.02 * (cell["strategy"] == "instruction-meso" and cell["degree"] == 6),
        ["undecided", "undecided", "contradicted", "contradicted", "undecided"],
    ),
}


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("settings", [GPU, CPU], ids=["gpu", "cpu"])
def test_a_planted_truth_comes_back(truth: str, settings: dict[str, object]) -> None:
    level, expected = TRUTHS[truth]
    assert list_states(plant_profile(settings, level), read_registration(settings)) == expected


def test_effects_within_the_noise_decide_nothing_not_even_that_nothing_is_above() -> None:
    grid = plant_profile(GPU, rise_to_random, noise=0.1)
    assert list_states(grid, read_registration(GPU)) == ["undecided"] * 5


def test_what_has_not_run_is_not_tested_and_cannot_confirm_that_none_is_above() -> None:
    registration, grid = read_registration(GPU), plant_profile(GPU, rise_to_random)
    for kept, expected in (
        (pl.col("strategy") == "random", ["not tested"] * 5),
        (pl.col("lengths") == "free", ["not tested"] * 5),
        (pl.col("strategy") != "random", ["confirmed"] * 3 + ["not tested"] * 2),
        (
            ~pl.col("strategy").str.starts_with("instruction"),
            ["confirmed"] * 2 + ["not tested", "undecided", "not tested"],
        ),
        (pl.col("degree") != 3, ["confirmed"] * 3 + ["undecided", "confirmed"]),
        (pl.col("degree") != 6, ["not tested"] * 3 + ["undecided", "confirmed"]),
        ((pl.col("seed") == 1) | (pl.col("strategy") == "random"), ["not tested"] * 5),
        ((pl.col("seed") < 3) | (pl.col("strategy") == "random"), ["confirmed"] * 5),
    ):  # fmt: skip
        assert list_states(grid.filter(kept), registration) == expected, str(kept)


def get_test(rows: list[FamilyRow], hypothesis: str) -> FamilyRow:
    [row] = [row for row in rows if row["hypothesis"] == hypothesis]
    return row


def test_a_slope_is_least_squares_over_means_from_degree_0_to_6() -> None:
    """Checked by a line through each strategy's cells: with as many seeds everywhere it is the same."""
    grid = plant_profile(GPU, lambda cell: rise_to_random(cell) + 0.002 * cell["seed"])  # a seed moves all its cells
    view = find_view(grid)
    assert view is not None
    rows, slopes = compute_family(view, read_registration(GPU)), {}
    for strategy in view.cells["strategy"].unique():
        cells = view.select_strategy(strategy)
        slopes[strategy] = float(np.polyfit(cells["degree"] / 6, cells["worth"], 1)[0])
    sides = [np.mean([value for name, value in slopes.items() if name.startswith(side)]) for side in ("resp", "instr")]
    assert get_test(rows, "P1")["value"] == pytest.approx(sides[0])
    assert get_test(rows, "P2")["value"] == pytest.approx(slopes["response-micro"] - slopes["response-macro"])
    assert get_test(rows, "P3")["value"] == pytest.approx(sides[0] - sides[1])
    sd = view.levels.noise.sd  # a line over degrees 0, 3, 6 × 3 seeds has Σ (x − mean)² = 1.5
    assert sd == pytest.approx(0.001, rel=0.3)  # the seeds' effects are no noise
    assert get_test(rows, "P1")["se"] == pytest.approx(sd * np.sqrt(1 / 1.5 / 3))
    assert get_test(rows, "P2")["se"] == pytest.approx(sd * np.sqrt(2 / 1.5))
    assert get_test(rows, "P3")["se"] == pytest.approx(sd * np.sqrt(2 / 1.5 / 3))


def test_a_configuration_counts_once_however_many_seeds_it_has() -> None:
    level: Level = lambda cell: 0.02 * (cell["strategy"] == "response-micro") * cell["degree"] / 6  # noqa: E731
    grid = plant_profile(GPU, level, noise=1e-6).filter(
        (pl.col("seed") < 3) | pl.col("strategy").is_in(["random", "response-micro"])
    )
    view = find_view(grid)
    assert get_test(compute_family(view, read_registration(GPU)), "P1")["value"] == pytest.approx(0.02 / 3, rel=1e-3)


def test_the_family_is_what_was_registered_and_holm_is_over_what_ran() -> None:
    registration = read_registration(GPU)
    grid = plant_profile(GPU, rise_to_random)
    for cells, size, tested in ((grid, 22, 22), (grid.filter(pl.col("degree") != 3), 22, 16)):
        rows = compute_family(find_view(cells), registration)
        p = [row["p"] for row in rows if "p" in row]
        assert (len(rows), len(p)) == (size, tested)
        assert [row["p_holm"] for row in rows if "p" in row] == adjust_holm(p)
    names = {row["test"] for row in rows}
    assert "response-micro at degree 3" in names and not any("longest" in name or "matched" in name for name in names)
    [missing] = [row for row in rows if row["test"] == "response-micro at degree 3"]
    assert missing["reason"] == "response-micro at degree 3 has fewer than 2 seeds"


def test_a_registered_test_is_one_of_seeds_so_it_stands_where_a_cell_lacks_scores() -> None:
    grid = plant_profile(GPU, rise_to_random)
    prompts = pl.DataFrame({"id": ["p", "q"], "sign": [1.0, -1.0]})
    scores = grid.join(prompts, how="cross").select(
        "experiment",
        "id",
        outcome=pl.lit("bpb_reduction"),
        score=pl.col("bpb_reduction") + pl.col("sign"),
        weight=pl.lit(1.0),
    )
    view = find_view(grid)
    assert view is not None
    lost = view.select_strategy("response-micro")["experiment"][0]
    row = get_test(
        compute_family(find_view(grid, scores.filter(pl.col("experiment") != lost)), read_registration(GPU)), "P1"
    )
    assert row["p"] == get_test(compute_family(view, read_registration(GPU)), "P1")["p"]
    assert row["prompts_reason"].startswith(f"{lost} must have 2 prompts with scores")


def test_a_wrong_hypothesis_is_an_error_that_names_it() -> None:
    good = {"claim": "It rises", "strategies": ["response-micro"], "degrees": [0, 6]}
    assert read_hypotheses({"P": good}) == {"P": Hypothesis("It rises", "slope", ("response-micro",), (), (0, 6))}
    for changes, message in (
        ({"claim": " "}, "claim must say"),
        ({"strategies": ["random"]}, r"must be one of .*, got \['random'\]"),
        ({"strategies": []}, "at least one"),
        ({"against": ["response-micro"]}, "must stand once"),
        ({"degrees": [6]}, "must name 2 or more"),
        ({"degrees": [0, 7]}, "must be in 0..6"),
        ({"test": "none-above"}, "margin must be above 0"),
        ({"margin": 0.1}, "margin must be above 0, for none-above"),
        ({"test": "level", "against": ["response-macro"]}, "against must be empty"),
    ):
        with pytest.raises(ValueError, match=rf"analyze\.hypotheses\.P: .*{message}"):
            read_hypotheses({"P": good | changes})
    check_hypothesis("P", Hypothesis("It rises", "none-above", ("response-micro",), degrees=(0,), margin=0.1))


@pytest.mark.long
def test_at_most_one_null_study_in_twenty_decides_anything() -> None:
    """60 studies of noise alone: 3 expected at 5 %, more than 7 have a probability of 0.01."""
    registration, decided = read_registration(GPU), 0
    for seed in range(60):
        states = list_states(plant_profile(GPU, lambda cell: 0.0, seed=seed), registration)
        decided += states[:3] + states[4:] != ["undecided"] * 4 or states[3] == "contradicted"
    assert decided <= 7
