"""Study, cells and histograms → every figure of the study, in the order of reading."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from m2m.study.cells.outcomes import MAIN
from m2m.study.figures.against_random import random_panels
from m2m.study.figures.bands import band_panel
from m2m.study.figures.cells import cell_panels
from m2m.study.figures.effects import effect_panels
from m2m.study.figures.metrics import metric_panels
from m2m.study.figures.style import SIDES, Figure

EFFECTS = (
    "Small marks are cells, large ones their mean at a degree with its 95 % interval (noise pooled over all replicated "
    "cells), lines the posterior regression with its 1-sigma band. Grey is random: dashed its mean, shaded where 95 % "
    "of random cells are expected. Length-matched random are random rows with response-micro's response lengths."
)
AGAINST = (
    "The mean of each kind of cell minus the mean of random: thick the 95 % interval, thin the one that holds for all "
    "rows together, so for the best of them too. The number is the degree."
)
METRICS = (
    "Correlation of each diversity metric of the finished subsets with {told}, over strategies and degrees (seeds "
    "averaged), with 95 % intervals; and what is left of it when mean response length is held fixed."
)
POOLS = "How many units a degree keeps, and how many rows of the pool carry them: the subset is drawn from these."
LENGTH = "The confounder: what the degree does to response length. Dashed: random subsets."
BANDS = "Token types of the pool by how often they occur. Units at the micro scale are those of the middle band."


def figures(study: dict[str, Any], cells: pl.DataFrame, histograms: Mapping[str, pl.DataFrame]) -> list[Figure]:
    """`cells` as from `comparable`, `histograms` by side; a figure without anything to show is left out."""
    settings = study["settings"]
    lengths = cell_panels(cells, settings, "mean_response_tokens", "linear")
    pools = [panel for name in ("k", "candidate_rows") for panel in cell_panels(cells, settings, name, "log")]
    drawn = [
        *[figure for one in MAIN if one in study["outcomes"] for figure in _of_outcome(study, cells, one)],
        Figure("lengths", "Length against degree", LENGTH, lengths),
        Figure("pools", "Units and candidate pool against degree", POOLS, pools),
        Figure("bands", "Token bands", BANDS, [band_panel(histograms[side], SIDES[side]) for side in histograms]),
    ]
    return [figure for figure in drawn if figure.panels]


def _of_outcome(study: dict[str, Any], cells: pl.DataFrame, outcome: str) -> list[Figure]:
    lower, metrics = MAIN[outcome].name, METRICS.format(told=MAIN[outcome].phrase)
    name = lower[0].upper() + lower[1:]
    return [
        Figure(f"effects-{outcome}", f"{name} against diversity", EFFECTS, effect_panels(study, cells, outcome)),
        Figure(f"random-{outcome}", f"{name} against random", AGAINST, random_panels(study, outcome)),
        Figure(f"metrics-{outcome}", f"Which metric tells {lower}?", metrics, metric_panels(study, outcome)),
    ]
