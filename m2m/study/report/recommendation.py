"""The study → which subset to take, how much it gains over random, and how certain that is."""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy import stats

from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.schemas.study_rows import AgainstRandomRow, SettingRow
from m2m.strategies import NO_DEGREE
from m2m.study.analysis.headline import describe_length_control
from m2m.study.analysis.ranking import Ranking, rank_configurations
from m2m.study.cells.labels import (
    ALPHA,
    UNDER,
    describe_borrowed_random,
    format_difference,
    format_interval,
    format_p,
    label_setting,
    name_configuration,
    select_place,
    select_rows,
)
from m2m.study.cells.outcomes import get_unit

POWER = 0.8
SHOWN_ROWS = 5
STAGES = ("band@instruction", "band@response", "subset@candidate")  # what makes rows that can be exported


class Recommendation(NamedTuple):
    """What to take in one setting: the answer and its reasons, the largest gains, and what is worse than random."""

    setting: str
    sentences: list[str]  # the answer first; at most 25 words each
    rows: list[AgainstRandomRow]  # the best, and the largest gains
    command: str  # makes the recommended rows, whatever params.yaml has; empty where nothing is recommended
    worse: list[AgainstRandomRow]  # significant after Holm, the worst first


def recommend(study: Study, outcome: str) -> list[Recommendation]:
    """A recommendation a setting. ValueError for an outcome that the study does not have."""
    if outcome not in study["outcomes"]:
        raise ValueError(f"outcome must be one of {', '.join(study['outcomes'])}, got {outcome}")
    return [_recommend(study, setting, outcome) for setting in study["settings"]]


def write_paragraphs(study: Study, outcome: str) -> list[str]:
    """The recommendations in words, a paragraph a setting: for a page."""
    return [" ".join([f"{item.setting}.", *item.sentences, *_count_worse(item)]) for item in recommend(study, outcome)]


def tabulate_gains(recommendation: Recommendation) -> list[str]:
    """Lines of plain text, columns aligned: random, then each configuration with its gain, tokens and seeds."""
    rows = recommendation.rows
    if not rows:
        return []
    unit = get_unit(rows[0]["outcome"])
    table = [
        ("configuration", f"gain {unit}", "95 % CI", "response tokens", "seeds"),
        ("random", "", "", f"{rows[0]['random_response_tokens']:.0f}", str(rows[0]["against_cells"])),
        *(
            (
                name_configuration(row),
                format_difference(row["value"]),
                format_interval(row, "all_low", "all_high"),
                f"{row['mean_response_tokens']:.0f}",
                str(row["cells"]),
            )
            for row in rows
        ),
    ]
    widths = [max(len(line[column]) for line in table) for column in range(5)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table]


def list_worse(recommendation: Recommendation) -> list[str]:
    """A heading and a line a configuration that is significantly worse than random; nothing where there is none."""
    lines = [f"{name_configuration(row)}  {format_difference(row['value'])}" for row in recommendation.worse]
    return [f"Significantly worse than random (Holm), {len(lines)}:", *lines] if lines else []


def _count_worse(recommendation: Recommendation) -> list[str]:
    number = len(recommendation.worse)
    noun = "configuration is" if number == 1 else "configurations are"
    return [f"{number} {noun} significantly worse than random."] if number else []


def _recommend(study: Study, setting: SettingRow, outcome: str) -> Recommendation:
    rows = select_place(study, Place(outcome=outcome, condition=setting["condition"], size=setting["size"]))
    ranking = rank_configurations(rows["against_random"])
    label = label_setting(setting, study["settings"])
    if not ranking.compared:
        reasons = ranking.reasons or ["only random was run: run a strategy to compare with it"]
        return Recommendation(label, [f"No recommendation: {reason}." for reason in reasons], [], "", [])
    sentences = _take_best(rows, ranking) if ranking.better else _take_random(ranking)
    sentences += filter(None, [describe_borrowed_random(ranking.best)])
    command = _write_command(ranking.best if ranking.better else None, setting)
    return Recommendation(label, sentences, _pick_rows(ranking), command, ranking.worse[::-1])


def _pick_rows(ranking: Ranking) -> list[AgainstRandomRow]:
    runners_up = [row for row in ranking.compared if row is not ranking.best]
    return sorted([ranking.best, *runners_up[: SHOWN_ROWS - 1]], key=lambda row: -row["value"])


def _take_best(study: Study, ranking: Ranking) -> list[str]:
    best = ranking.best
    return [
        f"Take {name_configuration(best)}: {format_difference(best['value'])} {get_unit(best['outcome'])} over random "
        f"(95 % CI {format_interval(best, 'all_low', 'all_high')}; {len(ranking.compared)} compared).",
        f"Holm p {format_p(best['p_holm'])}, from {best['cells']} seeds against {best['against_cells']} of random.",
        *_check_prompts(best),
        *_count_equals(best, ranking.compared),
        *_check_length(study, best),
    ]


def _take_random(ranking: Ranking) -> list[str]:
    best = ranking.best
    return [
        f"Take random: nothing beats it (best: {name_configuration(best)}, {format_difference(best['value'])} "
        f"{get_unit(best['outcome'])}, 95 % CI {format_interval(best, 'all_low', 'all_high')}; "
        f"{len(ranking.compared)} compared).",
        *_count_seeds(best, len(ranking.compared)),
    ]


def _count_seeds(best: AgainstRandomRow, comparisons: int) -> list[str]:
    """Seeds an arm for 80 % power at the level that `comparisons` leave (normal approximation)."""
    if best["value"] <= 0 or best["pooled_sd"] <= 0:
        return []
    z = stats.norm.isf(ALPHA / 2 / comparisons) + stats.norm.isf(1 - POWER)
    seeds = math.ceil(2 * (z * best["pooled_sd"] / best["value"]) ** 2)
    return [f"If the true effect is this size, about {seeds} seeds per arm give {POWER:.0%} power.".replace("%", " %")]


def _check_prompts(best: AgainstRandomRow) -> list[str]:
    if "prompts_only_low" not in best:
        return []
    ends = format_interval(best, "prompts_only_low", "prompts_only_high")
    doubt = [] if best["prompts_only_low"] > 0 else ["So the gain may not hold on other prompts."]
    return [f"The same models on other prompts of these sources: 95 % CI {ends}.", *doubt]


def _count_equals(best: AgainstRandomRow, compared: Sequence[AgainstRandomRow]) -> list[str]:
    equals = [row for row in compared if row is not best and row["value"] > best["value"] - _find_margin(best, row)]
    if not equals:
        return []
    verb = "other configuration does" if len(equals) == 1 else "other configurations do"
    return [f"{len(equals)} {verb} not differ significantly from it."]


def _find_margin(first: AgainstRandomRow, second: AgainstRandomRow) -> float:
    """The smallest difference of two means that is significant at two-sided 5 %."""
    se: float = first["pooled_sd"] * math.sqrt(1 / first["cells"] + 1 / second["cells"])
    return float(stats.t.isf(ALPHA / 2, first["df"])) * se


def _check_length(study: Study, best: AgainstRandomRow) -> list[str]:
    sentences = [
        f"Its responses have {best['mean_response_tokens']:.0f} tokens on average, "
        f"random's {best['random_response_tokens']:.0f}."
    ]
    matched = select_rows(study["matched"], {"strategy": best["strategy"], "degree": best["degree"]})
    for row in [row for row in matched if "p_holm" in row]:
        verdict = "significantly better than" if row["low"] > 0 else "not significantly different from"
        verdict = "significantly worse than" if row["high"] < 0 else verdict
        gain = f"{format_difference(row['value'])} {get_unit(row['outcome'])}, 95 % CI {format_interval(row)}"
        sentences.append(f"It is {verdict} length-matched random ({gain}).")
    control = describe_length_control(study["lengths"], best["strategy"])
    return [*sentences, control.replace("With", f"Slope of {best['strategy']} with", 1)] if control else sentences


def _write_command(row: AgainstRandomRow | None, setting: SettingRow) -> str:
    """The command for a configuration's rows, or those of random; nothing is trained for them."""
    flags: dict[str, object] = {"strategy": row["strategy"] if row else "random"}
    if row and row["strategy"] == "length-matched":
        flags["match"] = row["match"]
    if row and row["strategy"] not in NO_DEGREE:
        flags["degree"] = row["degree"]
    settings: Mapping[str, object] = {"lengths": "free", **setting}
    flags |= {name: settings[name] for name in ("size", *UNDER)}
    overrides = [flag for name, value in flags.items() for flag in ("-S", f"subset.{name}={value}")]
    return shlex.join(["dvc", "exp", "run", *STAGES, *overrides])
