"""What a study says of one configuration, in sentences for its data card."""

from collections.abc import Mapping
from typing import Any

from m2m.planning.seed_noise import ALPHA

SETTINGS = (  # of one setting of the study
    *("size", "budget", "slack", "weights", "min_tokens", "max_tokens", "lengths"),
    *("prefilter", "prefilter_share"),
)
FREE = {"lengths": "free", "prefilter": "random", "prefilter_share": 1.0}  # where nothing else is said
NO_EVIDENCE = "No evidence: {}. Compare it with random subsets first (python -m m2m grid)."


def describe_evidence(study: Mapping[str, Any] | None, same_pool: bool, settings: Mapping[str, Any]) -> str:
    """Whether the configuration `settings` (of `subset`) beats random subsets in `study`, by its first outcome.

    `study` is the record of `analyze`; `same_pool` is whether its cells chose from the pool of this subset.
    """
    if settings["strategy"] == "random":
        return "A random subset: the baseline that every configuration is compared with."
    if study is None:
        return NO_EVIDENCE.format("there is no study here")
    rows = _select_rows(study, settings)
    if not rows:
        return NO_EVIDENCE.format("the study has no run of this configuration at this size and these limits")
    row, outcome = rows[0], study["outcomes"][0]
    pool = "" if same_pool else " The study used another pool, so this may not hold here."
    return f"{_describe_effect(row, outcome)}{pool}"


def _select_rows(study: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    names = [
        (setting["condition"], setting["size"])
        for setting in study["settings"]
        if all({**FREE, **setting}[name] == {**FREE, **settings}[name] for name in SETTINGS)
    ]
    return [
        row
        for row in study["against_random"]
        if (row["condition"], row["size"]) in names
        and row["outcome"] == study["outcomes"][0]
        and (row["strategy"], row["degree"]) == (settings["strategy"], settings["degree"])
        and row["match"] in (settings["match"], settings["strategy"])
        and isinstance(row["value"], float)
    ]


def _describe_effect(row: Mapping[str, Any], outcome: str) -> str:
    """
    >>> row = {"value": -0.0123, "all_low": -0.02, "all_high": -0.004, "p_holm": 0.01, "cells": 2, "against_cells": 8}
    >>> _describe_effect(row, "bpb_reduction")[:66]
    'Significantly worse than random: bpb_reduction −0.012 (95 % CI −0.'
    """
    if row["p_holm"] >= ALPHA:
        verdict = "Not significantly different from random"
    else:
        verdict = f"Significantly {'better' if row['value'] > 0 else 'worse'} than random"
    value, low, high = (f"{row[name]:+.3f}".replace("-", "−") for name in ("value", "all_low", "all_high"))
    seeds = f"{row['cells']} seeds against {row['against_cells']} of random"
    return f"{verdict}: {outcome} {value} (95 % CI {low} to {high}, Holm p {row['p_holm']:.3g}; {seeds})."


def summarize_studies(studies: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """What `studies`, by name, say of one configuration at whatever size and limits, each by its first outcome."""
    if settings["strategy"] == "random":
        return "Random is the baseline of the bundled studies."
    rows = [row for study in studies.values() for row in _list_comparisons(study)]
    if not rows:
        return "There is no study here."
    beaten = "" if any(_is_better(row) for row in rows) else " No configuration is better than random in any of them."
    same = [
        row
        for row in rows
        if row["strategy"] == settings["strategy"]
        and row["degree"] == settings["degree"]
        and row["match"] in (settings["match"], settings["strategy"])
    ]
    if not same:
        return f"The bundled studies ({', '.join(studies)}) have no run of this configuration.{beaten}"
    better, worse = sum(map(_is_better, same)), sum(map(_is_worse, same))
    return (
        f"In the bundled studies ({', '.join(studies)}), this configuration is better than random in {better}, worse "
        f"in {worse} and not different in {len(same) - better - worse} of {len(same)} comparisons.{beaten}"
    )


def _list_comparisons(study: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = [row for row in study["against_random"] if row["outcome"] == study["outcomes"][0]]
    return [row for row in rows if isinstance(row["value"], float)]


def _is_better(row: Mapping[str, Any]) -> bool:
    return bool(row["p_holm"] < ALPHA and row["value"] > 0)


def _is_worse(row: Mapping[str, Any]) -> bool:
    return bool(row["p_holm"] < ALPHA and row["value"] < 0)
