"""A few prompts with every cell's answers → what the report holds to show any two of them side by side."""

from typing import Any

import polars as pl

from m2m.study.cells.cells import select_outcome


def select_examples(experiment: str, prompts: pl.DataFrame, answers: pl.DataFrame, count: int) -> pl.DataFrame:
    """Schema Examples, of one cell: its answers to the first `count` prompts; tables as in schemas Prompts, Answers."""
    rows = prompts.sort("id").head(count).join(answers, on="id")
    return rows.select(pl.lit(experiment).alias("experiment"), "id", "instruction", "reference", "answer").sort("id")


def arrange_answers(examples: pl.DataFrame, pair: tuple[str, str]) -> dict[str, Any]:
    """Prompts, cells with an answer a prompt, and the places of the `pair` of cells that the page shows first.

    `examples` as in schema Examples. A cell that was not asked a prompt has None in the place of its answer. A name of
    `pair` without examples is replaced by the first or the last cell.
    """
    prompts = examples.unique("id", maintain_order=True).sort("id").select("id", "instruction", "reference")
    ids = prompts["id"].to_list()
    cells = []
    for (name,), rows in examples.sort("experiment").group_by("experiment", maintain_order=True):
        answers = dict(rows.select("id", "answer").rows())
        cells.append({"name": name, "answers": [answers.get(prompt) for prompt in ids]})
    places = {cell["name"]: place for place, cell in enumerate(cells)}
    first, second = places.get(pair[0], 0), places.get(pair[1], max(0, len(cells) - 1))
    return {"prompts": prompts.drop("id").to_dicts(), "cells": cells, "shown": [first, second]}


def pick_shown_cells(cells: pl.DataFrame, outcome: str) -> tuple[str, str]:
    """The experiment with the best `outcome`, and the first random one (the worst, where there is none)."""
    ranked = (
        select_outcome(cells, outcome).sort("worth", "experiment", descending=[True, False])["experiment"].to_list()
    )
    random = cells.filter(pl.col("strategy") == "random").sort("seed")["experiment"].to_list()
    return ranked[0], (random or ranked[::-1])[0]
