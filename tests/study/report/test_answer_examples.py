"""Answers side by side: the same prompts for every cell, whoever lacks one."""

import polars as pl

from bench.planted import planted_grid
from m2m.schemas.examples import Examples
from m2m.study.cells.cells import select_comparable
from m2m.study.report.answer_examples import BASE_NAME, arrange_answers, pick_shown_cells, select_examples

PROMPTS = pl.DataFrame({"id": ["b", "a", "c"], "instruction": ["B?", "A?", "C?"], "reference": [None, "an a", "a c"]})


def answers(**said: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": list(said), "answer": list(said.values())}, schema={"id": pl.String, "answer": pl.String}
    )


def test_the_first_prompts_by_id_are_kept_with_their_answers() -> None:
    table = Examples.validate(select_examples("cell", PROMPTS, answers(c="3", a="1", b="2"), 2))
    assert table.rows() == [("cell", "a", "A?", "an a", "1"), ("cell", "b", "B?", None, "2")]
    assert Examples.validate(select_examples("cell", PROMPTS, answers(a="1"), 0)).is_empty()


def test_every_cell_stands_beside_every_prompt_and_what_it_was_not_asked_is_none() -> None:
    one, other = (
        select_examples(name, PROMPTS, said, 3)
        for name, said in (("one", answers(a="1", b="2")), ("other", answers(b="4")))
    )
    held = arrange_answers(pl.concat([other, one]), ("unknown", "other", "one"))
    assert [prompt["instruction"] for prompt in held["prompts"]] == ["A?", "B?"]
    assert held["cells"] == [{"name": "one", "answers": ["1", "2"]}, {"name": "other", "answers": [None, "4"]}]
    assert held["shown"] == [1, 0]
    assert arrange_answers(pl.concat([other, one]), ("unknown", "other"))["shown"] == [0, 1]


def test_without_examples_there_is_nothing_to_show() -> None:
    held = arrange_answers(select_examples("cell", PROMPTS, answers(), 0), ("cell", "cell"))
    assert held == {"prompts": [], "cells": [], "shown": [0, 0]}


def test_the_best_cell_stands_beside_a_random_one_and_the_base_model() -> None:
    cells = select_comparable(planted_grid({"response-micro": 0.5}, degrees=(0, 6), noise=0.001))
    base, random, best = pick_shown_cells(cells, "bpb_reduction")
    assert base == BASE_NAME
    told = {row["experiment"]: row for row in cells.rows(named=True)}
    assert (told[best]["degree"], told[random]["strategy"], told[random]["seed"]) == (6, "random", 0)
    alone = cells.filter(pl.col("strategy") != "random")
    worst = pick_shown_cells(alone, "bpb_reduction")[1]
    assert told[worst]["bpb_reduction"] == alone["bpb_reduction"].min()
