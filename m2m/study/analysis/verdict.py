"""The study's rows → the verdict in plain sentences: a headline for each outcome and setting, and what it rests on."""

from collections.abc import Sequence
from typing import Literal

from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.schemas.study_rows import AgainstRandomRow, FloorRow, MatchedRow, SettingRow, ShapeRow, SlopeRow, VerdictRow
from m2m.study.analysis.against_random import OUTSIDE_BY_CHANCE
from m2m.study.analysis.headline import advise, describe_length_control, write_headline
from m2m.study.analysis.paper_agreement import (
    describe_cells_without,
    describe_claims,
    describe_correlations,
    describe_slope_agreement,
)
from m2m.study.analysis.ranking import describe_refused, list_comparisons, rank_configurations
from m2m.study.cells.labels import (
    describe_borrowed_random,
    describe_setting,
    format_difference,
    format_interval,
    format_level,
    format_p,
    format_shared_rows,
    is_cliff,
    label_setting,
    name_configuration,
    select_place,
    select_rows,
    start_sentence,
)
from m2m.study.cells.outcomes import MAIN, get_unit

MUCH_SHARED = 0.2  # of the rows of two seeds: a random subset of 500 of 7,607 rows shares 0.07


def write_verdict(study: Study) -> list[VerdictRow]:
    """A row a main outcome and setting, the primary ones first: all others are exploratory.

    Beside registered hypotheses all rows are. No sentence has more than 25 words.
    """
    outcomes = [outcome for outcome in study["outcomes"] if outcome in MAIN]
    return [_write_row(study, setting, outcome) for outcome in outcomes for setting in study["settings"]]


def _write_row(study: Study, setting: SettingRow, outcome: str) -> VerdictRow:
    place = Place(outcome=outcome, condition=setting["condition"], size=setting["size"])
    rows = select_place(study, place)
    is_first = outcome == study["outcomes"][0] and setting == study["settings"][0]
    primary = is_first and not study.get("hypotheses")
    label = f"{label_setting(setting, study['settings'])}{'' if primary else ' (exploratory)'}"
    sentences = [
        f"{describe_setting(setting)}: {setting['cells']} cells, {setting['random_cells']} of them random.",
        *(_describe_noise(row) for row in rows["floors"] if "reason" not in row or not _is_borrowed(rows)),
        *_describe_intervals(rows),
        *(_describe_strategy(rows, row) for row in rows["slopes"]),
        _describe_random(rows),
        *(_describe_matched(row) for row in rows["matched"] if "p_holm" in row),
        *describe_claims(rows["claims"]),
        *describe_slope_agreement(rows["paper"]),
        *describe_correlations(rows["metrics"]),
        *describe_cells_without(rows["metrics"]),
    ]
    role: Literal["primary", "exploratory"] = "primary" if primary else "exploratory"
    headline = " ".join(filter(None, [f"{label}.", advise(rows) if primary else "", write_headline(rows, outcome)]))
    return {**place, "role": role, "headline": headline, "sentences": sentences}


def _describe_intervals(study: Study) -> list[str]:
    """What the intervals cover: seeds, as blocks or not, and prompts, drawn by group or one by one."""
    compared = [row for row in list_comparisons(study) if "p_holm" in row]
    return [f"{_describe_blocks(compared[0])} {_describe_draws(compared)}"] if compared else []


def _describe_blocks(row: AgainstRandomRow) -> str:
    if "no_blocks" in row:
        return f"The seed is no block: {row['no_blocks']}."
    return f"Cells are compared within seeds: two cells of one seed correlate by {row['seed_correlation']:.2f}."


def _describe_draws(rows: Sequence[AgainstRandomRow]) -> str:
    by_seeds, row = sum("prompts" not in row for row in rows), rows[0]
    if by_seeds:
        some = "" if by_seeds == len(rows) else f" of {by_seeds} of {len(rows)} configurations"
        return f"Intervals{some} cover other seeds alone, not other prompts."
    groups = f"drawn by group ({row['prompt_groups']} groups)"
    if row["prompt_groups"] == row["prompts"]:
        groups = "drawn one by one, so they are too narrow for other sources"
    return f"Intervals cover other seeds and other prompts, {groups}."


def _is_borrowed(study: Study) -> bool:
    """Whether this setting is compared with the random cells of another one, which another sentence says."""
    return any(describe_borrowed_random(row) for row in study["against_random"] if "p_holm" in row)


def _describe_noise(row: FloorRow) -> str:
    if "reason" in row:
        return f"No seed noise of random: {row['reason']}."
    return (
        f"Seed noise: {row['cells']} random cells have a standard deviation of {row['sd']:#.2g}. "
        f"{len(row['outside'])} of {row['judged']} other cells lie outside random's 95 % prediction interval; "
        f"{OUTSIDE_BY_CHANCE * row['judged']:.1f} are expected by chance."
    )


def _describe_strategy(study: Study, row: SlopeRow) -> str:
    shapes = select_rows(study["shapes"], {"strategy": row["strategy"]})
    is_effect = row.get("p_holm", 1) < ALPHA
    length = describe_length_control(study["lengths"], row["strategy"]) if is_effect else ""  # nothing to explain
    sentences = [_describe_slope(row), _describe_prompts(row), length, *map(_describe_degrees, shapes)]
    return " ".join(filter(None, sentences))


def _describe_slope(row: SlopeRow) -> str:
    strategy = start_sentence(row["strategy"])
    if "reason" in row:
        return f"{strategy} has no slope: {row['reason']}."
    verdict = "significant" if row["p_holm"] < ALPHA else "not significant"
    if row["p"] < ALPHA <= row["p_holm"]:
        verdict = "not significant after Holm correction"
    return (
        f"{strategy}: {format_difference(row['value'])} {get_unit(row['outcome'])} from degree 0 to 6 "
        f"(95 % CI {format_interval(row)}, Holm p {format_p(row['p_holm'])}): {verdict}."
    )


def _describe_prompts(row: SlopeRow) -> str:
    if "prompts_only_low" not in row:
        return ""
    ends = format_interval(row, "prompts_only_low", "prompts_only_high")
    return f"The same models on other prompts: 95 % CI {ends}."


def _describe_degrees(row: ShapeRow) -> str:
    """Whether the degrees differ at all, by the noise of replicates, and whether a straight line fits them."""
    if row.get("p_holm", 1) >= ALPHA:
        return ""
    worst, best = (format_level(row["outcome"], row[name]) for name in ("worst_mean", "best_mean"))
    differ = (
        f"The degrees differ (Holm p {format_p(row['p_holm'])}): "
        f"degree {row['worst']} is lowest ({worst}), degree {row['best']} highest ({best})."
    )
    shared = ""
    if row["shared_rows"] > MUCH_SHARED:
        share = format_shared_rows(row)
        shared = f" Two seeds of the least diverse degree share {share} of their rows, so they differ too little."
    if "bend_p" not in row:
        return f"{differ}{shared}"
    line = "does not fit" if row["bend_p"] < ALPHA else "is not rejected"
    cliff = (
        f" Only degree 0 is low: a cliff (p {format_p(row['step_p'])} of further differences)." if is_cliff(row) else ""
    )
    return f"{differ}{shared} A straight line {line} (p {format_p(row['bend_p'])}).{cliff}"


def _describe_random(study: Study) -> str:
    ranking = rank_configurations(list_comparisons(study))
    if not ranking.compared:
        return "No configuration could be compared with random."
    best, number = ranking.best, len(ranking.compared)
    sentences = [
        describe_borrowed_random(best),
        f"Against random, after Holm: {len(ranking.better)} of {number} configurations significantly better, "
        f"{len(ranking.worse)} significantly worse.",
        f"Best: {name_configuration(best)}, {format_difference(best['value'])} {get_unit(best['outcome'])} "
        f"(95 % CI for the best of {number}: {format_interval(best, 'all_low', 'all_high')}).",
        f"Seed noise pooled over all replicates: {best['pooled_sd']:#.2g} ({best['noise_df']} degrees of freedom).",
        *describe_refused(list_comparisons(study)),
    ]
    return " ".join(filter(None, sentences))


def _describe_matched(row: MatchedRow) -> str:
    return (
        f"{start_sentence(row['strategy'])} at degree {row['degree']} against length-matched random: "
        f"{format_difference(row['value'])} {get_unit(row['outcome'])} (95 % CI {format_interval(row)})."
    )
