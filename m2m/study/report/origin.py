"""What a study's cells share → its pool and its model in a few words."""

import re
import shlex
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

SOURCE_KIND = re.compile(r"--sources\.(.+)\.kind")


def describe_origin(commands: Mapping[str, str], base: Mapping[str, Any], rows: int | None = None) -> dict[str, str]:
    """The pool and the model in words, of `commands` by stage as `collect` recorded them; without them, nothing.

    `base` as in metrics/base.json, or empty: it says how large the model is, and whether it was instruction-tuned
    before. `rows` are the pool's.
    """
    origin = {}
    if "ingest" in commands:
        size = "" if rows is None else f", {rows:,} rows"
        origin["Pool"] = _describe_pool(_read_flags(commands["ingest"])) + size
    if "base" in commands:
        origin["Model"] = _describe_model(_read_flags(commands["base"])) + _describe_size(base) + _describe_tuning(base)
    return origin


def list_benchmarks(commands: Mapping[str, str]) -> list[str]:
    """The names of the benchmarks, of `commands` by stage as `collect` recorded them.

    >>> list_benchmarks({"benchmark": "--sources.b.kind files --sources.a.kind heldout"}), list_benchmarks({})
    (['a', 'b'], [])
    """
    flags = _read_flags(commands.get("benchmark", ""))
    return sorted(match[1] for name in flags if (match := SOURCE_KIND.fullmatch(name)))


def describe_days(days: Mapping[str, str]) -> str:
    """The days of the first and the last run, as `collect` recorded them.

    >>> describe_days({"first": "2026-11-24", "last": "2026-11-26"}), describe_days({})
    ('2026-11-24 to 2026-11-26', 'not recorded by the version that collected it')
    """
    ends = list(dict.fromkeys(filter(None, (days.get("first"), days.get("last")))))
    return " to ".join(ends) or "not recorded by the version that collected it"


def _read_flags(command: str) -> dict[str, str]:
    return {name: value for name, value in pairwise(shlex.split(command)) if name.startswith("--")}


def _describe_pool(flags: Mapping[str, str]) -> str:
    """'docstrings', 'mine (files)': each source, and its kind where the name does not say it."""
    kinds = {match[1]: kind for name, kind in flags.items() if (match := SOURCE_KIND.fullmatch(name))}
    return ", ".join(name if name == kind else f"{name} ({kind})" for name, kind in kinds.items())


def _describe_size(base: Mapping[str, Any]) -> str:
    """
    >>> _describe_size({"base_parameters": 2557632}), _describe_size({})
    (', 2.6 million parameters', '')
    """
    return f", {base['base_parameters'] / 1e6:,.1f} million parameters" if "base_parameters" in base else ""


def _describe_tuning(base: Mapping[str, Any]) -> str:
    """
    >>> _describe_tuning({"base_instruction_tuned": "yes: its name says Instruct"})
    ', instruction-tuned before (its name says Instruct)'
    """
    answer, _, reason = str(base.get("base_instruction_tuned", "")).partition(": ")
    words = {"yes": "instruction-tuned before", "perhaps": "perhaps instruction-tuned before"}
    return f", {words[answer]} ({reason})" if answer in words else ""


def _describe_model(flags: Mapping[str, str]) -> str:
    if flags["--name"] != "scratch":
        return flags["--name"]
    return f"small Llama trained from scratch ({flags['--layers']} layers, hidden size {flags['--hidden_size']})"
