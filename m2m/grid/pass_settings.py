"""Cells whose strategy chose by a pass of the base model → those of one pass a strategy, and what is left out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from m2m.grid.provenance import find_reader
from m2m.strategies import STRATEGIES

CellRow = Mapping[str, Any]  # experiment, provenance, strategy, prefilter and more
Blocks = Mapping[str, Mapping[str, Any]]  # settings of a pass, by experiment, or by the strategy that reads it


def keep_one_pass(rows: Sequence[CellRow], blocks: Blocks, today: Blocks) -> tuple[list[CellRow], list[str]]:
    """The rows that one study may hold, and a sentence for each pass that is left out or is not today's.

    A study tells cells apart by provenance and the settings of `subset`, where those of a pass have no place: cells of
    two passes would pass for replicates. Of a provenance and strategy stay the cells of today's pass, else of the most
    frequent one. `blocks` are the settings of each experiment's pass, empty without one; `today` those by strategy.
    """
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in rows:
        if block := blocks[row["experiment"]]:
            passes = groups.setdefault((row["provenance"], find_reader(row)), {})
            passes.setdefault(_write_key(block), []).append(row["experiment"])
    omitted: set[str] = set()
    sentences = []
    for (_, strategy), passes in sorted(groups.items()):
        (kept, names), *others = _rank_passes(passes, _write_key(today[strategy]))
        if kept != _write_key(today[strategy]):
            sentences.append(_describe_pass(strategy, len(names), blocks[names[0]], today[strategy]))
        for _, names in others:
            text = _describe_pass(strategy, len(names), blocks[names[0]], today[strategy])
            remedy = f"set {STRATEGIES[strategy].base_pass} so in params.yaml to collect them in place of the others"
            sentences.append(f"left out: {text}; {remedy}")
            omitted |= set(names)
    return [row for row in rows if row["experiment"] not in omitted], sentences


def _rank_passes(passes: Mapping[str, list[str]], now: str) -> list[tuple[str, list[str]]]:
    """The cells of each pass: today's first, then those of the most frequent ones."""
    return sorted(passes.items(), key=lambda item: (item[0] != now, -len(item[1]), item[0]))


def _describe_pass(strategy: str, count: int, block: Mapping[str, Any], today: Mapping[str, Any]) -> str:
    names = [name for name in sorted({*block, *today}) if block.get(name) != today.get(name)]
    differences = ", ".join(f"{name} {block.get(name)}, not {today.get(name)}" for name in names)
    stage = STRATEGIES[strategy].base_pass
    return f"{count} cells of {strategy} by a pass with other settings of {stage} than today's ({differences})"


def _write_key(block: Mapping[str, Any]) -> str:
    return json.dumps(block, sort_keys=True)
