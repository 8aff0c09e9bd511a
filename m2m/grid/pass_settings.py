"""Cells whose strategy chose by a pass of the base model → those of one pass a strategy, and what is left out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from m2m.grid.collection_report import write_cell_count
from m2m.strategies import STRATEGIES

CellRow = Mapping[str, Any]  # experiment, provenance, strategy, prefilter and more
Passes = Mapping[str, Mapping[str, Any]]  # the settings of a pass, by the strategy that reads it


def keep_one_pass(
    rows: Sequence[CellRow], passes: Mapping[str, Passes], today: Passes
) -> tuple[list[CellRow], list[str]]:
    """The rows that one study may hold, and a sentence for each pass that is left out or is not today's.

    A study tells cells apart by provenance and the settings of `subset`, where those of a pass have no place: cells of
    two passes would pass for replicates. Of a provenance and strategy stay the cells of today's pass, else of the most
    frequent one, a strategy after the other, so that passes of two strategies that cross leave some. `passes` are those
    of each experiment, empty without one; `today` has every strategy of theirs.
    """
    remaining = list(rows)
    sentences = []
    for provenance, strategy in sorted(
        {(row["provenance"], name) for row in rows for name in passes[row["experiment"]]}
    ):
        experiments: dict[str, list[str]] = {}
        for row in remaining:
            if row["provenance"] == provenance and strategy in passes[row["experiment"]]:
                experiments.setdefault(_write_key(passes[row["experiment"]][strategy]), []).append(row["experiment"])
        for place, (key, names) in enumerate(_rank_passes(experiments, _write_key(today[strategy]))):
            text = _describe_pass(strategy, len(names), passes[names[0]][strategy], today[strategy])
            if place:
                remedy = (
                    f"set {STRATEGIES[strategy].base_pass} so in params.yaml to collect them in place of the others"
                )
                sentences.append(f"left out: {text}; {remedy}")
                remaining = [row for row in remaining if row["experiment"] not in names]
            elif key != _write_key(today[strategy]):
                sentences.append(text)
    return remaining, sentences


def _rank_passes(experiments: Mapping[str, list[str]], now: str) -> list[tuple[str, list[str]]]:
    """The cells of each pass: today's first, then those of the most frequent ones."""
    return sorted(experiments.items(), key=lambda item: (item[0] != now, -len(item[1]), item[0]))


def _describe_pass(strategy: str, count: int, settings: Mapping[str, Any], today: Mapping[str, Any]) -> str:
    names = [name for name in sorted({*settings, *today}) if settings.get(name) != today.get(name)]
    differences = ", ".join(f"{name} {settings.get(name)}, not {today.get(name)}" for name in names)
    stage = STRATEGIES[strategy].base_pass
    return (
        f"{write_cell_count(count)} of {strategy} by a pass with other settings of {stage} than today's ({differences})"
    )


def _write_key(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)
