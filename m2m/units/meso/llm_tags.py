"""Parses the tags in an LLM's reply."""

import json
import re

FENCE = re.compile(r"\A```(?:json)?(.*)```\Z", re.DOTALL)
LONGEST_TAG = 80  # characters; what is longer is a sentence


def parse_tags(text: str, per_text: int) -> list[str]:
    """The first `per_text` tags of a JSON object {"tags": [...]}, in lower case, each once; ValueError: what is wrong.

    A code fence around the object is removed; any other text beside it is an error.

    >>> parse_tags('```json\\n{"tags": ["Unit  Conversion", "code", "code", "c", "d"]}\\n```', 3)
    ['unit conversion', 'code', 'c']
    >>> parse_tags('Sure! {"tags": ["code"]}', 3)
    Traceback (most recent call last):
    ValueError: it is no JSON
    >>> parse_tags('{"tags": [{"name": "code"}]}', 3)
    Traceback (most recent call last):
    ValueError: "tags" must be a list of strings
    """
    inner = FENCE.match(text.strip())
    try:
        record = json.loads(inner[1] if inner else text)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(record, dict) or set(record) != {"tags"}:
        raise ValueError('it must be a JSON object with the one key "tags"')
    if not isinstance(record["tags"], list) or not all(isinstance(tag, str) for tag in record["tags"]):
        raise ValueError('"tags" must be a list of strings')
    if any("\ud800" <= sign <= "\udfff" for tag in record["tags"] for sign in tag):
        raise ValueError("a tag holds half a character, a lone surrogate")
    tags = list(dict.fromkeys(" ".join(tag.lower().split()) for tag in record["tags"]))
    if not tags or "" in tags or any(len(tag) > LONGEST_TAG for tag in tags):
        raise ValueError(f"there must be a tag, and each of 1 to {LONGEST_TAG} characters")
    return tags[:per_text]
