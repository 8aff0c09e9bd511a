"""Rows of a study → the words that all its texts and figures use for settings, configurations and numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.strategies import NO_DEGREE
from m2m.study.cells.outcomes import is_share

CONFIGURATION = ("strategy", "match", "degree")  # what seeds of a configuration agree in, within a setting
UNDER = (
    "budget",
    "min_tokens",
    "max_tokens",
    "weights",
    "slack",
    "lengths",
    "peel_noise",
)  # what cells of a setting share beside the size
AnyRow = TypeVar("AnyRow", bound=Mapping[str, Any])


def select_rows(rows: Iterable[AnyRow], key: Mapping[str, Any]) -> list[AnyRow]:
    """The rows that agree with `key`."""
    return [row for row in rows if all(row.get(name) == value for name, value in key.items())]


def select_place(study: Study, place: Place) -> Study:
    """The study with the rows of one outcome and setting alone."""
    confirmed = select_rows(study.get("confirmed", []), place)
    return {
        **study,
        "confirmed": confirmed,
        "floors": select_rows(study["floors"], place),
        "against_random": select_rows(study["against_random"], place),
        "matched": select_rows(study["matched"], place),
        "slopes": select_rows(study["slopes"], place),
        "shapes": select_rows(study["shapes"], place),
        "lengths": select_rows(study["lengths"], place),
        "metrics": select_rows(study["metrics"], place),
        "claims": select_rows(study["claims"], place),
        "paper": select_rows(study["paper"], place),
        "verdict": select_rows(study["verdict"], place),
    }


def name_setting(setting: Mapping[str, Any]) -> str:
    """A setting in two words: '500 rows', '40000 tokens'."""
    return f"{setting['size']} {setting['budget']}"


def label_setting(setting: Mapping[str, Any], settings: Sequence[Mapping[str, Any]]) -> str:
    """A setting's name, and what not all of `settings` share: '500 rows, 50..200 tokens each'."""
    shared = set.intersection(*(set(row["condition"].split(", ")) for row in settings))
    words = [name for name in setting["condition"].split(", ")[1:] if name not in shared]
    return ", ".join([name_setting(setting), *words])


def describe_setting(setting: Mapping[str, Any]) -> str:
    """A setting's name and its whole condition: '500 rows, any length, uniform weights, slack 1.5'."""
    return ", ".join([name_setting(setting), *setting["condition"].split(", ")[1:]])


def format_shared_rows(row: Mapping[str, Any]) -> str:
    """The share of rows that two seeds have in common: '31 %', or 'at least 67 %' where it was not measured."""
    bound = "" if row.get("overlap_measured") else "at least "
    return f"{bound}{row['shared_rows']:.0%}".replace("%", " %")


def name_configuration(row: Mapping[str, Any]) -> str:
    """'k-center', 'response-micro at degree 6', 'length-matched random for response-micro at degree 6'.

    Of a selector with a prefilter: 'random of the 20 % nearest the examples by bm25'.
    """
    near = f" of the {name_nearest(row)}" if row.get("prefilter", "random") != "random" else ""
    if row["strategy"] == "length-matched":
        return f"length-matched random for {row['match']} at degree {row['degree']}{near}"
    name = str(row["strategy"]) if row["strategy"] in NO_DEGREE else f"{row['strategy']} at degree {row['degree']}"
    return f"{name}{near}"


def name_nearest(row: Mapping[str, Any]) -> str:
    """The rows that a prefilter kept: '20 % nearest the examples by bm25'."""
    return f"{100 * row['prefilter_share']:.4g} % nearest the examples by {row['prefilter']}"


def label_configuration(row: Mapping[str, Any]) -> str:
    """A configuration in as few words as fit beside an axis: 'response-micro 6', 'lengths of response-micro 6'."""
    is_near = row.get("prefilter", "random") != "random"
    near = f", {row['prefilter']} {100 * row['prefilter_share']:.4g} %" if is_near else ""
    if row["strategy"] == "length-matched":
        return f"lengths of {row['match']} {row['degree']}{near}"
    return f"{row['strategy']}{near}" if row["strategy"] in NO_DEGREE else f"{row['strategy']} {row['degree']}{near}"


def describe_borrowed_random(row: Mapping[str, Any]) -> str:
    """A sentence where a row is compared with the random cells of another setting, else ''."""
    condition, lender = row["condition"].split(", "), row["random_condition"].split(", ")
    if condition == lender:
        return ""
    borrowed = [name for name in lender if name not in condition]
    missing = [name for name in condition if name not in lender]
    words = f"of {', '.join(borrowed)}" if borrowed else f"without {', '.join(missing)}"
    return f"This setting has no random cells; those {words} are used."


def format_difference(value: float) -> str:
    """A difference with its sign: '+0.003', '−0.015', '0.000'."""
    return "0.000" if abs(value) < 0.0005 else f"{value:+.3f}".replace("-", "−")


def format_level(outcome: str, value: float) -> str:
    """The outcome of a cell: a share without a sign ('0.515'), a bpb reduction with one ('+0.001')."""
    return f"{value:.3f}" if is_share(outcome) else format_difference(value)


def format_interval(row: Mapping[str, Any], low: str = "low", high: str = "high") -> str:
    """An interval: '−0.001 to 0.006'."""
    return " to ".join(format_difference(row[end]).replace("+", "") for end in (low, high))


def format_p(p: float) -> str:
    """'0.25', '0.0098' or '< 0.001'."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def is_cliff(row: Mapping[str, Any]) -> bool:
    """Whether only the least diverse degree is low: no straight line fits, and a step after it is not rejected.

    `row` of a study's `shapes`, whose degrees differ.
    """
    return bool(row.get("bend_p", 1.0) < ALPHA <= row.get("step_p", 0.0) and row["worst"] == 0)


def join_words(words: Sequence[str]) -> str:
    """'one', 'one and two', 'one, two and three'."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def start_sentence(words: str) -> str:
    """The words with a capital first letter."""
    return words[:1].upper() + words[1:]
