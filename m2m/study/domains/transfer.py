"""Scores by prompt → for each domain: does what holds on the prompts of all others hold on its own?"""

from collections.abc import Mapping
from typing import NamedTuple, TypedDict

import numpy as np
import polars as pl

from m2m.study.bake_off.comparison import SelectorRow, choose_baseline, compare_selectors
from m2m.study.cells.cells import SETTING, select_comparable
from m2m.study.cells.correlation import spearman
from m2m.study.cells.labels import name_configuration
from m2m.study.cells.rows import compute_or_explain, round_digits

FEWEST_PROMPTS = 10  # of a domain: below it an interval over prompts is guesswork


class DomainNumbers(TypedDict, total=False):
    """The numbers of a domain, or the reason why there are none; gains over random, with 95 % intervals each alone."""

    reason: str
    configurations: int
    rank_correlation: float  # Spearman's, of the gains here and on all other domains
    rank_low: float
    rank_high: float
    best: str  # the configuration with the largest gain on all other domains
    best_gain: float  # of it, here
    best_low: float
    best_high: float
    worst: str  # the configuration with the smallest gain on all other domains
    worst_gain: float
    worst_low: float
    worst_high: float


class DomainRow(DomainNumbers):
    """A domain that is left out: its prompts against those of all others."""

    domain: str
    prompts: int


class TransferInputs(NamedTuple):
    """The cells of one setting, and the scores of one outcome with the domain of each prompt."""

    cells: pl.DataFrame
    scores: pl.DataFrame
    outcome: str
    seed: int
    resamples: int


def leave_out_domains(
    grid: pl.DataFrame, scores: pl.DataFrame, domains: Mapping[str, str], outcome: str, seed: int, resamples: int
) -> list[DomainRow]:
    """One row a domain, sorted, of the setting with most cells; `domains` names that of each prompt.

    The configurations are chosen on the other domains' prompts, so a gain here is no winner's luck with prompts; the
    trainings are the same. ValueError where a prompt has no domain, or there is one domain alone.
    """
    cells = select_comparable(grid)
    setting = cells.group_by(SETTING).len().sort(["len", *SETTING], descending=[True, False, False]).head(1)
    cells = cells.join(setting, on=SETTING, how="semi", maintain_order="left")
    measured = scores.filter(pl.col("outcome") == outcome).join(cells.select("experiment"), on="experiment", how="semi")
    if missing := sorted(set(measured["id"]) - set(domains)):
        raise ValueError(f"every prompt must have a domain, {len(missing)} have none, the first is {missing[0]}")
    labelled = measured.with_columns(domain=pl.col("id").replace_strict(domains, return_dtype=pl.String))
    if labelled["domain"].n_unique() < 2:
        raise ValueError(f"a comparison of domains needs two, got {labelled['domain'].n_unique()}")
    inputs = TransferInputs(cells, labelled, outcome, seed, resamples)
    counts = labelled.group_by("domain").agg(pl.col("id").n_unique()).sort("domain")
    rows: list[DomainRow] = [
        {"domain": domain, "prompts": prompts, **compute_or_explain(_compare_domain, inputs, domain, prompts)}
        for domain, prompts in counts.iter_rows()
    ]
    return round_digits(rows)


def rescore_cells(cells: pl.DataFrame, scores: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """The cells with their outcome on the prompts of `scores` alone."""
    total = (pl.col("score").sum() / pl.col("weight").sum()).alias(outcome)
    outcomes = scores.group_by("experiment").agg(total)
    return cells.drop(outcome).join(outcomes, on="experiment", how="inner", maintain_order="left")


def _compare_domain(inputs: TransferInputs, domain: str, prompts: int) -> DomainNumbers:
    if prompts < FEWEST_PROMPTS:
        raise ValueError(f"a domain needs {FEWEST_PROMPTS} prompts, got {prompts}")
    here = _list_gains(inputs, pl.col("domain") == domain)
    elsewhere = _list_gains(inputs, pl.col("domain") != domain)
    names = sorted(here, key=lambda name: -elsewhere[name]["value"])
    gains = [np.array([rows[name]["value"] for name in names]) for rows in (here, elsewhere)]
    rank = spearman(*gains)
    best, worst = here[names[0]], here[names[-1]]
    return {
        "configurations": len(names),
        "rank_correlation": rank.r,
        "rank_low": rank.low,
        "rank_high": rank.high,
        "best": names[0],
        "best_gain": best["value"],
        "best_low": best["low"],
        "best_high": best["high"],
        "worst": names[-1],
        "worst_gain": worst["value"],
        "worst_low": worst["low"],
        "worst_high": worst["high"],
    }


def _list_gains(inputs: TransferInputs, chosen: pl.Expr) -> dict[str, SelectorRow]:
    """The gain over random of every configuration on the `chosen` prompts alone, by name."""
    scores = inputs.scores.filter(chosen).drop("domain")
    cells = rescore_cells(inputs.cells, scores, inputs.outcome)
    record = compare_selectors(cells, scores, inputs.outcome, inputs.seed, inputs.resamples, choose_baseline(cells))
    return {name_configuration(row): row for row in record["selectors"]}
