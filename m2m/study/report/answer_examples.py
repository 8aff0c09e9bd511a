"""A few prompts with every cell's answers → what the report holds to show two or three of them side by side."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from m2m.study.cells.cells import select_outcome

BASE_NAME = "base model"  # in the place of an experiment's name, which has no blank


def select_examples(experiment: str, prompts: pl.DataFrame, answers: pl.DataFrame, count: int) -> pl.DataFrame:
    """Schema Examples, of one cell: its answers to the first `count` prompts; tables as in schemas Prompts, Answers."""
    rows = prompts.sort("id").head(count).join(answers, on="id")
    return rows.select(pl.lit(experiment).alias("experiment"), "id", "instruction", "reference", "answer").sort("id")


def arrange_answers(examples: pl.DataFrame, first: Sequence[str]) -> dict[str, Any]:
    """Prompts, cells with an answer a prompt, and the places of the cells `first`, which the page shows first.

    `examples` as in schema Examples. A cell that was not asked a prompt has None in the place of its answer. Names of
    `first` without examples are left out; where fewer than two are left, the first and the last cell are shown.
    """
    prompts = examples.unique("id", maintain_order=True).sort("id").select("id", "instruction", "reference")
    ids = prompts["id"].to_list()
    cells = []
    for (name,), rows in examples.sort("experiment").group_by("experiment", maintain_order=True):
        answers = dict(rows.select("id", "answer").rows())
        cells.append({"name": name, "answers": [answers.get(prompt) for prompt in ids]})
    places = {cell["name"]: place for place, cell in enumerate(cells)}
    visible = [places[name] for name in first if name in places]
    visible = visible if len(visible) > 1 else [0, max(0, len(cells) - 1)]
    return {"prompts": prompts.drop("id").to_dicts(), "cells": cells, "shown": visible}


def pick_shown_cells(cells: pl.DataFrame, outcome: str) -> tuple[str, str, str]:
    """The base model, the first random experiment (without one the worst), and the one with the best `outcome`."""
    ranked = (
        select_outcome(cells, outcome).sort("worth", "experiment", descending=[True, False])["experiment"].to_list()
    )
    random = cells.filter(pl.col("strategy") == "random").sort("seed")["experiment"].to_list()
    return BASE_NAME, (random or ranked[::-1])[0], ranked[0]
