"""What the page shows of a known study: the answer to its main question first, figures in their place."""

from pathlib import PurePosixPath
from typing import Any

import polars as pl

from m2m.study.report.page_values import build_answer, build_body, describe_scale, list_commands, split_lead
from m2m.study.report.recommendation import Recommendation
from tests.planted import HISTOGRAM
from tests.study.known_study import CELLS, STUDY
from tests.study.report.test_origin import SCRATCH

FILES = "python -m stages.ingest --sources.mine.kind files"
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
    cells = CELLS.with_columns(candidate_rows=pl.lit(60), untuned_bits_per_byte=2.0, opponent_bits_per_byte=1.875)
    values = build_answer(STUDY, cells, {"commands": {"base": SCRATCH, "ingest": FILES}, "days": days})
    assert values["answer"]["headline"] == "main"
    assert values["meaning"].endswith(
        " The base model needs 2.000 bpb, and 1.875 after fine-tuning on the opponent, random rows."
    )
    assert [row["headline"] for row in values["verdicts"]] == ["window"]
    assert values["facts"] == {
        "Pool": "mine (files), 60 rows",
        "Model": "small Llama trained from scratch (4 layers, hidden size 192)",
        "When": "2026-11-24 to 2026-11-26",
        "Runs": "9, 10 of them random, in 2 settings",
        "Evaluation prompts": "320",
        "Version": "0123456789ab",
    }


def test_of_several_benchmarks_each_has_its_number_of_prompts_and_one_without_references_none() -> None:
    rows = [row | {"outcome": "bpb_reduction_own", "prompts": 320} for row in STUDY["against_random"][:1]]
    study: Any = STUDY | {"against_random": STUDY["against_random"] + rows}
    benchmark = "python -m stages.benchmark --sources.own.kind heldout --sources.alpaca_eval.kind files"
    for command, expected in (
        (benchmark, "320 (alpaca_eval 0, own 320)"),
        (benchmark.split(" --sources.alp", maxsplit=1)[0], "320"),
    ):
        values = build_answer(study, CELLS, {"commands": {"benchmark": command}})
        assert values["facts"]["Evaluation prompts"] == expected


def test_without_bits_of_the_references_there_is_no_scale() -> None:
    setting = STUDY["settings"][0]
    bare = CELLS.with_columns(untuned_bits_per_byte=2.0, opponent_bits_per_byte=pl.lit(None))
    assert describe_scale(CELLS, setting, "bpb_reduction") == describe_scale(bare, setting, "bpb_reduction") == []


def test_the_scale_is_that_of_the_first_setting_and_of_bits() -> None:
    other = pl.col("condition") != STUDY["settings"][0]["condition"]
    cells = CELLS.with_columns(
        untuned_bits_per_byte=2.0, opponent_bits_per_byte=pl.when(other).then(9.0).otherwise(1.5)
    )
    [sentence] = describe_scale(cells, STUDY["settings"][0], "bpb_reduction")
    assert "2.000 bpb, and 1.500 after" in sentence
    assert describe_scale(cells, STUDY["settings"][0], "arena_hard_win_rate") == []


def test_the_setting_and_its_answer_lead_the_headline() -> None:
    assert split_lead("500 rows. Nothing beats random (+0.003 bpb). Micro: +0.02. More.") == (
        "500 rows. Nothing beats random (+0.003 bpb). ",
        "Micro: +0.02. More.",
    )
    assert split_lead("Short. Answer.") == ("Short. Answer.", "") and split_lead("main") == ("main", "")


def test_commands_make_the_recommended_rows_where_there_are_any_and_the_recommendation() -> None:
    advice = [
        Recommendation(setting, [], [], command, [], [], [], own_file)
        for setting, command, own_file in (
            ("500 rows", "dvc repro", "select a"),
            ("70 rows", "", ""),
            ("9", "dvc", "select a"),
        )
    ]
    assert list_commands(advice, PurePosixPath("metrics/my study.json")) == [
        ("Such rows of your own file, 500 rows", "select a"),
        ("The recommended rows, 500 rows", "dvc repro"),
        ("The recommended rows, 9", "dvc"),
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
