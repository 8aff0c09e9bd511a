"""What a study says of one configuration, in sentences for its data card."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from m2m.grid.design import NO_PREFILTER, Cell, normalize_cell
from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.schemas.study_rows import AgainstRandomRow, SettingRow
from m2m.study.analysis.ranking import list_comparisons
from m2m.study.cells.labels import CONFIGURATION, UNDER, select_place

SETTINGS = ("size", *UNDER, *NO_PREFILTER)  # what sets the settings of a study apart
NO_EVIDENCE = "No evidence: {}. Compare it with random subsets first (python -m m2m grid)."
NONE_BETTER = "No configuration is better than random in any of them."
NONE_CONFIRMED = "No configuration was confirmed to be better than random."
NOT_RECORDED = "What the study's cells were made of is not recorded, so this may not hold here."
NOT_CONFIRMED = "This is exploratory: the study has not confirmed this configuration with new seeds."


class Comparisons(NamedTuple):
    """The configurations of a study against random, by its first outcome, in every setting."""

    answers: list[AgainstRandomRow]  # what the verdict ranks
    exploratory: list[AgainstRandomRow]  # of a staged grid, the configurations that its last rung did not have


def describe_evidence(study: Study | None, differences: Sequence[str] | None, settings: Mapping[str, Any]) -> str:
    """Whether the configuration `settings` (of `subset`) beats random subsets in `study`, by its first outcome.

    `differences` are between what the study's cells share and the run of this subset, in words; None where they are
    not recorded.
    """
    if settings["strategy"] == "random":
        return "A random subset: the baseline that every configuration is compared with."
    if study is None:
        return NO_EVIDENCE.format("there is no study here")
    cell = normalize_cell(settings)
    comparisons = _list_rows(study, [setting for setting in study["settings"] if _is_under(setting, cell)])
    answers, exploratory = (_select_configuration(rows, cell) for rows in comparisons)
    if not answers and not exploratory:
        return NO_EVIDENCE.format("the study has no run of this configuration at this size and these limits")
    sentences = [_describe_effect([*answers, *exploratory][0], study["outcomes"][0])]
    if not answers:
        sentences.append(NOT_CONFIRMED)
    if differences is None:
        sentences.append(NOT_RECORDED)
    elif differences:
        sentences.append(f"The study differs in: {', '.join(differences)}. So this may not hold here.")
    return " ".join(sentences)


def summarize_studies(studies: Mapping[str, Study], settings: Mapping[str, Any]) -> str:
    """What `studies`, by name, say of one configuration at whatever size and limits, each by its first outcome."""
    if settings["strategy"] == "random":
        return "Random is the baseline of the bundled studies."
    listed = [_list_rows(study, study["settings"]) for study in studies.values()]
    answers = [row for comparisons in listed for row in comparisons.answers]
    exploratory = [row for comparisons in listed for row in comparisons.exploratory]
    if not answers and not exploratory:
        return "There is no study here."
    beaten = ""
    if not any(map(_is_better, answers)):
        was_screened = any(map(_is_better, exploratory))
        beaten = f" {NONE_CONFIRMED if was_screened else NONE_BETTER}"
    cell = normalize_cell(settings)
    screened = _select_configuration(exploratory, cell)
    rows = [*_select_configuration(answers, cell), *screened]
    if not rows:
        return f"The bundled studies ({', '.join(studies)}) have no run of this configuration.{beaten}"
    better, worse = sum(map(_is_better, rows)), sum(map(_is_worse, rows))
    note = f", {len(screened)} of them exploratory" if screened else ""
    return (
        f"In the bundled studies ({', '.join(studies)}), this configuration, at any size and lengths, is better "
        f"than random in {better}, worse in {worse} and not different in {len(rows) - better - worse} of {len(rows)} "
        f"comparisons{note}.{beaten}"
    )


def _list_rows(study: Study, settings: Sequence[SettingRow]) -> Comparisons:
    """Of the rows under `settings` those that could be compared."""
    comparisons = Comparisons([], [])
    for setting in settings:
        place = Place(outcome=study["outcomes"][0], condition=setting["condition"], size=setting["size"])
        in_place = select_place(study, place)
        answers = [row for row in list_comparisons(in_place) if "p_holm" in row]
        configurations = [_get_configuration(row) for row in answers]
        comparisons.answers.extend(answers)
        comparisons.exploratory.extend(
            row
            for row in in_place["against_random"]
            if "p_holm" in row and _get_configuration(row) not in configurations
        )
    return comparisons


def _is_under(setting: SettingRow, cell: Cell) -> bool:
    """Whether the study's `setting` is that of the normalized `cell`."""
    recorded = normalize_cell({**_get_configuration(cell), **setting})
    return all(recorded[name] == cell[name] for name in SETTINGS)


def _select_configuration(rows: Sequence[AgainstRandomRow], cell: Cell) -> list[AgainstRandomRow]:
    """The rows of the configuration of the normalized `cell`."""
    rows = [row for row in rows if row["strategy"] == cell["strategy"]]
    return [row for row in rows if _get_configuration(normalize_cell(row)) == _get_configuration(cell)]


def _get_configuration(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in CONFIGURATION}


def _describe_effect(row: AgainstRandomRow, outcome: str) -> str:
    """A sentence on one comparison, with its interval, its p and its seeds."""
    if row["p_holm"] >= ALPHA:
        verdict = "Not significantly different from random"
    else:
        verdict = f"Significantly {'better' if row['value'] > 0 else 'worse'} than random"
    value, low, high = (
        f"{number:+.3f}".replace("-", "−") for number in (row["value"], row["all_low"], row["all_high"])
    )
    seeds = f"{row['cells']} seeds against {row['against_cells']} of random"
    return f"{verdict}: {outcome} {value} (95 % CI {low} to {high}, Holm p {row['p_holm']:.3g}; {seeds})."


def _is_better(row: AgainstRandomRow) -> bool:
    return row["p_holm"] < ALPHA and row["value"] > 0


def _is_worse(row: AgainstRandomRow) -> bool:
    return row["p_holm"] < ALPHA and row["value"] < 0
