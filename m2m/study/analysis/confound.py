"""Performance, diversity and length → whether diversity survives length, or cannot be told from it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from m2m.study.cells.labels import ALPHA
from m2m.study.cells.t_estimates import Estimate, make_estimate

MAX_INFLATION = 10.0  # variance inflation above which two causes cannot be told apart (O'Brien 2007 on the custom)
TINY = 1e-8  # of its size: a cause with less of its own is a sum of the others
Column = Float[np.ndarray, "cells"]
Survival = Literal[
    "cannot be separated from length",
    "survives length",
    "turns round at equal length",
    "shows at equal length alone",
    "explained by length",
    "cannot tell",
]


class LinearModel(NamedTuple):
    """A linear model: each cause's coefficient and variance inflation. No coefficient where that is infinite."""

    terms: dict[str, Estimate]
    inflation: dict[str, float]


def fit_model(performance: Column, causes: Mapping[str, Column], groups: Int[np.ndarray, "cells"]) -> LinearModel:
    """performance = one constant a group + Σ coefficient · cause, by least squares, t intervals.

    Inflation is 1 / (1 − R²) of a cause on the others, all of them taken about their group's mean; infinite where it
    is a sum of the others: that one has no coefficient, the rest have (statsmodels would warn and give it one).
    ValueError for a cause that does not vary within any group, and when no degree of freedom is left.
    """
    within = np.column_stack([_within(cause, groups, name) for name, cause in causes.items()])
    sizes = np.linalg.norm(within, axis=0)
    units, centred = within / sizes, _about_means(performance, groups)
    df = len(performance) - len(np.unique(groups)) - int(np.linalg.matrix_rank(units, tol=TINY))
    if df < 1:
        least = len(np.unique(groups)) + len(causes) + 1
        raise ValueError(f"{len(causes)} causes need at least {least} cells here, got {len(performance)}: run more")
    sd = float(np.linalg.norm(_left(centred, units))) / np.sqrt(df)
    terms, inflation = {}, {}
    for i, name in enumerate(causes):
        own = _left(units[:, i], np.delete(units, i, axis=1))  # what of the cause no other explains (Frisch and Waugh)
        part = float(own @ own)
        inflation[name] = 1 / part if part > TINY else float("inf")
        if part > TINY:
            terms[name] = make_estimate(float(own @ centred) / part / sizes[i], sd / np.sqrt(part) / sizes[i], df)
    return LinearModel(terms, inflation)


def decide_survival(plain: Estimate, both: LinearModel, p: float) -> Survival:
    """What becomes of the `plain` slope of diversity when length is held fixed, as in `both`.

    `p` is of diversity's coefficient in `both`, after Holm where several are looked at. 'Survives' needs a plain slope
    that is clear too; 'explained' needs more than a lost effect: length itself must have one.
    """
    if both.inflation["diversity"] > MAX_INFLATION:
        return "cannot be separated from length"
    held, length = both.terms["diversity"], both.terms.get("length")
    if p < ALPHA and not _clear(plain):
        return "shows at equal length alone"
    if p < ALPHA:
        return "survives length" if held.value * plain.value > 0 else "turns round at equal length"
    return "explained by length" if _clear(plain) and length and _clear(length) else "cannot tell"


def _clear(known: Estimate) -> bool:
    return known.low > 0 or known.high < 0


def _within(cause: Column, groups: Int[np.ndarray, "cells"], name: str) -> Column:
    within = _about_means(cause, groups)
    if np.ptp(within) <= 1e-12 * np.abs(cause).max():
        raise ValueError(f"{name} is the same in all cells of each group: it has no effect to estimate")
    return within


def _about_means(column: Column, groups: Int[np.ndarray, "cells"]) -> Column:
    _, group = np.unique(groups, return_inverse=True)
    return np.asarray(column - (np.bincount(group, column) / np.bincount(group))[group])


def _left(column: Column, others: Float[np.ndarray, "cells others"]) -> Column:
    return np.asarray(column - others @ np.linalg.lstsq(others, column, rcond=TINY)[0])
