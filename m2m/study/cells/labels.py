"""Settings and intervals of a study → the words that all its texts and figures use for them."""

from collections.abc import Mapping
from typing import Any

from m2m.study.cells.cells import NO_DEGREE
from m2m.study.cells.rows import StudyRow

CONFIGURATION = ("strategy", "match", "degree")  # what cells that differ by their seed alone agree in, within a setting
ALPHA = 0.05  # two-sided, after Holm
UNDER = ("budget", "min_tokens", "max_tokens", "weights", "slack")  # what cells of a setting share beside the size


def select_rows(rows: list[StudyRow], where: StudyRow) -> list[StudyRow]:
    """The rows that agree with `where`."""
    return [row for row in rows if all(row.get(name) == value for name, value in where.items())]


def name_setting(setting: StudyRow) -> str:
    """A setting as a person calls it: '500 rows', '40000 tokens'."""
    return f"{setting['size']} {setting['budget']}"


def label_setting(setting: StudyRow, settings: list[StudyRow]) -> str:
    """A setting's name, and what not all of `settings` share: '500 rows, 50..200 tokens each'."""
    parts = setting["condition"].split(", ")[1:]
    shared = set.intersection(*(set(other["condition"].split(", ")) for other in settings))
    return ", ".join([name_setting(setting), *[part for part in parts if part not in shared]])


def describe_setting(setting: StudyRow) -> str:
    """A setting's name and its whole condition: '500 rows, any length, uniform weights, slack 1.5'."""
    return ", ".join([name_setting(setting), *setting["condition"].split(", ")[1:]])


def name_configuration(row: Mapping[str, Any]) -> str:
    """A kind of cell: 'k-center', 'response-micro at degree 6', 'random with the lengths of …'."""
    if row["strategy"] == "stratified-length":
        return f"random with the lengths of {row['match']} at degree {row['degree']}"
    return str(row["strategy"]) if row["strategy"] in NO_DEGREE else f"{row['strategy']} at degree {row['degree']}"


def describe_borrowed_random(row: StudyRow) -> str:
    """' (random rows of any length; …)' where a row is compared with the random cells of another setting, else ''."""
    own = row["condition"].split(", ")
    other = [part for part in row["random_condition"].split(", ") if part not in own]
    return f" (random rows of {', '.join(other)}; no random of this setting was run)" if other else ""


def format_interval(row: StudyRow, low: str = "low", high: str = "high") -> str:
    """An interval, signs and all: '+0.0012 to +0.0093'."""
    return f"{row[low]:+.4f} to {row[high]:+.4f}"


def join_words(words: list[str]) -> str:
    """'one', 'one and two', 'one, two and three'."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
