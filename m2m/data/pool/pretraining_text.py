"""Documented objects → the base model's text, which shares no object and no text with what the pool is made of."""

import hashlib
import re
from collections.abc import Iterable, Set

import polars as pl

from m2m.data.pool.docstring_sections import LIST_KINDS, Documented, Section
from m2m.data.records.hash_split import draw_uniform

CLAUSE = re.compile(r"(?<=[.!?:;])\s+|\n")
WORD = re.compile(r"\w+")


def divided(
    things: Iterable[Documented], docstrings: Iterable[str], share: float, seed: int
) -> tuple[list[Documented], list[Documented]]:
    """`things` for the corpus and for the pool: about `share` of them to the corpus, by the hash of their docstring."""
    sides: tuple[list[Documented], list[Documented]] = [], []
    for thing, text in zip(things, docstrings, strict=True):
        sides[draw_uniform(" ".join(text.casefold().split()), "corpus", seed) >= share].append(thing)
    return sides


def corpus(things: Iterable[Documented], elsewhere: Set[str]) -> pl.DataFrame:
    """One row a thing that has text of its own, sorted by id (16 hex digits of the text's SHA-256): id, text."""
    found = {prose(thing, elsewhere) for thing in things} - {""}
    rows = sorted((hashlib.sha256(text.encode()).hexdigest()[:16], text) for text in found)
    return pl.DataFrame(rows, schema={"id": pl.String, "text": pl.String}, orient="row")


def prose(thing: Documented, elsewhere: Set[str]) -> str:
    """`thing` as plain text, without the parts that share text with `elsewhere`; empty when all of them do."""
    own = [(one.kind, tuple(part for part in one.parts if elsewhere.isdisjoint(texts(part)))) for one in thing.sections]
    titled = [_titled(Section(kind, parts)) for kind, parts in own if parts]
    return "\n\n".join([thing.name, *titled]) if titled else ""


def texts_of(things: Iterable[Documented]) -> set[str]:
    """`texts` of every paragraph and list entry of `things`."""
    return {text for thing in things for section in thing.sections for part in section.parts for text in texts(part)}


def texts(part: str) -> set[str]:
    """What two parts have in common when they share text: the whole, or a clause of 40 characters and more.

    A clause ends at a line's end, or where a full stop, colon or the like comes before a space. Only letters and
    digits count, and not their case.

    >>> sorted(texts("- x (int): A clause that is long enough to count alone."))
    ['a clause that is long enough to count alone', 'x int a clause that is long enough to count alone']
    """
    clauses = [" ".join(WORD.findall(clause)) for clause in CLAUSE.split(part.casefold())]
    return {" ".join(clause for clause in clauses if clause)} | {clause for clause in clauses if len(clause) >= 40}


def _titled(section: Section) -> str:
    if section.kind not in LIST_KINDS:
        return section.text
    return f"{section.kind.title()}:\n" + "\n".join(f"- {part}" for part in section.parts)
