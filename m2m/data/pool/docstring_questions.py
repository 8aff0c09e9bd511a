"""Sections of documented objects → natural instructions, each with the section as its response."""

from collections.abc import Iterable, Iterator
from zlib import crc32

import polars as pl

from m2m.data.pool.docstring_sections import Documented
from m2m.data.records.cleaning import tabulate_texts

SECTION_QUESTIONS = {
    "description": ["What does {it} do?", "Explain {it}.", "What is {it} for?", "Describe what {it} does."],
    "parameters": [
        "Which parameters does {it} take?",
        "What can I pass to {it}?",
        "List the arguments of {it} and what each of them means.",
        "How do I call {it}? Describe its parameters.",
    ],
    "parameter": [
        "What does the parameter {entry} of {it} mean?",
        "In {it}, what is {entry} for?",
        "Explain the {entry} argument of {it}.",
    ],
    "attributes": ["Which attributes does {it} have?", "What can I read from {it}?", "List the attributes of {it}."],
    "attribute": ["What does the attribute {entry} of {it} hold?", "What is {entry} in {it}?"],
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
DESCRIPTION_QUESTIONS = {  # objects that do not 'do' anything
    "module": [
        "What is {it} about?",
        "What does the module {it} contain?",
        "Give an overview of {it}.",
        "Introduce {it}.",
    ],
    "class": ["What is {it}?", "What does the class {it} represent?", "Explain {it}.", "When would I use {it}?"],
    "property": ["What does {it} hold?", "What is {it}?", "What does the property {it} tell me?"],
}
ENTRY_KINDS = {"parameters": "parameter", "attributes": "attribute"}


def make_pairs(documented: Documented, max_chars: int | None) -> Iterator[tuple[str, str]]:
    """(instruction, response) of each section of `documented`.

    A list of parameters or attributes longer than `max_chars` is asked for entry by entry, so that nothing is cut.
    """
    for section in documented.sections:
        if section.kind in ENTRY_KINDS and max_chars is not None and len(section.text) > max_chars:
            for entry in section.entries:
                yield pick_question(documented, ENTRY_KINDS[section.kind], entry.split(":")[0].split(" (")[0]), entry
        else:
            yield pick_question(documented, section.kind), section.text


def pick_question(documented: Documented, kind: str, entry: str = "") -> str:
    """One of several phrasings, always the same one for the same object, section and part."""
    phrasings = (
        DESCRIPTION_QUESTIONS.get(documented.kind, SECTION_QUESTIONS["description"])
        if kind == "description"
        else SECTION_QUESTIONS[kind]
    )
    index = crc32(f"{documented.name} {kind} {entry}".encode()) % len(phrasings)
    return phrasings[index].format(it=documented.name, entry=entry)


def tabulate_pairs(objects: Iterable[Documented], source: str, max_chars: int | None) -> pl.DataFrame:
    """`make_pairs` of every object as rows: group is the object's name, reason is null."""
    rows = [(documented.name, *pair) for documented in objects for pair in make_pairs(documented, max_chars)]
    return tabulate_texts([(source, row, 0, *columns, None) for row, columns in enumerate(rows)])
