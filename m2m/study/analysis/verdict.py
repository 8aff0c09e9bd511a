"""The study's rows → a verdict in plain sentences: a headline for each outcome and setting, and what it rests on."""

from typing import Any

from m2m.study.analysis.agreement import agreed, claimed, correlated
from m2m.study.analysis.headline import describe_length_control, moves, write_headline
from m2m.study.analysis.noise import OUTSIDE_BY_CHANCE
from m2m.study.cells.labels import (
    ALPHA,
    describe_borrowed_random,
    describe_setting,
    format_interval,
    join_words,
    label_setting,
    name_configuration,
    select_rows,
)
from m2m.study.cells.outcomes import MAIN
from m2m.study.cells.rows import StudyRow

Study = dict[str, Any]


def write_verdict(study: Study) -> list[StudyRow]:
    """A row an outcome and setting: its headline, and the sentences that say what it rests on."""
    told = [outcome for outcome in study["outcomes"] if outcome in MAIN]
    return [_paragraph(study, setting, outcome) for outcome in told for setting in study["settings"]]


def _paragraph(study: Study, setting: StudyRow, outcome: str) -> StudyRow:
    here = {"outcome": outcome, "condition": setting["condition"], "size": setting["size"]}
    mine = {name: select_rows(study[name], here) for name in study if _is_rows(study[name])}
    sentences = [
        _cells(setting),
        *_floor(mine),
        *_slopes(mine),
        *_random(mine),
        *_matched(mine),
        *claimed(mine),
        *agreed(mine),
        *correlated(mine),
    ]
    first = f"At {label_setting(setting, study['settings'])}: {write_headline(mine, outcome)}."
    return here | {"headline": first, "sentences": sentences}


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) and "outcome" in row for row in value)


def _cells(setting: StudyRow) -> str:
    return f"{describe_setting(setting)}: {setting['cells']} cells, {setting['random_cells']} of them random."


def _floor(mine: Study) -> list[str]:
    for row in mine["floors"]:
        if "reason" in row:
            return [f"No noise floor: {row['reason']}."]
        beyond, chance = len(row["outside"]), OUTSIDE_BY_CHANCE * row["judged"]
        return [
            f"{row['cells']} random cells spread by {row['sd']:.4f} (standard deviation); {beyond} of {row['judged']} "
            f"other cells lie outside their 95 % range, {chance:.1f} would by chance."
        ]
    return []


def _slopes(mine: Study) -> list[str]:
    return [f"{row['strategy']}: {_slope(mine, row)}{_shape(mine, row['strategy'])}" for row in mine["slopes"]]


def _slope(mine: Study, row: StudyRow) -> str:
    if "reason" in row:
        return f"no slope, {row['reason']}."
    reach = (
        f"; these very models on other prompts of these sources: {format_interval(row, 'prompts_only_low', 'prompts_only_high')}"
        if "prompts_only_low" in row
        else ""
    )
    told = (
        f"{row['value']:+.4f} {MAIN[row['outcome']].unit} from degree 0 to 6 (95 % {format_interval(row)}, Holm p "
        f"{row['p_holm']:.2g}{reach})"
    )
    length = describe_length_control(mine, row["strategy"])
    if row["p_holm"] < ALPHA:
        return f"{told}: it {moves(row)}, {length}."
    chance = ", one of several slopes may look like this by chance" if row["p"] < ALPHA else ""
    return f"{told}: cannot tell{chance}; with length held fixed: {length}."


def _shape(mine: Study, strategy: str) -> str:
    """Whether the degrees differ at all, by the noise of replicates, and whether a line is enough to say how."""
    for row in select_rows(mine["shapes"], {"strategy": strategy}):
        if row.get("p_holm", 1) >= ALPHA:
            return ""
        return (
            f" Its degrees do differ (Holm p {row['p_holm']:.2g}): degree {row['worst']} is lowest, "
            f"{row['worst_mean']:+.4f}, degree {row['best']} highest, {row['best_mean']:+.4f}.{_bend(row)}"
        )
    return ""


def _bend(row: StudyRow) -> str:
    """What the test for a lack of fit says; with two degrees there is none."""
    if "bend_p" not in row:
        return ""
    told = "does not tell how" if row["bend_p"] < ALPHA else "is not ruled out"
    return f" A straight line {told} (p {row['bend_p']:.2g})."


def _random(mine: Study) -> list[str]:
    known = [row for row in mine["against_random"] if "p_holm" in row]
    if not known:
        return ["Nothing can be said against random."]
    better = [row for row in known if row["p_holm"] < ALPHA and row["value"] > 0]
    worse = [row for row in known if row["p_holm"] < ALPHA and row["value"] < 0]
    best = max(known, key=lambda row: row["value"])
    return [
        f"Against random{describe_borrowed_random(best)}: {len(better)} of {len(known)} kinds of cell are better and "
        f"{len(worse)} worse, after Holm. The best, {name_configuration(best)}, adds {best['value']:+.4f} (95 % for the best of "
        f"{len(known)}: {format_interval(best, 'all_low', 'all_high')}; noise {best['pooled_sd']:.4f} from {best['df']} degrees "
        f"of freedom): {'better than random' if best['all_low'] > 0 else 'cannot tell it from random'}."
    ]


def _matched(mine: Study) -> list[str]:
    known = [row for row in mine["matched"] if "p_holm" in row]
    gains = [f"{row['value']:+.4f} at degree {row['degree']} (95 % {format_interval(row)})" for row in known]
    return (
        [f"Against random rows of its very lengths {known[0]['strategy']} adds {join_words(gains)}."] if known else []
    )
