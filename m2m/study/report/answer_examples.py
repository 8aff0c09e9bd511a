"""A few prompts with every cell's answers → what the report holds to show any two of them side by side."""

from typing import Any

import polars as pl

from m2m.study.cells.cells import select_outcome


def answered(experiment: str, prompts: pl.DataFrame, answers: pl.DataFrame, count: int) -> pl.DataFrame:
    """Schema Examples, of one cell: its answers to the first `count` prompts; tables as in schemas Prompts, Answers."""
    some = prompts.sort("id").head(count).join(answers, on="id")
    return some.select(pl.lit(experiment).alias("experiment"), "id", "instruction", "reference", "answer").sort("id")


def side_by_side(examples: pl.DataFrame, shown: tuple[str, str]) -> dict[str, Any]:
    """Prompts, cells with an answer a prompt, and which two cells are `shown` first; `examples` as in schema Examples.

    A cell that was not asked a prompt has None in the place of its answer; for a name of `shown` that is not there
    stands the first or last cell.
    """
    prompts = examples.unique("id", maintain_order=True).sort("id").select("id", "instruction", "reference")
    ids = prompts["id"].to_list()
    cells = []
    for (name,), some in examples.sort("experiment").group_by("experiment", maintain_order=True):
        said = dict(some.select("id", "answer").rows())
        cells.append({"name": name, "answers": [said.get(one) for one in ids]})
    at = {cell["name"]: place for place, cell in enumerate(cells)}
    first, second = at.get(shown[0], 0), at.get(shown[1], max(0, len(cells) - 1))
    return {"prompts": prompts.drop("id").to_dicts(), "cells": cells, "shown": [first, second]}


def extremes(cells: pl.DataFrame, outcome: str) -> tuple[str, str]:
    """The experiment with the best `outcome`, and the first random one (the worst, where there is none)."""
    known = select_outcome(cells, outcome).sort("worth", "experiment", descending=[True, False])["experiment"].to_list()
    random = cells.filter(pl.col("strategy") == "random").sort("seed")["experiment"].to_list()
    return known[0], (random or known[::-1])[0]
