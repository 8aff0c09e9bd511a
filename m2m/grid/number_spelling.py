"""One spelling for equal numbers: 0 and 0.0 are one value to DVC, but two texts in JSON, and so two hashes."""

from collections.abc import Mapping
from typing import Any

FRACTIONS = {  # settings that the shipped files write with a decimal point; whole numbers of all others have none
    "slack",
    "peel_noise",
    "quality_share",
    "prefilter_share",
    "temperature",
    "learning_rate",
    "lora_dropout",
    "warmup_share",
    "max_lost_share",
    "repetition_penalty",
    "max_failed_share",
}


def spell_numbers(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, and those of inner blocks, with each number as the shipped files would spell it.

    >>> spell_numbers({"slack": 2, "size": 500, "endpoint": {"timeout": 600.0, "max_failed_share": 0}})
    {'slack': 2.0, 'size': 500, 'endpoint': {'timeout': 600, 'max_failed_share': 0.0}}
    """
    return {name: _spell(name, value) for name, value in settings.items()}


def _spell(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return spell_numbers(value)
    if isinstance(value, int) and not isinstance(value, bool) and name in FRACTIONS:
        return float(value)
    return int(value) if isinstance(value, float) and value.is_integer() and name not in FRACTIONS else value
