"""Tells why what an LLM wrote is no response to train on: empty, refused, cut, or going round in circles."""

import re

import numpy as np

LONGEST_PERIOD = 60  # words of a passage that is said again
ROUNDS = 4  # so many times in a row it is a loop; a chorus or a table row is said less often
CHARACTERS = 20  # a word where the text has blanks, at most in the mean
LOOP_WORDS = 24  # and so many words at least: "very very very very" is none

# what chat models say first when they decline; later in a text the same words are mostly part of an answer
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


def unusable(text: str, finish: str) -> str:
    """The reason, or "" for a text that is a response. `finish` is the server's: length where it cut the text.

    >>> unusable("  ", "stop"), unusable("Paris, which", "length"), unusable("I'm sorry, but I can't do that.", "stop")
    ('empty', 'truncated', 'refused')
    >>> unusable("no, " * 30, "stop"), unusable("It is sorry work, and I can't say why.", "stop")
    ('repeats itself', '')
    """
    if not text.strip():
        return "filtered by the server" if finish == "content_filter" else "empty"
    if text.lstrip().startswith("<think>"):
        return "thinks aloud"  # the server must part reasoning and answer
    if REFUSAL.match(text):
        return "refused"
    if loops(text):
        return "repeats itself"
    return {"length": "truncated", "content_filter": "filtered by the server"}.get(finish, "")


def loops(text: str) -> bool:
    """Whether a passage of up to 60 words follows itself four times and more, over 24 words and more.

    Where a text has next to no blanks, as in Chinese, Japanese or Thai, a letter counts for a word.
    """
    names: dict[str, int] = {}
    words = text.split()
    parts = words if len(words) * CHARACTERS > len(text) else filter(str.isalpha, text)
    codes = np.array([names.setdefault(part, len(names)) for part in parts], dtype=np.int32)
    return any(_follows(codes, period) for period in range(1, min(LONGEST_PERIOD, len(codes) // ROUNDS) + 1))


def _follows(codes: np.ndarray, period: int) -> bool:
    """Whether some passage of `period` words follows itself for as long as a loop is."""
    same, needed = codes[period:] == codes[:-period], max(ROUNDS * period, LOOP_WORDS) - period
    return int(same.sum()) >= needed and _longest_run(same) >= needed


def _longest_run(same: np.ndarray) -> int:
    """The most True in a row."""
    ends = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8)))
    return int((ends[1::2] - ends[::2]).max(initial=0))
