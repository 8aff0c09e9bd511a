"""Formats the estimates of cost_model as lines, with their assumptions."""

from collections.abc import Mapping
from typing import NamedTuple

from m2m.planning.cost_model import TAG_REPLY_TOKENS, VERDICT_REPLY_TOKENS, DataSize, LlmCalls
from m2m.planning.rating_calls import RATING_REPLY_TOKENS

PREFIXES = {1e15: "P", 1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k"}


class Prices(NamedTuple):
    """What is paid, in any currency; None where no price is known."""

    hour: float | None  # an hour of the device
    million_tokens: float | None  # a million tokens of the LLM, read or written


def format_work(work: Mapping[str, float], data: DataSize) -> dict[str, str]:
    """What has to be done, whatever the model; `work` as from `count_work`."""
    opponents = int(work["trainings"] - work["cells"])
    prompts = ", ".join(f"{name} {count:,}" for name, count in data.prompts.items())
    base = {"base training": f"{_short(work['base_tokens'])} tokens, once"} if work["base_tokens"] else {}
    return {
        "trainings": f"{work['trainings']:.0f}: one per cell, and {opponents} opponent{'s'[: opponents != 1]}",
        "training": f"{_short(work['training_tokens'])} tokens, {_short(work['tokens_a_training'])} each",
        **base,
        "answers": f"{work['answers']:,.0f}, to {sum(data.prompts.values()):,} prompts ({prompts})",
        "vectors and tokens": f"{_short(work['vectors_bytes'])}B and {_short(work['token_bytes'])}B",
    }


def format_hours(hours: Mapping[str, float], device: str) -> dict[str, str]:
    """The hours on `device`, 'GPU' or 'CPU', and what the model takes; `hours` as from `estimate_hours`."""
    memory = f"weights, gradients and Adam take {_short(hours['training_bytes'])}B"
    fit = f": {hours['least_gpus']:.0f} or more GPUs" if device == "GPU" else ""
    stages = {"training": "training_hours", "base": "base_hours", "answers, a lower bound": "answering_hours"}
    texts = ", ".join(f"{name} {_format_hours(hours[key], device)}" for name, key in stages.items() if hours[key])
    return {
        "hours": f"{_format_hours(hours['hours'], device)}: {texts}",
        "speed": f"{_short(hours['tokens_a_second'])} tokens/s in training; {memory}{fit}",
        "checkpoints": f"{_short(hours['checkpoints_bytes'])}B, {_short(hours['checkpoint_bytes'])}B each",
    }


def format_calls(calls: Mapping[str, LlmCalls]) -> dict[str, str]:
    """A line a stage or protocol that asks an LLM, or one that says that none does."""
    lines = {
        f"LLM calls, {name}": f"{call.calls:,.0f}; {_short(call.prompt_tokens)} prompt tokens, "
        f"{_short(call.reply_tokens)} reply tokens"
        for name, call in calls.items()
    }
    return lines or {"LLM calls": "none"}


def format_total(hours: float | None, calls: Mapping[str, LlmCalls], prices: Prices, device: str) -> dict[str, str]:
    """Hours, LLM tokens and money in one line; what has no price, or no known size, is named."""
    tokens = sum(call.prompt_tokens + call.reply_tokens for call in calls.values())
    amounts = ["hours unknown (the model's size is not known)" if hours is None else _format_hours(hours, device)]
    amounts += [
        f"{sum(call.calls for call in calls.values()):,.0f} LLM calls with {_short(tokens).rstrip()} tokens"
    ] * bool(calls)
    money = [hours * prices.hour] if hours is not None and prices.hour is not None else []
    money += [tokens / 1e6 * prices.million_tokens] if calls and prices.million_tokens is not None else []
    unpriced = ["the hours"] * (prices.hour is None or hours is None)
    unpriced += ["the LLM"] * (bool(calls) and prices.million_tokens is None)
    cost = f"; {sum(money):,.2f} in the currency of the prices" if money else ""
    return {"total": ", ".join(amounts) + cost + (f", without {' and '.join(unpriced)}" if money and unpriced else "")}


def list_assumptions() -> dict[str, str]:
    """What the estimates rest on."""
    return {
        "assumptions": (
            "Rows of a subset are as long as the pool's, answers as long as its responses. A token takes 6 operations "
            "per trained parameter and 4 per frozen one. Attention's product, prompts, references, passes of the base "
            "model over the pool (difficulty, represent, gradients) and the LLM's own GPU are not counted. A list of "
            f"tags has {TAG_REPLY_TOKENS} tokens, a score {RATING_REPLY_TOKENS}, and a verdict with its reasoning "
            f"{VERDICT_REPLY_TOKENS}."
        )
    }


def format_table(lines: Mapping[str, str]) -> list[str]:
    """Lines of two columns.

    >>> format_table({"cells": "3", "trainings": "4"})
    ['cells                   3', 'trainings               4']
    """
    return [f"{name:<24}{text}" for name, text in lines.items()]


def _format_hours(hours: float, device: str) -> str:
    """
    >>> _format_hours(12.34, "GPU"), _format_hours(0.05, "CPU"), _format_hours(0.001, "GPU")
    ('12.3 GPU-hours', '3.0 CPU-minutes', 'under a GPU-minute')
    """
    if hours * 60 < 1:
        return f"under a {device}-minute"
    return f"{hours:,.1f} {device}-hours" if hours >= 0.1 else f"{hours * 60:.1f} {device}-minutes"


def _short(number: float) -> str:
    """
    >>> _short(117_000_000_000), _short(1234), _short(12)
    ('117 G', '1.23 k', '12 ')
    """
    size, prefix = next(((size, prefix) for size, prefix in PREFIXES.items() if number >= size), (1.0, ""))
    return f"{number / size:.3g} {prefix}"
