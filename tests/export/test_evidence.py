"""What a data card says of a configuration: the study's number, or that there is no evidence."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from m2m.export.evidence import describe_evidence

SETTINGS = {"size": 500, "budget": "rows", "slack": 1.5, "weights": "inverse", "min_tokens": 1, "max_tokens": 100_000}
SUBSET = SETTINGS | {"strategy": "response-micro", "match": "response-micro", "degree": 3, "seed": 1}
ROW = {
    "condition": "any length", "size": 500, "outcome": "bpb_reduction", "strategy": "response-micro", "degree": 3,
    "match": "response-micro", "value": 0.0123, "all_low": 0.0042, "all_high": 0.0204, "p_holm": 0.0031, "cells": 2,
    "against_cells": 8,
}  # fmt: skip


def study(**changes: Any) -> dict[str, Any]:
    rows = [ROW | {"outcome": "likelihood_win_rate", "value": 0.9}, ROW | {"degree": 0, "value": -0.9}, ROW | changes]
    settings = [SETTINGS | {"condition": "any length"}, SETTINGS | {"condition": "window", "min_tokens": 40}]
    return {"outcomes": ["bpb_reduction", "likelihood_win_rate"], "settings": settings, "against_random": rows}


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
    sentence = describe_evidence(study(**changes), True, SUBSET)
    assert sentence.startswith(text) and sentence.endswith("2 seeds against 8 of random).")


@pytest.mark.parametrize(
    "change",
    [{"degree": 6}, {"strategy": "k-center"}, {"size": 600}, {"min_tokens": 40}, {"lengths": "as-random"}, NEAR],
)
def test_a_configuration_that_was_not_run_has_no_evidence(change: dict[str, Any]) -> None:
    assert "the study has no run of this configuration" in describe_evidence(study(), True, SUBSET | change)


def test_a_difference_that_could_not_be_computed_is_no_evidence() -> None:
    assert "No evidence" in describe_evidence(study(value="one seed"), True, SUBSET)


def test_length_matched_rows_need_the_same_match() -> None:
    matched: dict[str, Any] = {"strategy": "length-matched", "match": "response-macro"}
    assert "better than random" in describe_evidence(study(**matched), True, SUBSET | matched)
    assert "No evidence" in describe_evidence(study(**matched), True, SUBSET | matched | {"match": "response-meso"})


def test_without_a_study_and_for_random_there_is_a_sentence_too() -> None:
    assert describe_evidence(None, False, SUBSET).startswith("No evidence: there is no study here.")
    assert describe_evidence(None, False, SUBSET | {"strategy": "random"}).startswith("A random subset: the baseline")


def test_a_study_of_another_pool_is_called_that() -> None:
    assert "The study used another pool" in describe_evidence(study(), False, SUBSET)
    assert "another pool" not in describe_evidence(study(), True, SUBSET)


def test_the_shipped_cell_is_none_that_the_shipped_study_calls_worse_than_random() -> None:
    root = Path(__file__).parents[2]
    settings = yaml.safe_load((root / "params.yaml").read_text())["subset"]
    study = json.loads((root / "metrics/study.json").read_text())
    assert describe_evidence(study, True, settings).startswith("Not significantly different from random: ")
    assert describe_evidence(study, True, settings | {"degree": 0}).startswith("Significantly worse than random: ")
