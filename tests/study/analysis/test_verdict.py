"""What the verdict rests on: each sentence against rows whose numbers are known."""

from typing import Any

from m2m.study.analysis.verdict import write_verdict
from tests.study.study_rows import CONDITION, PLACE, gain, lengths, make_study, matched, setting, shape, slope


def sentences(**rows: Any) -> list[str]:
    [row] = write_verdict(make_study(**rows))
    return row["sentences"]


def test_the_setting_and_its_cells_come_first() -> None:
    assert sentences()[0] == "500 rows, any length, uniform weights, slack 1.5: 34 cells, 8 of them random."


def test_the_headline_begins_with_what_tells_its_setting_from_others() -> None:
    window = setting(condition=CONDITION.replace("any length", "40..120 tokens each"), cells=10)
    rows = write_verdict(make_study(settings=[setting(), window]))
    assert [row["headline"].split(". ")[0] for row in rows] == [
        "500 rows, any length",
        "500 rows, 40..120 tokens each (exploratory)",
    ]
    assert [row["role"] for row in rows] == ["primary", "exploratory"]
    [row] = write_verdict(make_study())
    assert row["headline"].startswith("500 rows. No comparison with random")


def test_what_to_take_is_said_once_in_the_primary_setting() -> None:
    """An exploratory one could say otherwise."""
    other = CONDITION.replace("any length", "40..120 tokens each")
    rows = [gain(0.01, 0.3), gain(0.05, condition=other, random_condition=other)]
    studied = make_study(settings=[setting(), setting(condition=other, cells=10)], against_random=rows)
    first, second = (row["headline"] for row in write_verdict(studied))
    assert first.startswith("500 rows, any length. Take random rows. No configuration beats random")
    assert second.startswith("500 rows, 40..120 tokens each (exploratory). 1 of 1 configurations beats random")


def test_the_rows_of_a_verdict_are_those_of_its_outcome_and_setting() -> None:
    other = setting(size=900, cells=10)
    rates = gain(0.5, outcome="likelihood_win_rate")
    study = make_study(
        settings=[setting(), other],
        outcomes=["bpb_reduction", "likelihood_win_rate", "similarity_win_rate"],
        against_random=[gain(0.1), gain(0.2, size=900), rates],
    )
    rows = write_verdict(study)
    assert [(row["outcome"], row["size"]) for row in rows] == [
        ("bpb_reduction", 500),
        ("bpb_reduction", 900),
        ("likelihood_win_rate", 500),
        ("likelihood_win_rate", 900),
    ]
    gains = ["+0.100 bpb", "+0.200 bpb", "+0.500 in win rate"]
    assert all(words in row["headline"] for words, row in zip(gains, rows, strict=False))
    assert "No comparison with random" in rows[3]["headline"]


def test_seed_noise_has_its_cells_and_the_cells_outside_beside_what_chance_gives() -> None:
    floor = PLACE | {
        "cells": 8,
        "sd": 0.001682,
        "judged": 59,
        "outside": ["a", "b", "c"],
        "mean": 0,
        "low": -1,
        "high": 1,
    }
    assert sentences(floors=[floor])[1] == (
        "Seed noise: 8 random cells have a standard deviation of 0.0017. 3 of 59 other cells lie outside random's "
        "95 % prediction interval; 3.0 are expected by chance."
    )
    rare = floor | {"judged": 14, "outside": []}
    assert sentences(floors=[rare])[1].endswith(
        " 0 of 14 other cells lie outside random's 95 % prediction interval; 0.7 are expected by chance."
    )
    assert sentences(floors=[PLACE | {"reason": "run more"}])[1] == "No seed noise of random: run more."


def test_a_strategy_has_its_slope_its_interval_other_prompts_length_and_its_degrees() -> None:
    row = slope("response-micro", 0.0221, 0.00004, prompts_only_low=0.0186, prompts_only_high=0.0254)
    length = lengths("response-micro", "cannot tell", "not wholly explained by length")
    assert sentences(slopes=[row], lengths=length, shapes=[shape("response-micro", 0.0098, 2, 5)])[1] == (
        "Response-micro: +0.022 bpb from degree 0 to 6 (95 % CI 0.012 to 0.042, Holm p < 0.001): significant. "
        "The same models on other prompts: 95 % CI 0.019 to 0.025. "
        "With length controlled: not wholly explained by length. "
        "The degrees differ (Holm p 0.0098): degree 2 is lowest (−0.012), degree 5 highest (+0.046). "
        "A straight line does not fit (p 0.0012)."
    )


def test_a_share_has_no_sign_and_its_difference_has_one() -> None:
    rate: dict[str, Any] = {"outcome": "likelihood_win_rate"}
    degrees = shape("response-micro", 0.01, 0, 6, **rate, worst_mean=0.3375, best_mean=0.5146, bend_p=0.3)
    study = make_study(
        outcomes=["likelihood_win_rate"], slopes=[slope("response-micro", 0.1768, 0.01, **rate)], shapes=[degrees]
    )
    [row] = write_verdict(study)
    assert row["sentences"][1] == (
        "Response-micro: +0.177 in win rate from degree 0 to 6 (95 % CI 0.167 to 0.197, Holm p 0.01): significant. "
        "The degrees differ (Holm p 0.01): degree 0 is lowest (0.338), degree 6 highest (0.515). "
        "A straight line is not rejected (p 0.3)."
    )


def test_a_slope_is_significant_after_holm_or_before_it_or_not() -> None:
    endings = {(0.01, 0.049): "): significant.", (0.04, 0.05): "): not significant after Holm correction."}
    endings |= {(0.05, 0.3): "): not significant."}
    for (p, p_holm), ending in endings.items():
        assert sentences(slopes=[slope("response-micro", 0.01, p_holm, p=p)])[1].endswith(ending)


def test_a_strategy_without_a_slope_has_its_reason() -> None:
    row = PLACE | {"strategy": "response-micro", "cells": 1, "reason": "a slope needs more"}
    assert sentences(slopes=[row])[1] == "Response-micro has no slope: a slope needs more."


def test_degrees_that_may_be_equal_are_not_described_and_two_have_no_line() -> None:
    row = slope("response-micro", 0.01, 0.3)
    assert "degrees differ" not in sentences(slopes=[row], shapes=[shape("response-micro", 0.05, 0, 6)])[1]
    two = shape("response-micro", 0.01, 0, 6)
    del two["bend_p"]
    assert sentences(slopes=[row], shapes=[two])[1].endswith("degree 6 highest (+0.046).")
    assert "degrees differ" not in sentences(slopes=[row], shapes=[shape("response-macro", 0.01, 0, 6)])[1]


def test_against_random_better_and_worse_are_counted_and_the_best_has_the_interval_for_all() -> None:
    rows = [gain(0.01, 0.2), gain(-0.01, 0.2, degree=0), gain(-0.02, 0.01, degree=2), gain(-0.03, 0.01, degree=3)]
    assert sentences(against_random=rows)[1] == (
        "Cells are compared within seeds: two cells of one seed correlate by 0.25. "
        "Intervals cover other seeds alone, not other prompts."
    )
    assert sentences(against_random=rows)[2] == (
        "Against random, after Holm: 0 of 4 configurations significantly better, 2 significantly worse. "
        "Best: response-micro at degree 6, +0.010 bpb (95 % CI for the best of 4: −0.010 to 0.040). "
        "Seed noise pooled over all replicates: 0.021 (30 degrees of freedom)."
    )
    assert sentences()[1] == "No configuration could be compared with random."


def test_what_is_said_of_seeds_belongs_to_the_last_rung_where_there_is_one() -> None:
    screened, confirmed = gain(0.01, 0.2, seed_correlation=0.15), gain(0.01, 0.2, seed_correlation=0.4)
    said = sentences(against_random=[screened], confirmed=[confirmed])[1]
    assert said.startswith("Cells are compared within seeds: two cells of one seed correlate by 0.40.")


def test_random_cells_of_another_setting_are_named() -> None:
    [text] = sentences(against_random=[gain(0.1, random_condition=CONDITION.replace("any length", "40..90 tokens"))])[
        2:
    ]
    assert text.startswith("This setting has no random cells; those of 40..90 tokens are used. Against random, after")


def test_the_gain_over_length_matched_random_has_its_degree_and_plain_interval() -> None:
    rows = [matched(-0.0062, -0.0088, -0.0036, degree=0, all_low=-1.0, all_high=1.0), matched(0.0003, -0.0023, 0.0029)]
    reason = {**rows[0], "reason": "no noise"}
    del reason["p_holm"]
    assert sentences(matched=[*rows, reason])[2:] == [
        "Response-micro at degree 0 against length-matched random: −0.006 bpb (95 % CI −0.009 to −0.004).",
        "Response-micro at degree 6 against length-matched random: 0.000 bpb (95 % CI −0.002 to 0.003).",
    ]


def test_what_the_intervals_know_is_said() -> None:
    by_group = gain(0.1, prompts=320, prompt_groups=19, no_blocks="too few seeds are common to compare within seeds")
    assert sentences(against_random=[by_group])[1] == (
        "The seed is no block: too few seeds are common to compare within seeds. "
        "Intervals cover other seeds and other prompts, drawn by group (19 groups)."
    )
    one_by_one = sentences(against_random=[gain(0.1, prompts=320, prompt_groups=320)])[1]
    assert one_by_one.endswith("drawn one by one, so they are too narrow for other sources.")


def test_rows_that_rest_on_seeds_alone_are_counted_wherever_they_stand() -> None:
    by_prompts = [gain(0.1, degree=degree, prompts=320, prompt_groups=19) for degree in (0, 2, 4)]
    text = sentences(against_random=[*by_prompts, gain(0.2)])[1]
    assert text.endswith("0.25. Intervals of 1 of 4 configurations cover other seeds alone, not other prompts.")


def test_what_could_not_be_compared_is_counted_with_its_reason() -> None:
    refused = gain(0.1, degree=2) | {"reason": "cell-1 has no scores"}
    del refused["p_holm"]
    text = sentences(against_random=[gain(0.2), refused, refused])[2]
    assert "of 1 configurations" in text and text.endswith(" 2 more could not be compared: cell-1 has no scores.")


def test_a_cliff_and_the_rows_that_seeds_share_stand_beside_the_degrees() -> None:
    row = slope("response-micro", 0.01, 0.3)
    [text] = sentences(slopes=[row], shapes=[shape("response-micro", 0.01, 0, 6, step_p=0.31, shared_rows=0.6667)])[1:2]
    assert text.endswith(
        "Two seeds of the least diverse degree share at least 67 % of their rows, so they differ too little. "
        "A straight line does not fit (p 0.0012). Only degree 0 is low: a cliff (p 0.31 of further differences)."
    )
