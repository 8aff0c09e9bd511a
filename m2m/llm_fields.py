"""The scores of rows that an LLM gives, by the names under which `subset.quality` may ask for them."""

LLM_FIELDS = {"llm_complexity": "data/ratings/complexity.parquet", "llm_quality": "data/ratings/quality.parquet"}
"""the name of each score, and the table that stage `rate` writes"""


def list_llm_fields(quality: str | None) -> list[str]:
    """The LLM's scores among the factors of `subset.quality`.

    >>> list_llm_fields("llm_quality * my_score"), list_llm_fields("quality"), list_llm_fields(None)
    (['llm_quality'], [], [])
    """
    return [name for factor in (quality or "").split("*") if (name := factor.strip()) in LLM_FIELDS]


def explain_unrated(quality: str | None, engine: str) -> str:
    """Why there is no score by an LLM that `subset.quality` names, and what to set; empty where nothing is wrong."""
    fields = list_llm_fields(quality)
    if not fields or engine != "none":
        return ""
    return (
        f"subset.quality names {fields[0]}, a score by an LLM, and rate.engine is none: set it to endpoint or local, "
        "or name a field of your records."
    )
