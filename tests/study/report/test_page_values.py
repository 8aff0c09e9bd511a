"""What the page shows of a known study: the answer to its main question first, figures in their place."""

from pathlib import PurePosixPath

import polars as pl

from m2m.study.report.page_values import build_answer, build_body, list_commands, split_lead
from tests.planted import HISTOGRAM
from tests.study.known_study import CELLS, STUDY
from tests.study.report.test_origin import SCRATCH

EXAMPLES = pl.DataFrame(
    {
        "experiment": ["elsewhere", "micro-6-a", "random-a"],
        "id": ["p", "p", "p"],
        "instruction": ["Why?"] * 3,
        "reference": [None, "So.", "So."],
        "answer": ["x", "y", "z"],
    }
)


def test_the_answer_is_the_main_outcome_s_in_the_main_setting() -> None:
    days = {"first": "2026-11-24", "last": "2026-11-26"}
    values = build_answer(STUDY, {"commands": {"base": SCRATCH}, "days": days})
    assert values["answer"]["headline"] == "main"
    assert [row["headline"] for row in values["verdicts"]] == ["window"]
    assert values["facts"] == {
        "Model": "small Llama trained from scratch (4 layers, hidden size 192)",
        "When": "2026-11-24 to 2026-11-26",
        "Runs": "9, 10 of them random, in 2 settings",
        "Evaluation prompts": "320",
        "Version": "0123456789ab",
    }


def test_the_setting_and_its_answer_lead_the_headline() -> None:
    assert split_lead("500 rows. Nothing beats random (+0.003 bpb). Micro: +0.02. More.") == (
        "500 rows. Nothing beats random (+0.003 bpb). ",
        "Micro: +0.02. More.",
    )
    assert split_lead("Short. Answer.") == ("Short. Answer.", "") and split_lead("main") == ("main", "")


def test_commands_make_the_recommended_rows_where_there_are_any_and_the_recommendation() -> None:
    assert list_commands({"500 rows": "dvc repro", "100 rows": ""}, PurePosixPath("metrics/my study.json")) == [
        ("The recommended rows, 500 rows", "dvc repro"),
        ("The recommendation as text", "python -m m2m recommend 'metrics/my study.json'"),
    ]


def test_figures_stand_before_or_after_the_tables_or_with_their_outcome() -> None:
    histograms = {side: pl.DataFrame(HISTOGRAM) for side in ("instruction", "response")}
    values = build_body(STUDY, CELLS, EXAMPLES, histograms)
    figures = values["figures"]
    assert figures.main.name == "main" and len(figures.main.panels) == 2
    assert [figure.name for figure in figures.before_tables] == [
        "random-bpb_reduction",
        "effects-bpb_reduction",
        "lengths",
    ]
    assert [figure.name for figure in figures.after_tables] == ["metrics-bpb_reduction", "pools", "bands"]
    assert {name: [figure.name for figure in group] for name, group in figures.by_outcome.items()} == {
        "likelihood_win_rate": ["effects-likelihood_win_rate", "random-likelihood_win_rate"]
    }
    assert [row["headline"] for row in values["other_verdicts"]["likelihood_win_rate"]] == ["share"]
    assert values["others"] == {"likelihood_win_rate": "the likelihood win rate"}


def test_a_figure_has_its_marks_in_words() -> None:
    figure = build_body(STUDY, CELLS, EXAMPLES, {})["figures"].main
    assert len(figure.descriptions) == 6
    assert figure.descriptions[0].startswith(
        "instructions · 500 rows, any length · instruction-meso at degree 0: +0.070"
    )


def test_answers_of_cells_that_are_not_compared_are_left_out() -> None:
    examples = build_body(STUDY, CELLS, EXAMPLES, {})["examples"]
    assert [cell["name"] for cell in examples["cells"]] == ["micro-6-a", "random-a"]
    assert examples["shown"] == [1, 0]


def test_the_base_model_the_first_random_cell_and_the_best_one_are_shown_first() -> None:
    base = EXAMPLES.head(1).with_columns(experiment=pl.lit("base model"))
    examples = build_body(STUDY, CELLS, pl.concat([base, EXAMPLES]), {})["examples"]
    assert [examples["cells"][place]["name"] for place in examples["shown"]] == ["base model", "random-a", "micro-6-a"]
