"""Pool and an LLM's reply to each row → pairs with new responses, and the rows without one, each with its reason."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

LONGEST_PERIOD = 60  # words of a repeated passage
ROUNDS = 4  # repetitions in a row that make a loop; a chorus or a table row repeats less often
CHARACTERS = 20  # at most, per word, in a text that separates words by blanks
LOOP_WORDS = 24  # at least: "very very very very" is not a loop

# how chat models begin a refusal; later in a text the same words mostly belong to an answer
CANNOT = r"\b(?:can['’]?t|cannot|can not|unable|not able|won['’]?t|will not|don['’]?t|do not)\b"
NO = r"\b(?:can['’]?t|cannot|can not|won['’]?t|will not)\b"  # "I don't answer emails after six" is an answer
SORRY = r"(?:(?:i['’]?m|i am|we['’]re) (?:very |so |really )?sorry|sorry|i apologi[sz]e|my apologies)\b"
VERBS = r"(?:help|assist|answer|provide|create|write|generate|fulfil|comply|engage|support|do that)"
MODEL = r"as an? (?:ai|artificial intelligence|(?:large )?language model)\b"
REFUSAL = re.compile(
    rf"\W*(?:{SORRY}[^.!?\n]{{0,40}}?{CANNOT}|(?:i['’]?m|i am) (?:unable|not able)\b|i {NO} {VERBS}\b(?! but\b)"
    rf"|{MODEL}[^.!?\n]{{0,80}}?{CANNOT})",
    re.IGNORECASE,
)


class RowReply(NamedTuple):
    """An LLM's reply to one row."""

    text: str
    finish: str  # why the server ended the reply
    error: str  # why there is no reply; empty if there is one


def replace_responses(pool: pl.DataFrame, replies: Sequence[RowReply]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`pool` with `response` new and `original` the pool's own; and id, reason, text of the rows without one."""
    reasons = [reply.error or explain_unusable(reply.text, reply.finish) for reply in replies]
    texts = pl.Series("text", [reply.text.strip() for reply in replies], dtype=pl.String)
    table = pool.with_columns(texts, pl.Series("reason", reasons, dtype=pl.String))
    usable = table.filter(pl.col("reason") == "")
    pairs = usable.with_columns(original="response", response="text").drop("text", "reason")
    return pairs, table.filter(pl.col("reason") != "").select("id", "reason", "text")


def require_responses(rows: int, reasons: Counter[str]) -> None:
    """ValueError when no row has a response: why the others have none, with the remedy."""
    if rows == 0:
        raise ValueError(f"no row got a usable response: {summarize_reasons(reasons)}. Check the model and the prompt.")


def summarize_reasons(reasons: Counter[str]) -> str:
    """Reasons and how often, the most frequent first.

    >>> summarize_reasons(Counter(["empty", "refused", "refused"]))
    '2 refused, 1 empty'
    """
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {reason}" for reason, count in ordered)


def explain_unusable(text: str, finish: str) -> str:
    """The reason why `text` is no usable response, or "". `finish` is the server's reason for the end of the text.

    >>> explain_unusable("  ", "stop"), explain_unusable("Paris, which", "length")
    ('empty', 'truncated')
    >>> explain_unusable("I'm sorry, but I can't do that.", "stop")
    'refused'
    >>> explain_unusable("no, " * 30, "stop"), explain_unusable("It is sorry work, and I can't say why.", "stop")
    ('repeats itself', '')
    """
    if not text.strip():
        return "filtered by the server" if finish == "content_filter" else "empty"
    if text.lstrip().startswith("<think>"):
        return "thinks aloud"  # the server must part reasoning and answer
    if REFUSAL.match(text):
        return "refused"
    if is_repetitive(text):
        return "repeats itself"
    return {"length": "truncated", "content_filter": "filtered by the server"}.get(finish, "")


def is_repetitive(text: str) -> bool:
    """Whether a passage of up to 60 words follows itself four times and more, over 24 words and more.

    Where a text has next to no blanks, as in Chinese, Japanese or Thai, a letter counts for a word.
    """
    names: dict[str, int] = {}
    words = text.split()
    tokens = words if len(words) * CHARACTERS > len(text) else filter(str.isalpha, text)
    codes = np.array([names.setdefault(token, len(names)) for token in tokens], dtype=np.int32)
    return any(_follows(codes, period) for period in range(1, min(LONGEST_PERIOD, len(codes) // ROUNDS) + 1))


def _follows(codes: np.ndarray, period: int) -> bool:
    """Whether some passage of `period` words follows itself for as long as a loop is."""
    equal, needed = codes[period:] == codes[:-period], max(ROUNDS * period, LOOP_WORDS) - period
    return int(equal.sum()) >= needed and _longest_run(equal) >= needed


def _longest_run(flags: np.ndarray) -> int:
    """The most True in a row."""
    ends = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int((ends[1::2] - ends[::2]).max(initial=0))
