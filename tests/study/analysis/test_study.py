"""The whole study of planted grids: what was planted is found and nothing else; degenerate grids have reasons."""

import json
import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_grid, planted_study
from m2m.grid.collection import build_grid_table
from m2m.schemas.study import Study, validate_study
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.study import build_study
from m2m.study.cells.labels import AnyRow, select_rows
from m2m.study.cells.t_estimates import adjust_holm
from tests.planted import NO_SCORES, judged, suffix
from tests.study.registered_studies import plant_profile, read_profile_settings, read_registration, rise_to_random

NOTHING = pl.lit(None, pl.Float64)


def build(
    grid: pl.DataFrame,
    scores: pl.DataFrame = NO_SCORES,
    win_rate: pl.Expr = NOTHING,
    outcome: str = "bpb_reduction",
    setting: str = "largest",
) -> Study:
    study = build_study(grid.with_columns(likelihood_win_rate=win_rate), scores, 1, 200, outcome, setting)
    validate_study(json.loads(json.dumps(study, allow_nan=False)))
    return study


def pick(rows: list[AnyRow], **key: Any) -> AnyRow:
    [row] = select_rows(rows, key)
    return row


@pytest.fixture(scope="module")
def effect() -> Study:
    return build(planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.1}))


def test_the_planted_slope_is_in_its_interval_and_the_only_pick(effect: Study) -> None:
    rows = select_rows(effect["slopes"], {"outcome": "bpb_reduction"})
    assert [row["strategy"] for row in rows if row["p_holm"] < 0.05] == ["response-micro"]
    row = pick(rows, strategy="response-micro")
    assert row["low"] < 0.1 < row["high"] and row["positive"] > 0.99 and row["df"] == 6
    headline = effect["verdict"][0]["headline"]
    assert "Response-micro: +0.1" in headline and "With length controlled: not explained by length." in headline
    assert headline.count("from least to most diverse") == 1


def test_the_noise_is_pooled_over_all_replicated_cells(effect: Study) -> None:
    rows = select_rows(effect["against_random"], {"outcome": "bpb_reduction"})
    assert len(rows) == 24
    assert {row["noise_df"] for row in rows} == {24 * 1 + 7 - 7}
    assert all(row["all_low"] < row["low"] < row["high"] < row["all_high"] for row in rows)


def test_the_floor_names_the_cells_outside(effect: Study) -> None:
    row = pick(effect["floors"], outcome="bpb_reduction")
    assert (row["cells"], row["judged"]) == (8, 48)
    assert 4 <= len(row["outside"]) <= 20


def test_all_that_may_become_a_headline_of_a_setting_is_one_family() -> None:
    sizes = [planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.02), size=size, seed=size) for size in (500, 900)]
    study = build(pl.concat([sizes[0], suffix(sizes[1], "large")]))
    for size in (500, 900):
        rows: list[Any] = [*study["against_random"], *study["slopes"], *study["shapes"]]
        family = [(row["p"], row["p_holm"]) for row in rows if row["size"] == size]
        assert len(family) == 24 + 6 + 6
        assert [p_holm for _, p_holm in family] == pytest.approx(adjust_holm([p for p, _ in family]), rel=1e-4)
        for model in ("own", "shared"):
            lengths = select_rows(study["lengths"], {"model": model, "size": size})
            adjusted = adjust_holm([row["diversity_p"] for row in lengths])
            assert [row["diversity_p_holm"] for row in lengths] == pytest.approx(adjusted, rel=1e-4)


def test_the_primary_outcome_and_setting_come_first_and_alone_are_not_exploratory() -> None:
    window = planted_grid({"response-micro": 0.0}, random=3, min_tokens=50)
    grid, name = pl.concat([window, planted_grid()]), "500 rows, 50..10000 tokens each, uniform weights, slack 1.5"
    rates = pl.col("likelihood_win_rate")
    study = build(grid, win_rate=rates, outcome="likelihood_win_rate", setting=name)
    assert study["outcomes"][0] == "likelihood_win_rate" and study["settings"][0]["min_tokens"] == 50
    roles = [row["role"] for row in study["verdict"]]
    assert roles == ["primary", "exploratory", "exploratory", "exploratory"]
    assert [" (exploratory). " in row["headline"] for row in study["verdict"]] == [False, True, True, True]
    assert build(grid, win_rate=rates)["settings"][0]["min_tokens"] == 0
    with pytest.raises(
        ValueError, match=r"primary_setting must be largest or one of: 500 rows, .*; 500 rows, .*Got: x"
    ):
        build(grid, setting="x")
    with pytest.raises(ValueError, match="primary_outcome must be an outcome of the cells, bpb_reduction, got luck"):
        build(grid, outcome="luck")


GPU = read_profile_settings("smollm2-gpu")


def build_registered(grid: pl.DataFrame, scores: pl.DataFrame = NO_SCORES, **changes: Any) -> Study:
    """The study as profile smollm2-gpu has it, but for what is asked of prompts."""
    registration = read_registration(GPU, **changes)
    study = build_study(grid, scores, 1, 50, "bpb_reduction", GPU["analyze"]["primary_setting"], registration)
    validate_study(json.loads(json.dumps(study, allow_nan=False)))
    return study


def test_registered_hypotheses_stand_apart_and_all_else_is_exploratory() -> None:
    study = build_registered(plant_profile(GPU, rise_to_random))
    assert [(row["name"], row["state"]) for row in study["hypotheses"]] == [
        (name, "confirmed") for name in ("P1", "P2", "P3", "O1", "O2")
    ]
    assert len(study["family"]) == 22 and [row["tests"] for row in study["hypotheses"]] == [1, 1, 1, 18, 1]
    assert {row["role"] for row in study["verdict"]} == {"exploratory"}
    assert all(" (exploratory). " in row["headline"] and "Take " not in row["headline"] for row in study["verdict"])
    sentences = [text for row in study["hypotheses"] for text in re.split(r"(?<=\.)\s+", row["words"])]
    assert max(len(text.split()) for text in sentences) <= 25


def test_a_grid_that_ends_early_keeps_the_registered_setting() -> None:
    """With seeds 1 and 2 of the ends of the dial alone, the free dial has more cells."""
    grid = plant_profile(GPU, rise_to_random)
    is_free = pl.col("lengths") == "free"
    early = grid.filter((pl.col("seed") == 1) & (pl.col("degree") != 3) | is_free)
    study = build_registered(early)
    assert study["settings"][0]["lengths"] == "as-random" and study["settings"][0]["cells"] == 12
    assert study["settings"][1]["cells"] == 34  # what `largest` would take
    assert build(early)["settings"][0].get("lengths") is None
    study = build_registered(grid.filter(pl.col("strategy") == "random"))
    assert {row["state"] for row in study["hypotheses"]} == {"not tested"} and study["floors"][0]["cells"] == 8
    assert study["hypotheses"][0]["words"].endswith("is not tested. No cell of the registered setting has run.")
    with pytest.raises(ValueError, match="must name the setting of the registered hypotheses, got largest"):
        build_study(grid, NO_SCORES, 1, 50, registration=read_registration(GPU))


def test_cells_without_the_registered_prompts_make_no_study() -> None:
    """As where two of three benchmarks have no references: the outcome would be about the third alone."""
    grid = plant_profile(GPU, rise_to_random).filter(pl.col("strategy") == "random")
    prompts = pl.DataFrame({"id": [f"p{number}" for number in range(5)], "group": ["a"] * 5})
    outcomes = grid.select("experiment", outcome=pl.lit("bpb_reduction"), score="bpb_reduction", weight=pl.lit(1.0))
    scores = outcomes.join(prompts, how="cross").select("experiment", "outcome", "id", "score", "weight", "group")
    build_registered(grid, scores, least_prompts=5)
    few = scores.filter((pl.col("experiment") != grid["experiment"][0]) | (pl.col("id") == "p0"))
    with pytest.raises(ValueError, match=r"at least 5 prompts .* 1 of 8 have fewer: .* has 1\. Name every registered"):
        build_registered(grid, few, least_prompts=5)


def count_headlines(studies: int, **planted: Any) -> int:
    """How many null studies have a headline that claims anything."""
    count = 0
    for seed in range(studies):
        [verdict] = build(planted_grid(seed=seed, **planted))["verdict"]
        nothing = "No configuration beats random" in verdict["headline"] and "worse than" not in verdict["headline"]
        count += not (nothing and "No strategy shows a significant effect of diversity" in verdict["headline"])
    return count


@pytest.mark.long
def test_at_most_one_null_study_in_twenty_has_a_headline() -> None:
    assert count_headlines(120) <= 11  # 6 expected at 5 %: more than 11 have a probability of 0.012


def test_cells_that_a_staged_grid_adds_to_its_winners_do_not_choose_the_primary_setting() -> None:
    """The window has 3 of 6 strategies and, by seeds of later rungs, more cells than the other setting."""
    some = {"response-micro": 0.0, "response-macro": 0.0, "instruction-micro": 0.0}
    window, other = planted_grid(some, seeds=8, min_tokens=50), planted_grid(seeds=1)
    first, second = build(pl.concat([window, other]))["settings"]
    assert (first["min_tokens"], first["cells"], second["min_tokens"], second["cells"]) == (0, 32, 50, 104)
    tie = suffix(planted_grid(some, seeds=1, max_tokens=60), "tie")
    assert [row["cells"] for row in build(pl.concat([tie, window]))["settings"]] == [104, 20]


def test_the_setting_with_most_configurations_comes_first_and_is_described() -> None:
    window = planted_grid({"response-micro": 0.0}, random=3, min_tokens=50, max_tokens=120)
    main, other = build(pl.concat([window, planted_grid()]))["settings"]
    assert (main["cells"], main["random_cells"], other["cells"], other["random_cells"]) == (56, 8, 11, 3)
    assert (other["min_tokens"], other["max_tokens"], other["budget"], other["size"]) == (50, 120, "rows", 500)
    assert other["strategies"] == ["random", "response-micro"]


def test_a_setting_says_its_lengths_only_where_they_are_not_free() -> None:
    other = planted_grid({"response-micro": 0.0}, random=0, lengths="as-random").with_columns(
        experiment=pl.format("{}-as-random", "experiment")
    )
    study = build(pl.concat([planted_grid(), other]))
    assert [setting.get("lengths") for setting in study["settings"]] == [None, "as-random"]
    rows = [row for row in study["against_random"] if "lengths as random" in row["condition"]]
    assert rows and all("lengths as random" not in row["random_condition"] for row in rows)


def test_every_metric_of_both_sides_is_set_against_the_outcome(effect: Study) -> None:
    rows = select_rows(effect["metrics"], {"outcome": "bpb_reduction"})
    assert len(rows) == 16 and {row["points"] for row in rows} == {25}
    assert pick(rows, metric="response_token_entropy")["paper"] == 0.58
    assert "partial_r" not in pick(rows, metric="response_mean_tokens")


def test_without_effects_the_verdict_says_that_nothing_is_significant() -> None:
    [verdict] = build(planted_grid())["verdict"]
    assert "No configuration beats random (best: " in verdict["headline"]
    assert "No strategy shows a significant effect of diversity (95 % CIs of the slopes: −0." in verdict["headline"]
    assert sum("): not significant." in sentence for sentence in verdict["sentences"]) == 6


def test_length_that_does_it_all_is_never_called_diversity() -> None:
    grid = planted_grid(length_effect=0.005, length_slope=100, noise=0.02)
    rows = select_rows(build(grid)["lengths"], {"outcome": "bpb_reduction"})
    verdicts = {row["verdict"] for row in rows}
    assert "cannot tell" in verdicts and verdicts <= {"cannot tell", "explained by length"}


def test_a_window_without_random_cells_is_compared_with_those_of_the_same_opponent() -> None:
    window: dict[str, Any] = {"min_tokens": 50, "random": 0}
    plain = planted_grid({"response-micro": 0.0})
    same = build(pl.concat([plain, planted_grid({"response-micro": 0.0}, **window)]))
    rows = [row for row in same["against_random"] if "50..10000" in row["condition"]]
    assert [row["random_condition"].split(" each")[0] for row in rows] == ["rows, 0..10000 tokens"] * 4
    other = planted_grid({"response-micro": 0.0}, **window, opponent_bits_per_byte=2.6)
    rows = [row for row in build(pl.concat([plain, other]))["against_random"] if "50..10000" in row["condition"]]
    assert [row["reason"] for row in rows] == ["there is no random cell of this size and opponent: run random"] * 4


def test_matched_random_cells_are_a_contrast_of_their_own() -> None:
    matched = planted_grid({"length-matched": 0.0}, degrees=(0, 6), seeds=3, random=0, noise=0.001)
    grid = pl.concat(
        [planted_grid({"response-micro": 0.1}), matched.with_columns(experiment=pl.format("{}-matched", "experiment"))]
    )
    rows = select_rows(build(grid)["matched"], {"outcome": "bpb_reduction"})
    assert [row["degree"] for row in rows] == [0, 6]
    assert rows[1]["low"] > 0 and rows[0]["low"] < 0 < rows[0]["high"]


def test_rows_matched_to_any_strategy_are_a_contrast_with_that_strategy() -> None:
    grids = [planted_grid({"response-micro": 0.0, "response-macro": 0.1}, seeds=3)]
    for match in ("response-micro", "response-macro"):
        matched = planted_grid({"length-matched": 0.0}, degrees=(6,), seeds=3, random=0, noise=0.001)
        grids.append(
            matched.with_columns(experiment=pl.format("{}-{}", "experiment", pl.lit(match)), match=pl.lit(match))
        )
    rows = select_rows(build(pl.concat(grids))["matched"], {"outcome": "bpb_reduction"})
    assert {row["strategy"]: round(row["value"], 1) for row in rows} == {"response-micro": 0.0, "response-macro": 0.1}


def test_prompts_of_cells_that_are_left_out_count_nothing() -> None:
    """Ten groups of other code's prompts would make a bootstrap of groups of what are two groups."""

    def score(cells: pl.DataFrame, group: str, groups: int) -> pl.DataFrame:
        prompts = pl.DataFrame({"id": [f"{group}{number}" for number in range(20)]})
        prompts = prompts.with_columns(group=pl.format("{}{}", pl.lit(group), pl.int_range(20) % groups))
        rows = cells.select("experiment", outcome=pl.lit("bpb_reduction"), score="bpb_reduction", weight=pl.lit(1.0))
        return rows.join(prompts, how="cross").with_columns(score=pl.col("score") + pl.int_range(pl.len()) % 7 * 0.001)

    grid = planted_grid({"response-micro": 0.0})
    foreign = planted_grid({"response-micro": 0.0}, provenance="zzz", random=2)
    foreign = foreign.with_columns(experiment=pl.format("{}-z", "experiment"))
    scores = score(grid, "a", 2)
    alone = build(grid, scores)["against_random"]
    assert {(row["prompts"], row["prompt_groups"]) for row in alone} == {(20, 20)}
    mixed = build(pl.concat([grid, foreign]), pl.concat([scores, score(foreign, "b", 10)]))["against_random"]
    assert [row["se"] for row in mixed] == [row["se"] for row in alone]
    assert {(row["prompts"], row["prompt_groups"]) for row in mixed} == {(20, 20)}


def test_scores_a_prompt_say_how_far_a_slope_reaches() -> None:
    source = planted_study(np.random.default_rng(1))
    names = [f"cell-{i:03d}-0" for i in range(16)]
    levels = dict(zip(names, source.performance, strict=True))
    grid = planted_grid({"response-micro": 0.0}).with_columns(
        bpb_reduction=pl.col("experiment").replace_strict(levels, return_dtype=pl.Float64)
    )
    scores = pl.DataFrame(
        {
            "experiment": np.repeat(names, 200),
            "id": [f"p{i:03d}" for i in range(200)] * 16,
            "score": source.saved.ravel(),
            "weight": np.tile(source.bytes, 16).astype(np.float64),
        }
    )
    won = scores.with_columns(outcome=pl.lit("likelihood_win_rate"), score=(pl.col("score").sign() + 1) / 2, weight=1.0)
    scores = pl.concat([scores.with_columns(outcome=pl.lit("bpb_reduction")), won])
    study = build(grid, scores, pl.col("likelihood_win_rate"))
    row = pick(study["slopes"], outcome="bpb_reduction")
    assert row["prompts"] == 200
    assert row["prompts_only_low"] < row["value"] < row["prompts_only_high"]
    assert row["low"] < min(row["seeds_only_low"], row["prompts_only_low"])
    shape = pick(study["shapes"], outcome="bpb_reduction")
    assert shape["p"] != pick(build(grid)["shapes"], outcome="bpb_reduction")["p"]
    row = pick(study["slopes"], outcome="likelihood_win_rate")
    assert row["prompts"] == 200 and -1 <= row["prompts_only_low"] < row["prompts_only_high"] <= 1
    against = select_rows(study["against_random"], {"outcome": "bpb_reduction"})
    assert against and all("prompts_only_low" in row for row in against)


def score_cells(grid: pl.DataFrame) -> pl.DataFrame:
    """Scores of 40 prompts whose mean is each cell's bpb reduction; the prompts' own noise is 0.05."""
    rng = np.random.default_rng(2)
    scores = grid.select("experiment", level="bpb_reduction").join(pl.DataFrame({"id": range(40)}), how="cross")
    noise = pl.Series(rng.normal(0, 0.05, scores.height))
    return scores.select(
        "experiment",
        outcome=pl.lit("bpb_reduction"),
        id=pl.format("p{}", "id"),
        score=pl.col("level") + noise - noise.mean(),
        weight=pl.lit(1.0),
    )


def test_a_cell_without_scores_makes_no_claim_surer() -> None:
    """Without prompts, degree 6 would pass for certain: its seeds agree to 0.0001, its prompts do not."""
    grid = planted_grid({"response-micro": 0.02, "response-macro": 0.0}, degrees=(0, 6), noise=0.001)
    scores = score_cells(grid)
    lost = grid.filter(strategy="response-micro", degree=6)["experiment"][0]
    whole, part = build(grid, scores), build(grid, scores.filter(pl.col("experiment") != lost))
    reason = f"{lost} must have 2 prompts with scores: run python -m m2m collect, which prints why"
    for name in ("against_random", "slopes", "shapes"):
        rows: list[Any] = part[name]
        refused = [row for row in rows if "reason" in row]
        assert [(row["strategy"], row.get("degree", 6)) for row in refused] == [("response-micro", 6)]
        assert refused[0]["reason"] == reason and not {"p", "p_holm", "low"} & set(refused[0])
        kept = [row for row in rows if "reason" not in row]
        before = {(row["strategy"], row.get("degree")): row["p"] for row in whole[name]}
        assert [row["p"] for row in kept] == [before[row["strategy"], row.get("degree")] for row in kept]
    [verdict] = part["verdict"]
    assert "Intervals cover other seeds and other prompts" in verdict["sentences"][2]
    assert any(text.endswith(f"1 more could not be compared: {reason}.") for text in verdict["sentences"])
    assert "3 compared" in verdict["headline"]


def test_where_random_lacks_scores_nothing_is_compared_and_the_headline_says_why() -> None:
    grid = planted_grid({"response-micro": 0.5}, degrees=(0, 6))
    random = grid.filter(strategy="random")["experiment"].to_list()
    [verdict] = build(grid, score_cells(grid).filter(~pl.col("experiment").is_in(random)))["verdict"]
    assert f"No comparison with random: {random[0]} and 7 more must have 2 prompts" in verdict["headline"]


def test_without_a_bpb_reduction_the_win_rate_must_be_named_as_the_outcome() -> None:
    grid = planted_grid({"response-micro": 0.1}).with_columns(bpb_reduction=pl.lit(None, pl.Float64))
    with pytest.raises(ValueError, match="must be an outcome of the cells, likelihood_win_rate, got bpb_reduction"):
        build(grid, win_rate=pl.col("likelihood_win_rate"))
    study = build(grid, win_rate=pl.col("likelihood_win_rate"), outcome="likelihood_win_rate")
    assert study["outcomes"] == ["likelihood_win_rate"]
    assert " in win rate from degree" in study["verdict"][0]["sentences"][3]
    assert "Response-micro: +0.1" in study["verdict"][0]["headline"]


def test_where_an_llm_judges_alone_its_win_rate_is_the_outcome() -> None:
    grid = build_grid_table(
        judged(planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.1})).to_dicts()
    )
    study = build(grid, outcome="alpaca_eval_win_rate")
    assert study["outcomes"] == ["alpaca_eval_win_rate"]
    [verdict] = study["verdict"]
    assert " in win rate from least to most diverse" in verdict["headline"]
    assert "With length controlled: not explained by length." in verdict["headline"]
    assert study["against_random"] and study["lengths"] and study["metrics"] and study["claims"] and study["paper"]


def test_an_llm_judges_win_rate_has_a_verdict_of_its_own_beside_the_bpb_reduction() -> None:
    grid = planted_grid({"response-micro": 0.1}).with_columns(arena_hard_win_rate="likelihood_win_rate")
    assert [row["outcome"] for row in build(grid)["verdict"]] == ["bpb_reduction", "arena_hard_win_rate"]


def test_cells_of_other_code_are_left_out_and_counted() -> None:
    other = planted_grid({"response-micro": 9.0}, provenance="zzz", random=2)
    study = build(
        pl.concat(
            [planted_grid({"response-macro": 0.0}), other.with_columns(experiment=pl.format("{}-z", "experiment"))]
        )
    )
    assert (study["cells"], study["cells_left_out"]) == (16, 10)


def test_the_order_of_the_rows_changes_nothing() -> None:
    grid = planted_grid({"response-micro": 0.1})
    assert build(grid) == build(grid.sample(fraction=1, shuffle=True, seed=3))


DEGENERATE = {
    "one cell": planted_grid({"response-micro": 0.0}, degrees=(0,), seeds=1, random=0),
    "random only": planted_grid({}, random=3),
    "no random": planted_grid({"response-micro": 0.0}, random=0),
    "one degree": planted_grid({"response-micro": 0.0}, degrees=(3,)),
    "one seed": planted_grid({"response-micro": 0.0}, degrees=(0, 3, 6), seeds=1, random=1),
    "constant performance": planted_grid({"response-micro": 0.0}, noise=0.0),
    "constant length": planted_grid({"response-micro": 0.0}).with_columns(
        mean_response_tokens=pl.lit(80.0), response_mean_tokens=pl.lit(80.0), trained_tokens=pl.lit(40_000)
    ),
    "one metric missing": planted_grid({"response-micro": 0.0}).with_columns(
        instruction_micro_coverage=pl.lit(None, pl.Float64)
    ),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_a_degenerate_grid_has_reasons(name: str) -> None:
    study = build(DEGENERATE[name])
    assert study["verdict"][0]["headline"]
    assert not any(row.get("p_holm", 1) < 0.05 for row in study["slopes"])


def test_a_grid_without_cells_or_outcome_is_an_error_that_names_the_remedy() -> None:
    for grid in (planted_grid().head(0), planted_grid().with_columns(bpb_reduction=NOTHING)):
        with pytest.raises(ValueError, match="run `make grid`"):
            build(grid.drop("bpb_reduction_prompts_only_low", "bpb_reduction_prompts_only_high"))
