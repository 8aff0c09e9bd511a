"""Study, cells and histograms → every figure of the study, in the order of reading."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from stages.core.charts import SIDES, Figure
from stages.core.charts_bands import band_panel
from stages.core.charts_cells import COUNTS, LENGTHS, cell_panels
from stages.core.charts_effects import effect_panels
from stages.core.charts_metrics import metric_panels
from stages.core.charts_random import random_panels
from stages.core.study import MAIN

EFFECTS = (
    "Small marks are cells, large ones their mean at a degree with its 95 % interval (noise pooled over all replicated "
    "cells), lines the posterior regression with its 1-sigma band. Grey is random: dashed its mean, shaded where 95 % "
    "of random cells are expected."
)
AGAINST = (
    "The mean of each kind of cell minus the mean of random: thick the 95 % interval, thin the one that holds for all "
    "rows together, so for the best of them too. The number is the degree."
)
METRICS = (
    "Correlation of each diversity metric of the finished subsets with performance, over strategies and degrees (seeds "
    "averaged), with 95 % intervals; and what is left of it when mean response length is held fixed."
)
POOLS = "How many units a degree keeps, and how many rows of the pool carry them: the subset is drawn from these."
LENGTH = "The confounder: what the degree does to response length. Dashed: random subsets."
BANDS = "Token types of the pool by how often they occur. Units at the micro scale are those of the middle band."


def figures(study: dict[str, Any], cells: pl.DataFrame, histograms: Mapping[str, pl.DataFrame]) -> list[Figure]:
    """`cells` as from `comparable`, `histograms` by side; a figure without anything to show is left out."""
    told = [outcome for outcome in MAIN if outcome in study["outcomes"]]
    settings = study["settings"]
    drawn = [
        *[Figure(f"effects-{one}", TITLES[one], EFFECTS, effect_panels(study, cells, one), 2) for one in told],
        *[
            Figure(f"random-{one}", f"{NAMES[one]} against random", AGAINST, random_panels(study, one), 2)
            for one in told
        ],
        *[
            Figure(
                f"metrics-{one}", f"Which metric tells {one.replace('_', ' ')}?", METRICS, metric_panels(study, one), 2
            )
            for one in told
        ],
        Figure("lengths", "Length against degree", LENGTH, cell_panels(cells, settings, LENGTHS, "linear"), 2),
        Figure(
            "pools", "Units and candidate pool against degree", POOLS, cell_panels(cells, settings, COUNTS, "log"), 2
        ),
        Figure("bands", "Token bands", BANDS, [band_panel(histograms[side], SIDES[side]) for side in histograms], 2),
    ]
    return [figure for figure in drawn if figure.panels]


NAMES = {"performance": "Performance", "win_rate": "Win rate"}
TITLES = {one: f"{name} against diversity" for one, name in NAMES.items()}
