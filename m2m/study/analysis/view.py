"""Comparable cells and an outcome → one view a setting: what every analysis of the study takes."""

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from m2m.schemas.study_numbers import Place
from m2m.study.analysis.levels import Levels, fit_levels
from m2m.study.analysis.other_prompts import PromptDraws
from m2m.study.cells.cells import SETTING, select_outcome, split_cells


class View(NamedTuple):
    """The cells of one setting that have an outcome, as column `worth`, with the outcome's scores on each prompt."""

    place: Place
    cells: pl.DataFrame
    all_cells: pl.DataFrame  # of every setting
    size_levels: Levels | str  # of all cells of this size, which share one seed noise; or why there is none
    prompts: PromptDraws

    @property
    def outcome(self) -> str:
        """The name of the outcome."""
        return self.place["outcome"]

    @property
    def size(self) -> int:
        """Rows or tokens of a subset."""
        return self.place["size"]

    @property
    def levels(self) -> Levels:
        """The configurations' levels and the seed noise; ValueError where there is none."""
        if isinstance(self.size_levels, str):
            raise ValueError(self.size_levels)
        return self.size_levels

    def select_strategy(self, strategy: str) -> pl.DataFrame:
        """The cells of one strategy."""
        return self.cells.filter(pl.col("strategy") == strategy)


def list_views(cells: pl.DataFrame, outcome: str, prompts: PromptDraws) -> Iterator[View]:
    """A view a setting with at least one cell that has `outcome`; `cells` as from `select_comparable`."""
    all_cells = select_outcome(cells, outcome)
    levels = {key["size"]: _fit_levels(same_size) for key, same_size in split_cells(all_cells, "size")}
    for setting, setting_cells in split_cells(all_cells, *SETTING):
        place = Place(outcome=outcome, condition=setting["condition"], size=setting["size"])
        yield View(place, setting_cells, all_cells, levels[setting["size"]], prompts)


def _fit_levels(cells: pl.DataFrame) -> Levels | str:
    try:
        return fit_levels(cells)
    except ValueError as reason:
        return str(reason)
