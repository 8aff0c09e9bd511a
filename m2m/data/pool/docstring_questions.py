"""Sections of documented objects → natural instructions, each with the section as its response."""

from collections.abc import Iterable, Iterator
from zlib import crc32

import polars as pl

from m2m.data.pool.docstring_sections import Documented
from m2m.data.records.cleaning import ROW_COLUMNS

ASKED = {
    "description": ["What does {it} do?", "Explain {it}.", "What is {it} for?", "Describe what {it} does."],
    "parameters": [
        "Which parameters does {it} take?",
        "What can I pass to {it}?",
        "List the arguments of {it} and what each of them means.",
        "How do I call {it}? Describe its parameters.",
    ],
    "parameter": [
        "What does the parameter {part} of {it} mean?",
        "In {it}, what is {part} for?",
        "Explain the {part} argument of {it}.",
    ],
    "attributes": ["Which attributes does {it} have?", "What can I read from {it}?", "List the attributes of {it}."],
    "attribute": ["What does the attribute {part} of {it} hold?", "What is {part} in {it}?"],
    "returns": ["What does {it} return?", "What do I get back from {it}?", "Describe the return value of {it}."],
    "yields": ["What does {it} yield?", "What do I get when I iterate over {it}?"],
    "raises": ["Which errors can {it} raise?", "When does {it} fail, and how?", "What exceptions come from {it}?"],
    "examples": [
        "Show how to use {it}.",
        "Give me an example of {it}.",
        "How is {it} used in practice?",
        "I would like to see {it} in code.",
    ],
    "notes": [
        "What should I know about {it}?",
        "Are there any caveats when using {it}?",
        "Tell me more about the details of {it}.",
    ],
    "related": [
        "What is related to {it}?",
        "Which alternatives to {it} are there?",
        "What else should I look at beside {it}?",
    ],
}
DESCRIBED = {  # objects that do not 'do' anything
    "module": [
        "What is {it} about?",
        "What does the module {it} contain?",
        "Give an overview of {it}.",
        "Introduce {it}.",
    ],
    "class": ["What is {it}?", "What does the class {it} represent?", "Explain {it}.", "When would I use {it}?"],
    "property": ["What does {it} hold?", "What is {it}?", "What does the property {it} tell me?"],
}
ENTRY = {"parameters": "parameter", "attributes": "attribute"}


def pairs(thing: Documented, max_chars: int) -> Iterator[tuple[str, str]]:
    """(instruction, response) of each section of `thing`.

    A list of parameters or attributes longer than `max_chars` is asked for entry by entry, so that nothing is cut.
    """
    for section in thing.sections:
        if section.kind in ENTRY and len(section.text) > max_chars:
            for entry in section.parts:
                yield question(thing, ENTRY[section.kind], entry.split(":")[0].split(" (")[0]), entry
        else:
            yield question(thing, section.kind), section.text


def question(thing: Documented, kind: str, part: str = "") -> str:
    """One of several phrasings, always the same one for the same object, section and part."""
    phrasings = DESCRIBED.get(thing.kind, ASKED["description"]) if kind == "description" else ASKED[kind]
    chosen = crc32(f"{thing.name} {kind} {part}".encode()) % len(phrasings)
    return phrasings[chosen].format(it=thing.name, part=part)


def asked(things: Iterable[Documented], source: str, max_chars: int) -> pl.DataFrame:
    """`pairs` of every thing as rows: source, row, group (the object's name), instruction, response, reason (null)."""
    found = [(thing.name, *pair) for thing in things for pair in pairs(thing, max_chars)]
    rows = [(source, row, *columns, None) for row, columns in enumerate(found)]
    return pl.DataFrame(rows, schema=ROW_COLUMNS, orient="row")
