"""Which subset to take: each sentence, the table and the command against rows whose numbers are known."""

import inspect
import shlex
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from scipy import stats

from bench.planted import planted_grid
from m2m.grid.design import list_cells
from m2m.grid.rungs import list_rungs
from m2m.planning.staging import check_schedule
from m2m.schemas.study import Study
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.study import build_study
from m2m.study.report.recommendation import (
    SELECT_DEFAULTS,
    Recommendation,
    compare_settings,
    list_level,
    list_worse,
    recommend,
    tabulate_gains,
    write_paragraphs,
)
from tests.planted import NO_SCORES, suffix
from tests.study.study_rows import CONDITION, gain, lengths, make_study, matched, setting

MANY = {"prompt_groups": 10**9}  # their noise is as good as known


def advise(study: Study, outcome: str = "bpb_reduction") -> Recommendation:
    [recommendation] = recommend(study, outcome)
    return recommendation


def build(grid: pl.DataFrame) -> Study:
    return build_study(grid.with_columns(likelihood_win_rate=pl.lit(None, pl.Float64)), NO_SCORES, 1, 100)


def sentences(*rows: Any, **more: Any) -> list[str]:
    return advise(make_study(against_random=list(rows), **more)).sentences


def test_the_best_is_taken_with_its_gain_its_seeds_and_its_tokens() -> None:
    rows = [gain(0.06, 0.04, degree=3), gain(0.12, 0.0004), gain(-0.3, 0.001, degree=0), gain(0.5, 0.2, degree=4)]
    assert sentences(*rows) == [
        "Take response-micro at degree 6: +0.120 bpb over random (95 % CI 0.100 to 0.150; 4 compared).",
        "Holm p < 0.001, from 2 seeds against 8 of random.",
        "1 other configuration does not differ significantly from it.",
        "Its responses have 90 tokens on average, random's 80.",
    ]


def test_where_nothing_beats_random_random_is_taken_and_the_best_named() -> None:
    rows = [gain(0.003, 0.3), gain(0.002, 0.3, degree=3), gain(-0.3, 0.001, degree=0)]
    first, second = sentences(*rows)
    assert first == (
        "Take random: nothing beats it (best: response-micro at degree 6, +0.003 bpb, 95 % CI −0.017 to 0.033; "
        "3 compared)."
    )
    assert "per arm give 80 % power" in second


def test_the_seeds_that_would_show_a_gain_are_those_of_a_textbook() -> None:
    """Half a standard deviation at two-sided 5 % and a power of 80 %: 63 a group."""
    words = "If the true effect is this size, about 63 seeds per arm give 80 % power."
    assert sentences(gain(0.01, 0.3, pooled_sd=0.02))[1] == words
    assert len(sentences(gain(-0.01, 0.3))) == 1 and len(sentences(gain(0.0004, 0.3))) == 1  # that is 0.000


def test_the_seeds_allow_for_the_number_of_comparisons() -> None:
    """Bonferroni for 2: z = 2.2414 + 0.8416, so 2 · (3.0830 · 2)² = 76.04."""
    rows = [gain(0.01, 0.3, pooled_sd=0.02), gain(-0.01, 0.3, degree=0)]
    assert "about 77 seeds per arm" in sentences(*rows)[1]


@pytest.mark.parametrize(
    ("se", "words"),
    [
        (0.0036, "about 212 seeds per arm give 80 % power"),
        (0.005, "more seeds cannot show it on these prompts: judge on more of them"),
    ],
)
def test_no_number_of_seeds_is_named_that_the_prompts_would_drown(se: float, words: str) -> None:
    """Seeds alone have an error of 0.002, so the prompts have √(se² − 0.002²); z is 2.8016.

    0.0036: 2 · 0.02² / ((0.01 / z)² − 0.0036² + 0.002²) = 211.7. At 0.005 the difference is negative.
    """
    half = 0.002 * float(stats.t.isf(0.025, 41))
    row = gain(0.01, 0.3, pooled_sd=0.02, noise_df=41, se=se, seeds_only_low=-half, seeds_only_high=half, **MANY)
    assert words in sentences(row)[1]


def test_where_prompts_are_unknown_no_number_of_seeds_is_promised() -> None:
    unknown = {"prompts_reason": "no interval over prompts: this outcome has no scores by prompt"}
    advice = advise(make_study(against_random=[gain(0.02, 0.3, **unknown)]))
    assert advice.sentences[1:] == ["These intervals cover other seeds alone."] and advice.grid == []
    assert sentences(gain(0.0001, 0.3, **unknown))[1:] == ["These intervals cover other seeds alone."]
    assert sentences(gain(0.12, 0.0004, **unknown))[2] == "These intervals cover other seeds alone."


def test_an_interval_without_0_that_holm_does_not_confirm_is_explained() -> None:
    assert sentences(gain(0.025, 0.061))[1] == "That interval leaves out 0, but Holm's p is 0.061: not significant."


def test_what_could_not_be_compared_is_counted_with_its_reason() -> None:
    refused = gain(0.1, degree=2) | {"reason": "cell-1 has no scores"}
    del refused["p_holm"]
    for p_holm in (0.001, 0.3):
        assert sentences(gain(0.1, p_holm), refused)[-1] == "1 more could not be compared: cell-1 has no scores."


def test_what_does_not_differ_from_the_best_is_counted_by_students_t() -> None:
    """sd .0213, 2 seeds against 8, 30 degrees of freedom: the margin is 2.0423 · .0213 · √(1/2 + 1/8) = .0344."""
    rows = [gain(0.2), gain(0.166, degree=4, cells=8), gain(0.165, degree=3, cells=8)]
    assert "1 other configuration does not differ significantly from it." in sentences(*rows)
    rows += [gain(0.17, degree=2)]
    assert "2 other configurations do not differ significantly from it." in sentences(*rows)
    assert not any("differ significantly" in text for text in sentences(gain(0.2), gain(0.1, degree=0)))


@pytest.mark.parametrize(("low", "doubt"), [(0.01, False), (-0.01, True)])
def test_a_gain_that_other_prompts_may_take_away_is_said_to_be_one(low: float, doubt: bool) -> None:
    text = " ".join(sentences(gain(0.1, prompts_only_low=low, prompts_only_high=0.2)))
    ends = f"{'−' * doubt}0.010 to 0.200"
    assert f"The same models on other prompts of these sources: 95 % CI {ends}." in text
    assert ("So the gain may not hold on other prompts." in text) == doubt


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "words"),
    [
        (0.01, 0.1, 0.02, "significantly better than length-matched random (+0.055 bpb, 95 % CI 0.010 to 0.100)."),
        (-0.1, -0.01, 0.02, "significantly worse than length-matched random (−0.055 bpb, 95 % CI −0.100 to −0.010)."),
        (
            -0.1,
            0.1,
            0.9,
            "not significantly different from length-matched random (0.000 bpb, 95 % CI −0.100 to 0.100).",
        ),
        (
            0.01,
            0.1,
            0.1,
            "not significantly different from length-matched random (+0.055 bpb, 95 % CI 0.010 to 0.100).",
        ),
    ],
)
def test_the_best_is_compared_with_random_of_its_lengths_at_its_degree(
    low: float, high: float, p_holm: float, words: str
) -> None:
    """After Holm: an interval alone above 0 among several degrees is not enough."""
    rows = [
        matched((low + high) / 2, low, high, p_holm=p_holm),
        matched(1, 1, 2, degree=0),
        matched(1, 1, 2, strategy="other"),
    ]
    texts = [text for text in sentences(gain(0.1), matched=rows) if "length-matched" in text]
    assert texts == [f"It is {words}"]


def test_what_length_leaves_of_the_slope_is_told() -> None:
    rows = lengths("response-micro", "cannot tell", "explained by length")
    assert (
        sentences(gain(0.1), lengths=rows)[-1] == "Slope of response-micro with length controlled: explained by length."
    )


def test_random_cells_of_another_setting_are_named() -> None:
    borrowed = CONDITION.replace("any length", "40..90 tokens")
    words = "This setting has no random cells; those of 40..90 tokens are used."
    assert sentences(gain(0.1, random_condition=borrowed))[-1] == words
    assert sentences(gain(0.1, 0.3, random_condition=borrowed))[-1] == words


def test_without_a_comparison_the_reason_is_given_and_no_command() -> None:
    reason = gain(0.1) | {"reason": "there is no noise"}
    del reason["p_holm"]
    advice = advise(make_study(against_random=[reason, reason]))
    assert advice == ("500 rows", ["No recommendation: there is no noise."], [], "", [], [], [], "")
    words = "No recommendation: only random was run: run a strategy to compare with it."
    assert advise(make_study()).sentences == [words]


def test_the_table_holds_random_and_the_largest_gains_with_tokens_and_seeds() -> None:
    rows = [gain(value, 0.3, degree=degree) for degree, value in enumerate((-0.3, 0.1, 0.05, -0.1, 0.2, 0.04, -0.2))]
    rows += [gain(0.03, 0.001, strategy="k-center", cells=11, mean_response_tokens=123.6)]
    rows += [gain(0.02, 0.001, strategy="longest-ish", degree=1)]
    assert tabulate_gains(advise(make_study(against_random=rows))) == [
        "configuration               gain bpb  95 % CI         response tokens  cost  seeds  shared rows",
        "random                                                80               1.00  8",
        "response-micro at degree 4  +0.200    0.180 to 0.230  90               1.12  2      at least 7 %",
        "response-micro at degree 1  +0.100    0.080 to 0.130  90               1.12  2      at least 7 %",
        "response-micro at degree 2  +0.050    0.030 to 0.080  90               1.12  2      at least 7 %",
        "response-micro at degree 5  +0.040    0.020 to 0.070  90               1.12  2      at least 7 %",
        "k-center                    +0.030    0.010 to 0.060  124              1.54  11     at least 7 %",
    ]


def test_what_is_worse_is_listed_by_itself_the_worst_first() -> None:
    rows = [gain(-0.1, degree=2), gain(-0.3, degree=0), gain(-0.2, 0.05, degree=1), gain(0.1)]
    advice = advise(make_study(against_random=rows))
    assert list_worse(advice) == [
        "Significantly worse than random (Holm), 2:",
        "response-micro at degree 0  −0.300",
        "response-micro at degree 2  −0.100",
    ]
    assert list_worse(advise(make_study(against_random=[gain(0.1)]))) == []


def test_under_a_token_budget_all_train_on_as_many_tokens() -> None:
    condition = CONDITION.replace("rows", "tokens")
    rows = [gain(0.1, condition=condition)]
    study = make_study(settings=[setting(condition=condition, budget="tokens")], against_random=rows)
    assert tabulate_gains(advise(study))[2].split()[-6:-4] == ["1.00", "2"]


def test_what_is_level_with_random_lies_within_the_margin_with_its_whole_interval() -> None:
    """Three times the noise of .0213 are .064; the interval reaches from −.01 to +.02 about the gain."""
    rows = [gain(0.045, degree=4), gain(0.043, degree=3), gain(-0.05, degree=2), gain(-0.06, degree=0)]
    advice = advise(make_study(against_random=rows))
    assert list_level(advice, None) == [
        "Level with random, 95 % CI within ±0.064, 3 × the seed noise, 2:",
        "response-micro at degree 3  0.033 to 0.063",
        "response-micro at degree 2  −0.060 to −0.030",
    ]
    assert list_level(advice, 0.0655)[0] == "Level with random, 95 % CI within ±0.066, 3:"
    assert list_level(advice, 0.001) == [] == list_level(advise(make_study()), 0.1)


def floor(condition: str, mean: float, cells: int) -> Any:
    return {"outcome": "bpb_reduction", "condition": condition, "size": 500, "mean": mean, "sd": 0.001, "cells": cells}


def test_settings_are_compared_by_their_random_cells() -> None:
    """The bundled study's window: −.0033 with 2 cells against 8, noise .001696 of 44 degrees of freedom."""
    window = CONDITION.replace("any length", "40..120 tokens each")
    study = make_study(
        settings=[setting(), setting(condition=window), setting(condition=CONDITION, size=900)],
        against_random=[gain(0.1, size=900), gain(0.1, pooled_sd=0.001696, df=44, noise_df=44)],
        floors=[floor(CONDITION, -0.0014, 8), floor(window, -0.0047, 2)],
    )
    assert compare_settings(study, "bpb_reduction") == [
        "Random, 500 rows, 40..120 tokens each: −0.003 bpb (95 % CI −0.006 to −0.001, p 0.018, 2 cells)."
    ]
    assert compare_settings(make_study(), "bpb_reduction") == []


def test_what_prompts_add_makes_more_configurations_equal_to_the_best() -> None:
    """Seeds alone leave .046 between two means of two; prompts with sd .05 leave .107."""
    rows = [gain(0.5, pooled_sd=0.0213, df=1000), gain(0.42, degree=4, pooled_sd=0.0213, df=1000)]
    words = "1 other configuration does not differ significantly from it."
    assert words not in sentences(*rows)
    half = 1.96 * 0.0213
    wide = {"se": (0.0213**2 + 0.05**2) ** 0.5, "seeds_only_low": 0.5 - half, "seeds_only_high": 0.5 + half}
    noisy = [row | wide | {"noise_df": 1000, "prompt_groups": 100} for row in rows]
    assert words in sentences(*noisy)


def test_where_nothing_is_taken_a_grid_that_would_settle_it_is_written() -> None:
    """One comparison of .02 with noise .0213: 2 · (2.80 · .0213 / .02)² = 17.8 seeds, and two as the noise is new."""
    grid = yaml.safe_load("\n".join(advise(make_study(against_random=[gain(0.02, 0.3)])).grid))["grid"]
    assert grid["staged"] == {"keep": [1], "fresh": list(range(201, 221))}
    params = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
    first = list_cells(grid["parts"], params["subset"], "staged")
    rungs = list_rungs(first, check_schedule(**grid["staged"]), lambda _: 0.0)
    assert [len(rung.cells) for rung in rungs] == [1, 40]
    assert {(cell["strategy"], cell["degree"], cell["size"]) for cell in first} == {("response-micro", 6, 500)}


def test_the_noise_of_prompts_asks_for_more_seeds_and_may_hide_the_gain() -> None:
    """se .0045 of seeds and .004 of prompts are .006 in all: 2 · .0213² / ((.02 / 2.80)² − .004²) = 26 seeds."""
    ends = {"seeds_only_low": 0.02 - 2.042272 * 0.0045, "seeds_only_high": 0.02 + 2.042272 * 0.0045} | MANY
    grids = [advise(make_study(against_random=[gain(0.02, 0.3, **row)])).grid for row in (ends | {"se": 0.00602}, ends)]
    [more, hidden] = [yaml.safe_load("\n".join(grid))["grid"] if grid else None for grid in grids]
    assert 24 <= len(more["staged"]["fresh"]) <= 32 and hidden is None  # by default se is .01


def test_prompts_that_chose_among_more_configurations_ask_for_more_seeds() -> None:
    """Among 3 the prompts' .004 counts 1.22 times (2.394 / 1.960): 2 · .0213² / ((.02 / 2.80)² − .0049²) = 34 seeds."""
    ends = {"seeds_only_low": 0.02 - 2.042272 * 0.0045, "seeds_only_high": 0.02 + 2.042272 * 0.0045} | MANY
    rows = [gain(0.02, 0.3, **ends, se=0.00602), gain(-0.01, 0.3, degree=0), gain(-0.02, 0.3, degree=2)]
    grid = yaml.safe_load("\n".join(advise(make_study(against_random=rows)).grid))["grid"]
    assert 33 <= len(grid["staged"]["fresh"]) <= 43


@pytest.mark.parametrize("rows", [[gain(0.2)], [gain(-0.01, 0.3)], [gain(0.001, 0.3)]], ids=["taken", "worse", "tiny"])
def test_no_grid_is_written_where_none_would_help(rows: Any) -> None:
    assert advise(make_study(against_random=rows)).grid == []


def test_a_staged_grid_is_answered_by_its_fresh_cells_and_harm_by_all() -> None:
    screened = [gain(0.3, degree=2), gain(-0.3, degree=0)]
    fresh = [gain(0.05, cells=9, against_cells=9), gain(0.01, 0.4, degree=4, cells=9)]
    advice = advise(make_study(against_random=screened, confirmed=fresh))
    assert advice.sentences[:3] == [
        "Take response-micro at degree 6: +0.050 bpb over random (95 % CI 0.030 to 0.080; 2 compared).",
        "Holm p 0.001, from 9 seeds against 9 of random.",
        "These seeds are fresh: they had no part in the choice.",
    ]
    assert [row["degree"] for row in advice.rows] == [6, 4] and [row["degree"] for row in advice.worse] == [0]


def test_a_paragraph_a_setting_ends_with_what_is_worse_and_holds_no_command() -> None:
    study = make_study(
        settings=[setting(), setting(size=900)],
        against_random=[gain(0.1), gain(-0.1, degree=0), gain(-0.2, degree=1), gain(-0.1, size=900)],
    )
    first, second = write_paragraphs(study, "bpb_reduction")
    assert first.startswith("500 rows. Take response-micro at degree 6: ") and "dvc" not in first
    assert first.endswith("random's 80. 2 configurations are significantly worse than random.")
    assert second.startswith("900 rows. Take random: ")
    assert second.endswith("1 configuration is significantly worse than random.")


SETTINGS = [f"-S subset.{name}" for name in ("size=500", "budget=rows", "min_tokens=0", "max_tokens=100000")]
SETTINGS += ["-S subset.weights=uniform", "-S subset.slack=1.5", "-S subset.lengths=free"]
SETTINGS += ["-S subset.peel_noise=0.0"]


@pytest.mark.parametrize(
    ("row", "flags"),
    [
        (gain(0.1), ["strategy=response-micro", "degree=6"]),
        (gain(0.1, 0.3), ["strategy=random"]),
        (gain(0.1, strategy="k-center"), ["strategy=k-center"]),
        (
            gain(0.1, strategy="length-matched", match="response-macro", degree=0),
            ["strategy=length-matched", "match=response-macro", "degree=0"],
        ),
    ],
    ids=["strategy", "random", "no degree", "length-matched"],
)
def test_the_command_makes_the_recommended_rows_and_trains_nothing(row: Any, flags: list[str]) -> None:
    command = advise(make_study(against_random=[row, gain(-0.3, degree=1)])).command
    assert command == " ".join(
        ["dvc exp run band@instruction band@response subset@candidate"]
        + [f"-S subset.{flag}" for flag in flags]
        + SETTINGS
    )
    assert shlex.join(shlex.split(command)) == command


def test_an_outcome_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="must be one of bpb_reduction, got luck"):
        recommend(make_study(), "luck")


@pytest.mark.parametrize("seed", range(3))
def test_without_a_planted_effect_random_is_taken(seed: int) -> None:
    assert advise(build(planted_grid(seed=seed))).sentences[0].startswith("Take random: nothing beats it (best: ")


def test_a_planted_effect_is_taken_and_a_planted_harm_listed() -> None:
    slopes = dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.1, "response-macro": -0.2}
    advice = advise(build(planted_grid(slopes)))
    assert advice.sentences[0].startswith("Take response-micro at degree 6: +0.")
    assert "With length" not in advice.sentences[-1] and "not explained by length" in advice.sentences[-1]
    assert advice.worse[0]["strategy"] == "response-macro" and advice.worse[0]["degree"] == 6


def test_a_gain_that_length_gives_as_well_is_called_so() -> None:
    length: dict[str, Any] = {"length_effect": 0.002, "length_slope": 100}
    plain = planted_grid({"response-micro": 0.0}, **length)
    matched_cells = planted_grid({"length-matched": 0.0}, seeds=3, random=0, seed=10, **length)
    text = " ".join(advise(build(pl.concat([plain, suffix(matched_cells, "m")]))).sentences)
    assert "not significantly different from length-matched random" in text or "Take length-matched random" in text


@pytest.mark.parametrize(
    ("rows", "changed", "words"),
    [
        ([gain(0.1)], {}, "--size 500 --strategy response-micro --degree 6 --weights uniform --peel-noise 0.0"),
        ([gain(0.1)], {"weights": "inverse", "peel_noise": 0.25}, "--size 500 --strategy response-micro --degree 6"),
        ([gain(0.1, 0.3)], {}, "--size 500 --strategy random"),
        (
            [gain(0.1, 0.3)],
            {"max_tokens": 120, "min_tokens": 40},
            "--size 500 --strategy random --min-tokens 40 --max-tokens 120",
        ),
        ([gain(0.1, 0.3)], {"budget": "tokens"}, "--tokens 500 --strategy random"),
    ],
)
def test_such_rows_of_ones_own_file_have_the_same_settings(
    rows: list[Any], changed: dict[str, Any], words: str
) -> None:
    advice = advise(make_study(against_random=rows, settings=[setting(**changed)]))
    assert advice.own_file == f"python -m m2m select my.jsonl {words}"


def test_what_select_does_not_have_is_no_command_for_ones_own_file() -> None:
    for strategy in ("ifd", "rds-plus", "bm25", "deita"):
        assert advise(make_study(against_random=[gain(0.1, strategy=strategy)])).own_file == ""


def test_rows_that_were_chosen_near_examples_are_recommended_with_their_prefilter() -> None:
    near = {"prefilter": "bm25", "prefilter_share": 0.2}
    advice = advise(make_study(against_random=[gain(0.1)], settings=[setting(**near)]))
    assert advice.command.endswith("-S subset.prefilter=bm25 -S subset.prefilter_share=0.2")
    assert advice.own_file == ""


def test_the_defaults_that_are_left_out_are_those_of_select() -> None:
    from m2m.commands.select import main

    defaults = {name: parameter.default for name, parameter in inspect.signature(main).parameters.items()}
    assert {name: defaults[name] for name in SELECT_DEFAULTS} == SELECT_DEFAULTS
