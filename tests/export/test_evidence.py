"""What a data card says of a configuration: the study's number, or that there is no evidence."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from m2m.export.evidence import describe_evidence, summarize_studies
from m2m.schemas.study import Study
from m2m.study.analysis.ranking import list_comparisons, rank_configurations
from tests.study.study_rows import CONDITION, gain, make_study, setting

SETTINGS = {"size": 500, "budget": "rows", "slack": 1.5, "weights": "inverse", "min_tokens": 1, "max_tokens": 100_000}
SUBSET = SETTINGS | {"strategy": "response-micro", "match": "response-micro", "degree": 3, "seed": 1}
ROW = {"degree": 3, "value": 0.0123, "all_low": 0.0042, "all_high": 0.0204, "p_holm": 0.0031}


def study(**changes: Any) -> Study:
    rows = [
        gain(0.9, degree=3, outcome="likelihood_win_rate"),
        gain(-0.9, degree=0),
        gain(**ROW | changes),
    ]
    settings = [setting(**SETTINGS), setting(**SETTINGS | {"condition": "window", "min_tokens": 40})]
    return make_study(outcomes=["bpb_reduction", "likelihood_win_rate"], settings=settings, against_random=rows)


NEAR = {"prefilter": "bm25", "prefilter_share": 0.2}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Significantly better than random: bpb_reduction +0.012 (95 % CI +0.004 to +0.020, Holm p 0.0031"),
        (
            {"value": -0.02, "all_low": -0.03, "all_high": -0.01},
            "Significantly worse than random: bpb_reduction −0.020 (95 % CI −0.030 to −0.010",
        ),
        ({"p_holm": 0.05}, "Not significantly different from random: bpb_reduction +0.012"),
    ],
)
def test_the_study_s_difference_is_given_with_its_interval_and_seeds(changes: dict[str, Any], text: str) -> None:
    sentence = describe_evidence(study(**changes), [], SUBSET)
    assert sentence.startswith(text) and sentence.endswith("2 seeds against 8 of random).")


@pytest.mark.parametrize(
    "change",
    [{"degree": 6}, {"strategy": "k-center"}, {"size": 600}, {"min_tokens": 40}, {"lengths": "as-random"}, NEAR],
)
def test_a_configuration_that_was_not_run_has_no_evidence(change: dict[str, Any]) -> None:
    assert "the study has no run of this configuration" in describe_evidence(study(), [], SUBSET | change)


def test_a_difference_that_could_not_be_computed_is_no_evidence() -> None:
    row = {name: value for name, value in gain(0.1, degree=3).items() if name not in ("value", "p", "p_holm")}
    record = make_study(settings=[setting(**SETTINGS)], against_random=[row | {"reason": "run random"}])
    assert "No evidence" in describe_evidence(record, [], SUBSET)
    assert "There is no study here." in summarize_studies({"default": record}, SUBSET)


def make_staged(**changes: Any) -> Study:
    """By the first rungs degrees 3 and 0 are better than random; the last one had degree 3, and it is not."""
    first = [gain(0.05, 0.001, degree=3), gain(0.04, 0.002, degree=0), gain(-0.04, 0.002, degree=2)]
    confirmed = [gain(0.01, 0.8, degree=3)]
    return make_study(settings=[setting(**SETTINGS)], against_random=first, confirmed=confirmed, **changes)


def test_of_a_staged_study_the_card_quotes_what_the_verdict_ranks() -> None:
    record = make_staged()
    assert not rank_configurations(list_comparisons(record)).better
    sentence = describe_evidence(record, [], SUBSET)
    assert sentence.startswith("Not significantly different from random: bpb_reduction +0.010 (95 % CI")
    assert "Holm p 0.8" in sentence and "exploratory" not in sentence


def test_a_configuration_that_was_not_confirmed_is_exploratory() -> None:
    sentence = describe_evidence(make_staged(), [], SUBSET | {"degree": 0})
    assert sentence.startswith("Significantly better than random: bpb_reduction +0.040")
    assert sentence.endswith("This is exploratory: the study has not confirmed this configuration with new seeds.")


def test_another_setting_that_nothing_confirmed_counts_by_all_its_cells() -> None:
    """`confirmed` is of the first setting alone; the second has its answers in all its cells."""
    record = make_staged()
    record["settings"].append(setting(**SETTINGS | {"condition": "window", "min_tokens": 40}))
    record["against_random"].append(gain(-0.07, degree=3, condition="window"))
    sentence = describe_evidence(record, [], SUBSET | {"min_tokens": 40})
    assert sentence.startswith("Significantly worse than random: bpb_reduction −0.070") and sentence.endswith(
        "random)."
    )


@pytest.mark.parametrize(("degree", "counts"), [(3, (0, 0, 1)), (0, (1, 0, 0)), (2, (0, 1, 0))])
def test_the_summary_counts_a_configuration_once_and_says_what_is_exploratory(
    degree: int, counts: tuple[int, int, int]
) -> None:
    text = summarize_studies({"default": make_staged()}, SUBSET | {"degree": degree})
    note = "" if degree == 3 else ", 1 of them exploratory"
    better, worse, equal = counts
    assert text == (
        "In the bundled studies (default), this configuration, at any size and lengths, is better than random in "
        f"{better}, worse in {worse} and not different in {equal} of 1 comparisons{note}. No configuration was "
        "confirmed to be better than random."
    )


def test_where_no_row_is_better_not_even_an_exploratory_one_the_summary_says_so() -> None:
    text = summarize_studies({"default": study(value=-0.02)}, SUBSET)
    assert text.endswith("No configuration is better than random in any of them.")


@pytest.mark.parametrize(
    ("change", "value"), [({}, "+0.050"), ({"peel_noise": 0.0}, "+0.050"), ({"peel_noise": 0.25}, "−0.050")]
)
def test_peel_noise_sets_settings_apart(change: dict[str, Any], value: str) -> None:
    noisy = f"{CONDITION}, peel noise 0.25"
    settings = [setting(**SETTINGS), setting(**SETTINGS | {"condition": noisy, "peel_noise": 0.25})]
    rows = [gain(0.05, degree=3), gain(-0.05, degree=3, condition=noisy)]
    record = make_study(settings=settings, against_random=rows)
    assert f"bpb_reduction {value} (95 % CI" in describe_evidence(record, [], SUBSET | change)
    assert "No evidence" in describe_evidence(record, [], SUBSET | {"peel_noise": 0.5})


@pytest.mark.parametrize("strategy", ["type-cover", "longest", "k-center"])
def test_a_strategy_without_a_degree_has_its_evidence_whatever_degree_and_match_are_set(strategy: str) -> None:
    record = study(strategy=strategy, match=strategy, degree=0)
    settings = SUBSET | {"strategy": strategy, "match": "response-micro", "degree": 6}
    assert describe_evidence(record, [], settings).startswith("Significantly better than random: bpb_reduction +0.012")
    choice = {"strategy": strategy, "degree": 6, "match": "response-micro"}  # what select has
    assert "better than random in 1, worse in 0 and not different in 0" in summarize_studies({"a": record}, choice)


def test_length_matched_rows_need_the_same_match() -> None:
    matched: dict[str, Any] = {"strategy": "length-matched", "match": "response-macro"}
    assert "better than random" in describe_evidence(study(**matched), [], SUBSET | matched)
    assert "No evidence" in describe_evidence(study(**matched), [], SUBSET | matched | {"match": "response-meso"})


def test_without_a_study_and_for_random_there_is_a_sentence_too() -> None:
    assert describe_evidence(None, None, SUBSET).startswith("No evidence: there is no study here.")
    assert describe_evidence(None, None, SUBSET | {"strategy": "random"}).startswith("A random subset: the baseline")


@pytest.mark.parametrize(
    ("differences", "end"),
    [
        ([], " of random)."),
        (["pool", "base model"], " The study differs in: pool, base model. So this may not hold here."),
        (None, " What the study's cells were made of is not recorded, so this may not hold here."),
    ],
)
def test_what_sets_the_study_apart_from_the_run_is_told(differences: list[str] | None, end: str) -> None:
    assert describe_evidence(study(), differences, SUBSET).endswith(end)


def test_the_shipped_cell_is_none_that_the_shipped_study_calls_worse_than_random() -> None:
    root = Path(__file__).parents[2]
    settings = yaml.safe_load((root / "params.yaml").read_text())["subset"]
    study = json.loads((root / "metrics/study.json").read_text())
    assert describe_evidence(study, [], settings).startswith("Not significantly different from random: ")
    assert describe_evidence(study, [], settings | {"degree": 0}).startswith("Significantly worse than random: ")
