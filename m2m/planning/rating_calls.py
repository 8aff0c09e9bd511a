"""Estimates the LLM calls of stage `rate`, apart from cost_model, which trainings import too."""

from m2m.llm_fields import list_llm_fields
from m2m.planning.cost_model import DataSize, LlmCalls, Settings

RATING_PROMPT_TOKENS = {"llm_complexity": 190, "llm_quality": 190}  # of our templates: 4/3 of their words
RATING_REPLY_TOKENS = 2


def estimate_rating_calls(settings: Settings, data: DataSize) -> dict[str, LlmCalls]:
    """One call a row for each score that `subset.quality` names, once for the whole grid; empty where none runs."""
    names = list_llm_fields(settings["subset"]["quality"]) if settings["rate"]["engine"] != "none" else []
    if not names:
        return {}
    row_tokens = {"llm_complexity": data.instruction_tokens, "llm_quality": data.tokens_per_row}
    prompt = sum(RATING_PROMPT_TOKENS[name] + row_tokens[name] for name in names)
    count, reply = len(names) * data.rows, min(RATING_REPLY_TOKENS, settings["rate"]["reply_tokens"])
    return {"rate": LlmCalls(count, data.rows * prompt, count * reply)}
