"""Study, cells and histograms → every figure of the study, in the order of reading."""

from collections.abc import Mapping, Sequence

import polars as pl

from m2m.schemas.study import Study
from m2m.schemas.study_rows import SettingRow
from m2m.study.cells.outcomes import MAIN
from m2m.study.figures.against_random import draw_random_panels
from m2m.study.figures.bands import draw_bands
from m2m.study.figures.cells import draw_cell_panels
from m2m.study.figures.effects import draw_effect_panels
from m2m.study.figures.metrics import draw_metric_panels
from m2m.study.figures.style import SIDE_NAMES, Figure

EFFECTS_CAPTION = (
    "A large mark is the mean of a configuration. Its bar is the 95 % CI of its difference from random (dashed), for "
    "this configuration alone. A small mark is a cell. A straight line is the regression on degree with its one-sigma "
    "band. It is drawn only where the slope is significant after Holm correction and the degrees do not form a cliff. "
    "95 % of random cells are expected in the grey range. Length-matched random has the response lengths of "
    "response-micro; matched to another strategy, it stands in the figure against random."
)
RANDOM_CAPTION = (
    "The mean of a configuration minus the mean of random. Thick: 95 % CI. Thin: simultaneous 95 % CI, which holds "
    "for all rows together and so for the best of them. The number after a strategy is its degree."
)
METRICS_CAPTION = (
    "Correlation of each diversity metric of the subsets with {outcome}, over strategies and degrees. Seeds are "
    "averaged. Bars are 95 % CI. The partial correlation holds mean response length fixed."
)
POOLS_CAPTION = (
    "How many units each degree keeps, and how many rows of the pool have only units that are kept. The subset is "
    "drawn from these rows."
)
LENGTHS_CAPTION = (
    "Length is the confounder. The figure shows how the degree changes it. Dashed: the mean of random subsets."
)
BANDS_CAPTION = (
    "Token types of the pool by how often they occur. The units at the micro scale are those of the mid band."
)


def draw_figures(study: Study, cells: pl.DataFrame, histograms: Mapping[str, pl.DataFrame]) -> list[Figure]:
    """`cells` as from `comparable`, `histograms` by side; a figure without anything to show is left out.

    The first figure is the main one: the first outcome in the first setting.
    """
    settings, outcomes = study["settings"], [outcome for outcome in MAIN if outcome in study["outcomes"]]
    lengths = draw_cell_panels(cells, settings, "mean_response_tokens", "linear")
    pools = [panel for name in ("k", "candidate_rows") for panel in draw_cell_panels(cells, settings, name, "log")]
    bands = [draw_bands(histograms[side], SIDE_NAMES[side], {}) for side in histograms]
    main = draw_effect_panels(study, cells, outcomes[0], settings[:1])
    figures = [
        Figure("main", f"{_title(outcomes[0])} against diversity", EFFECTS_CAPTION, main),
        *[
            figure
            for outcome in outcomes
            for figure in _draw_outcome(study, cells, outcome, settings[outcome == outcomes[0] :])
        ],
        Figure("lengths", "Response length against degree", LENGTHS_CAPTION, lengths),
        Figure("pools", "Units and candidate pool against degree", POOLS_CAPTION, pools),
        Figure("bands", "Token bands", BANDS_CAPTION, bands),
    ]
    return [figure for figure in figures if figure.panels]


def _draw_outcome(study: Study, cells: pl.DataFrame, outcome: str, settings: Sequence[SettingRow]) -> list[Figure]:
    """The figures of an outcome, with its effects in these settings."""
    title, caption = _title(outcome), METRICS_CAPTION.format(outcome=MAIN[outcome].phrase)
    heading = f"{title} against diversity" + (", other settings" if len(settings) < len(study["settings"]) else "")
    effects = draw_effect_panels(study, cells, outcome, settings)
    return [
        Figure(f"effects-{outcome}", heading, EFFECTS_CAPTION, effects),
        Figure(
            f"random-{outcome}", f"{title} compared with random", RANDOM_CAPTION, draw_random_panels(study, outcome)
        ),
        Figure(
            f"metrics-{outcome}",
            f"Diversity metrics and {MAIN[outcome].name}",
            caption,
            draw_metric_panels(study, outcome),
        ),
    ]


def _title(outcome: str) -> str:
    name = MAIN[outcome].name
    return name[0].upper() + name[1:]
