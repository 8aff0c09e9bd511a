"""Formats the estimates of cost_model as lines, with their assumptions."""

from collections.abc import Mapping

from m2m.planning.cost_model import TAG_REPLY_TOKENS, VERDICT_REPLY_TOKENS, DataSize, LlmCalls

PREFIXES = {1e15: "P", 1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k"}


def format_costs(costs: Mapping[str, float], calls: Mapping[str, LlmCalls], data: DataSize, gpu: str) -> list[str]:
    """`gpu` describes the GPU whose hours are counted, and the share of its peak that is reached."""
    opponents = int(costs["trainings"] - costs["cells"])
    memory = f"weights, gradients and Adam take {_short(costs['training_bytes'])}B"
    size = f"{memory}: {costs['least_gpus']:.0f} or more GPUs"
    lines = {
        "trainings": f"{costs['trainings']:.0f}: one per cell, and {opponents} opponent{'s'[: opponents != 1]}",
        "training": f"{_short(costs['training_tokens'])} tokens, {_short(costs['tokens_a_training'])} each; "
        f"{_hours(costs['training_hours'])} at {_short(costs['tokens_a_second'])} tokens/s; {size}",
        "answers": f"{costs['answers']:,.0f}, to {sum(data.prompts.values()):,} prompts "
        f"({', '.join(f'{name} {count:,}' for name, count in data.prompts.items())}); "
        f"{_hours(costs['answering_hours'])} (lower bound by memory traffic)",
        "GPU": gpu,
        "checkpoints": f"{_short(costs['checkpoints_bytes'])}B, {_short(costs['checkpoint_bytes'])}B each",
        "vectors and tokens": f"{_short(costs['vectors_bytes'])}B and {_short(costs['token_bytes'])}B",
    }
    for name, call in calls.items():
        lines[f"LLM calls, {name}"] = (
            f"{call.calls:,.0f}; {_short(call.prompt_tokens)} prompt tokens, {_short(call.reply_tokens)} reply tokens; "
            "the LLM's GPU is not counted"
        )
    lines["assumptions"] = (
        "Rows of a subset are as long as the pool's, answers as long as its responses. A token takes 6 operations per "
        "trained parameter and 4 per frozen one. Attention's product, prompts and references are not counted. "
        f"A list of tags has {TAG_REPLY_TOKENS} tokens, a verdict with its reasoning {VERDICT_REPLY_TOKENS}."
    )
    return format_table(lines)


def format_table(lines: Mapping[str, str]) -> list[str]:
    """Lines of two columns.

    >>> format_table({"cells": "3", "trainings": "4"})
    ['cells                   3', 'trainings               4']
    """
    return [f"{name:<24}{text}" for name, text in lines.items()]


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
