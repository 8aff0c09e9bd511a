"""The numbers of `plan` → lines for reading, each with what it rests on."""

from collections.abc import Mapping

from m2m.planning.cost_model import TAG_REPLY_TOKENS, VERDICT_REPLY_TOKENS, DataSize, LlmCalls

PREFIXES = {1e15: "P", 1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k"}


def format_costs(costs: Mapping[str, float], calls: Mapping[str, LlmCalls], facts: DataSize, gpu: str) -> list[str]:
    """`gpu` says whose hours these are and how much of it is reached."""
    opponents = int(costs["trainings"] - costs["cells"])
    fit = f"weights, gradients and Adam hold {_short(costs['training_bytes'])}B: {costs['least_gpus']:.0f} or more GPUs"
    lines = {
        "trainings": f"{costs['trainings']:.0f}: one a cell, and {opponents} opponent{'s'[: opponents != 1]}",
        "training": f"{_short(costs['training_tokens'])} tokens, {_short(costs['tokens_a_training'])} each; "
        f"{_hours(costs['training_hours'])} at {_short(costs['tokens_a_second'])} tokens/s; {fit}",
        "answers": f"{costs['answers']:,.0f}, to {sum(facts.prompts.values()):,} prompts "
        f"({', '.join(f'{name} {count:,}' for name, count in facts.prompts.items())}); "
        f"{_hours(costs['answering_hours'])} by memory traffic alone",
        "hours of": gpu,
        "checkpoints": f"{_short(costs['checkpoints_bytes'])}B, {_short(costs['checkpoint_bytes'])}B each",
        "vectors and tokens": f"{_short(costs['vectors_bytes'])}B and {_short(costs['token_bytes'])}B",
    }
    for name, one in calls.items():
        lines[f"LLM calls, {name}"] = (
            f"{one.calls:,.0f}; {_short(one.read)} tokens read, {_short(one.written)} written; its GPU is not counted"
        )
    lines["taken for granted"] = (
        "rows of a subset are as long as the pool's, answers as long as its responses; 6 operations a token and "
        "trained parameter, 4 a frozen one, attention's own left out; a token of an answer reads all weights once a "
        "batch, prompts and references are read for nothing; "
        f"{TAG_REPLY_TOKENS} tokens name tags, {VERDICT_REPLY_TOKENS} reason before a verdict"
    )
    return format_table(lines)


def format_table(lines: Mapping[str, str]) -> list[str]:
    """Two columns.

    >>> table({"cells": "3", "trainings": "4"})
    ['cells                   3', 'trainings               4']
    """
    return [f"{name:<24}{told}" for name, told in lines.items()]


def _hours(hours: float) -> str:
    """
    >>> _hours(12.34), _hours(0.05), _hours(0.001)
    ('12.3 GPU-hours', '3.0 GPU-minutes', 'under a GPU-minute')
    """
    if hours * 60 < 1:
        return "under a GPU-minute"
    return f"{hours:,.1f} GPU-hours" if hours >= 0.1 else f"{hours * 60:.1f} GPU-minutes"


def _short(number: float) -> str:
    """
    >>> _short(117_000_000_000), _short(1234), _short(12)
    ('117 G', '1.23 k', '12 ')
    """
    size, prefix = next(((size, prefix) for size, prefix in PREFIXES.items() if number >= size), (1.0, ""))
    return f"{number / size:.3g} {prefix}"
