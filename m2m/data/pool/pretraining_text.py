"""Documented objects → the base model's text, which shares no object and no text with what the pool is made of."""

import hashlib
import re
from collections.abc import Iterable, Set

import polars as pl

from m2m.data.pool.docstring_sections import LIST_KINDS, Documented, Section
from m2m.data.records.hash_split import draw_uniform

CLAUSE = re.compile(r"(?<=[.!?:;])\s+|\n")
WORD = re.compile(r"\w+")


def divide_objects(
    objects: Iterable[Documented], docstrings: Iterable[str], share: float, seed: int
) -> tuple[list[Documented], list[Documented]]:
    """`objects` for the corpus, about `share` of them by the hash of their docstring, and for the pool."""
    sides: tuple[list[Documented], list[Documented]] = [], []
    for documented, text in zip(objects, docstrings, strict=True):
        sides[draw_uniform(" ".join(text.casefold().split()), "corpus", seed) >= share].append(documented)
    return sides


def build_corpus(objects: Iterable[Documented], elsewhere: Set[str]) -> pl.DataFrame:
    """One row an object that has text of its own, sorted by id (16 hex digits of the text's SHA-256): id, text."""
    texts = {format_prose(documented, elsewhere) for documented in objects} - {""}
    rows = sorted((hashlib.sha256(text.encode()).hexdigest()[:16], text) for text in texts)
    return pl.DataFrame(rows, schema={"id": pl.String, "text": pl.String}, orient="row")


def format_prose(documented: Documented, elsewhere: Set[str]) -> str:
    """`documented` as plain text, without the entries that share text with `elsewhere`; empty when all of them do."""
    unshared = [
        (section.kind, tuple(text for text in section.entries if elsewhere.isdisjoint(extract_clauses(text))))
        for section in documented.sections
    ]
    titled = [_titled(Section(kind, entries)) for kind, entries in unshared if entries]
    return "\n\n".join([documented.name, *titled]) if titled else ""


def collect_clauses(objects: Iterable[Documented]) -> set[str]:
    """`extract_clauses` of every paragraph and list entry of `objects`."""
    return {
        text
        for documented in objects
        for section in documented.sections
        for entry in section.entries
        for text in extract_clauses(entry)
    }


def extract_clauses(text: str) -> set[str]:
    """What two parts have in common when they share text: the whole, or a clause of 40 characters and more.

    A clause ends at a line's end, or where a full stop, colon or the like comes before a space. Only letters and
    digits count, and not their case.

    >>> sorted(extract_clauses("- x (int): A clause that is long enough to count alone."))
    ['a clause that is long enough to count alone', 'x int a clause that is long enough to count alone']
    """
    clauses = [" ".join(WORD.findall(clause)) for clause in CLAUSE.split(text.casefold())]
    return {" ".join(clause for clause in clauses if clause)} | {clause for clause in clauses if len(clause) >= 40}


def _titled(section: Section) -> str:
    if section.kind not in LIST_KINDS:
        return section.text
    return f"{section.kind.title()}:\n" + "\n".join(f"- {entry}" for entry in section.entries)
