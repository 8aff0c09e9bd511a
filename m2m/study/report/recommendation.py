"""The study's record → which subset to take, by how much it beats random, how sure that is, or that none can tell."""

import math
import shlex
from typing import Any

from scipy import stats

from m2m.study.analysis.headline import describe_length_control
from m2m.study.cells.cells import NO_DEGREE
from m2m.study.cells.labels import (
    ALPHA,
    UNDER,
    describe_borrowed_random,
    format_interval,
    label_setting,
    name_configuration,
    select_rows,
)
from m2m.study.cells.outcomes import MAIN
from m2m.study.cells.rows import StudyRow


def recommend(study: dict[str, Any], outcome: str) -> list[str]:
    """A paragraph a setting of a record as from `study`. ValueError for an outcome that it has not."""
    if outcome not in study["outcomes"]:
        raise ValueError(f"outcome must be one of {', '.join(study['outcomes'])}, got {outcome}")
    return [_paragraph(study, setting, outcome) for setting in study["settings"]]


def _paragraph(study: dict[str, Any], setting: StudyRow, outcome: str) -> str:
    here = {"outcome": outcome, "condition": setting["condition"], "size": setting["size"]}
    rows = select_rows(study["against_random"], here)
    known = [row for row in rows if "p_holm" in row]
    where = f"{label_setting(setting, study['settings'])}: "
    if not known:
        return where + _nothing(rows)
    sure = [row for row in known if row["all_low"] > 0]
    best = max(sure or known, key=lambda row: row["value"])
    sentences = _take(study, here, best, known) if sure else _cannot_tell(best, known)
    return where + " ".join([*sentences, *_avoid(known), _rows(best if sure else {"strategy": "random"}, setting)])


def _nothing(rows: list[StudyRow]) -> str:
    reasons = sorted({str(row["reason"]) for row in rows if "reason" in row})
    return f"the data do not say; {'; '.join(reasons) or 'only random was run: run a strategy to compare with it'}."


def _take(study: dict[str, Any], here: StudyRow, best: StudyRow, known: list[StudyRow]) -> list[str]:
    outcome = here["outcome"]
    unit = MAIN[outcome].unit if outcome in MAIN else outcome
    return [
        f"take {name_configuration(best)}: {best['value']:+.4f} {unit} over random{describe_borrowed_random(best)} (95 %, "
        f"also for the best of {len(known)} looked at: {format_interval(best, 'all_low', 'all_high')}; Holm p "
        f"{best['p_holm']:.2g}, {best['cells']} cells against {best['against_cells']} random ones).",
        *_prompts(best),
        *_rivals(best, known),
        *_length(study, here, best),
    ]


def _cannot_tell(best: StudyRow, known: list[StudyRow]) -> list[str]:
    told = [
        f"cannot tell any subset from random{describe_borrowed_random(best)}: take random, it is the simplest. The best of "
        f"{len(known)} looked at, {name_configuration(best)}, adds {best['value']:+.4f}, and 95 % are "
        f"{format_interval(best, 'all_low', 'all_high')}."
    ]
    return told + _more_seeds(best, len(known))


def _more_seeds(best: StudyRow, looked_at: int) -> list[str]:
    """Seeds a kind for a power of 80 % at the level that `looked_at` comparisons leave (normal approximation)."""
    if best["value"] <= 0 or best["pooled_sd"] <= 0:
        return []
    z = stats.norm.isf(ALPHA / 2 / looked_at) + stats.norm.isf(0.2)
    seeds = math.ceil(2 * (z * best["pooled_sd"] / best["value"]) ** 2)
    return [f"Were that its true worth, about {seeds} seeds of it and of random would show it."]


def _prompts(best: StudyRow) -> list[str]:
    if "prompts_only_low" not in best:
        return []
    ends = format_interval(best, "prompts_only_low", "prompts_only_high")
    reach = "holds" if best["prompts_only_low"] > 0 else "may not hold"
    return [f"With other prompts of these sources and these very models: {ends}, so it {reach} beyond these prompts."]


def _rivals(best: StudyRow, known: list[StudyRow]) -> list[str]:
    near = [row for row in known if row is not best and row["value"] > best["value"] - _least_difference(best, row)]
    if not near:
        return []
    return [
        f"Not told from it: {', '.join(name_configuration(row) for row in sorted(near, key=lambda row: -row['value']))}."
    ]


def _least_difference(one: StudyRow, other: StudyRow) -> float:
    """What two means must differ by to be told apart at two-sided 5 %."""
    spread: float = one["pooled_sd"] * math.sqrt(1 / one["cells"] + 1 / other["cells"])
    return float(stats.t.isf(ALPHA / 2, one["df"])) * spread


def _length(study: dict[str, Any], here: StudyRow, best: StudyRow) -> list[str]:
    lengths = [
        f"Its responses have {best['mean_response_tokens']:.0f} tokens, random's {best['random_response_tokens']:.0f}."
    ]
    same = {"strategy": best["strategy"]}
    for row in select_rows(study["matched"], here | same | {"degree": best["degree"]}):
        if "p_holm" in row:
            told = "more than" if row["low"] > 0 else "less than" if row["high"] < 0 else "not told from"
            lengths.append(
                f"Against random of its lengths {row['value']:+.4f} (95 % {format_interval(row)}): {told} what its length gives."
            )
    if select_rows(study["lengths"], here | same):
        told = describe_length_control({"lengths": select_rows(study["lengths"], here)}, best["strategy"])
        lengths.append(f"Its diversity over all degrees, length held fixed: {told}.")
    return lengths


def _rows(kind: StudyRow, setting: StudyRow) -> str:
    """The flags that make this kind of cell, whatever params.yaml has."""
    names = ["strategy"]
    names += ["match"] if kind["strategy"] == "stratified-length" else []
    names += [] if kind["strategy"] in NO_DEGREE else ["degree"]
    asked = {name: kind[name] for name in names} | {name: setting[name] for name in ("size", *UNDER)}
    flags = shlex.join(word for name, value in asked.items() for word in ("-S", f"subset.{name}={value}"))
    return f"Its rows: dvc exp run {flags}."


def _avoid(known: list[StudyRow]) -> list[str]:
    worse = [name_configuration(row) for row in known if row["p_holm"] < ALPHA and row["value"] < 0]
    return [f"Worse than random: {', '.join(worse)}."] if worse else []
