"""A docstring → its sections (description, parameters, returns, examples …) as plain, readable text."""

import re
from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

from docstring_parser import Docstring, ParseError, google, numpydoc, rest
from docstring_parser.common import (
    DocstringExample,
    DocstringMeta,
    DocstringParam,
    DocstringRaises,
    DocstringReturns,
)

SECTION_KINDS = {  # the parser's word → ours; citations and what is not named here are left out
    **dict.fromkeys(["param", "parameter", "arg", "argument", "key", "keyword", "other_param"], "parameters"),
    **dict.fromkeys(["attribute", "ivar", "cvar", "var"], "attributes"),
    **dict.fromkeys(["return", "returns"], "returns"),
    **dict.fromkeys(["yield", "yields"], "yields"),
    **dict.fromkeys(["raises", "raise", "except", "exception"], "raises"),
    **dict.fromkeys(["example", "examples"], "examples"),
    **dict.fromkeys(["notes", "warnings"], "notes"),
    "see_also": "related",
}
LIST_KINDS = {"parameters", "attributes", "returns", "yields", "raises", "related"}
GOOGLE = google.GoogleParser(
    [
        *google.DEFAULT_SECTIONS,
        *(google.Section(title, "notes", google.SectionType.SINGULAR) for title in ("Note", "Notes", "Warning")),
        google.Section("Keyword Args", "param", google.SectionType.MULTIPLE),
        google.Section("Return", "returns", google.SectionType.SINGULAR_OR_MULTIPLE),
    ]
)

PARSERS = [  # a mark without which the style has no section to find, and its parser
    (re.compile(r"^\s*:\w", re.MULTILINE), rest.parse),
    (GOOGLE.titles_re, GOOGLE.parse),
    (re.compile(r"^---", re.MULTILINE), numpydoc.NumpydocParser().parse),
]

NAME_LINE = re.compile(r"^(\S[^:\n]*?)\n[ \t]+(?=\S)", re.MULTILINE)  # a name alone on its line, then its description
PLACEHOLDER = re.compile(r"%\([\w:]+\)s|\{\{")  # filled in only when the package is imported
KEPT_LINES = re.compile(r"^(?:\s|[-*+•|>=#.]|\d+[.)]|\w+\)|```)|>>>", re.MULTILINE)


ADMONITIONS = {
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated in",
}
ADMONITIONS |= {name: f"{name.title()}:" for name in ("note", "warning", "tip", "important", "caution", "hint")}
CODE_DIRECTIVES = {  # their names are left out, their content stays
    "code-block",
    "code",
    "sourcecode",
    "highlight",
    "doctest",
    "testcode",
    "plot",
    "parsed-literal",
}
MARKUP = [  # a mark that must be there, a pattern, what a reader would see instead; in this order
    ("", r"^[ \t]*(?:</?Tip.*>|\.\. (?:_.*|\[.*|currentmodule::.*|testsetup::.*))[ \t]*\n?", ""),
    (":`", r":(?:[\w.+-]+:)+`[~!]?([^`<>]+?)\s*<[^`>]*>`", r"`\1`"),
    (":`~", r":(?:[\w.+-]+:)+`~(?:[^`]*\.)?([^`.]+)`", r"`\1`"),
    (":`", r":(?:[\w.+-]+:)+`!?([^`]+)`", r"`\1`"),
    ("[`", r"\[`~?([^`]+)`\](?![(_])", r"`\1`"),
    ("`_", r"(?<!`)`([^`<>\n]+?)\s*<[^`>]*>`__?", r"\1"),
    ("``", r"``([^`]+)``", r"`\1`"),
    ("]_", r"[ \t]*\[[\w#*]+\]_(?!\w)", ""),
    ("doctest:", r"[ \t]*#[ \t]*doctest:.*", ""),
    ("::", r"(?<=\S)::[ \t]*$", ":"),
]
MARKUP_RULES = [(mark, re.compile(pattern, re.MULTILINE), replacement) for mark, pattern, replacement in MARKUP]
DIRECTIVE = re.compile(r"^([ \t]*)\.\. ([\w-]+)::[ \t]*(.*)$", re.MULTILINE)


class Section(NamedTuple):
    """One section: its kind, and its paragraphs or list entries in order."""

    kind: str
    entries: tuple[str, ...]

    @property
    def text(self) -> str:
        """The section as a person reads it."""
        if self.kind not in LIST_KINDS:
            return "\n\n".join(self.entries)
        return self.entries[0] if len(self.entries) == 1 else "\n".join(f"- {entry}" for entry in self.entries)


class Documented(NamedTuple):
    """One object of a package: its public name, its kind (module, class, function, property), its sections."""

    name: str
    kind: str
    sections: list[Section]


def parse_sections(docstring: str) -> list[Section]:
    """The sections of `docstring`, the description first; Google, numpydoc and reST styles, never an error.

    Nothing is cut inside a section. Left out: citations, sections no style knows, and sections
    with placeholders that only running code would fill.
    """
    parsed = _parsed(strip_markup(docstring))
    sections = [Section("description", tuple(_paragraphs(parsed.description or "")))]
    entries = [
        (SECTION_KINDS[meta.args[0]], meta) for meta in parsed.meta if meta.args and meta.args[0] in SECTION_KINDS
    ]
    for kind, group in groupby(sorted(entries, key=lambda pair: pair[0]), key=lambda pair: pair[0]):
        sections.append(Section(kind, tuple(_entries(kind, [meta for _, meta in group]))))
    return [section for section in sections if section.entries and not PLACEHOLDER.search(section.text)]


def _parsed(docstring: str) -> Docstring:
    """What the style that recognises most makes of it; one long description where none recognises anything."""
    read = [parsed for mark, parse in PARSERS if mark.search(docstring) and (parsed := _tried(parse, docstring))]
    best = max(read, key=lambda parsed: len(parsed.meta), default=Docstring())
    if not best.meta:
        best.short_description, best.long_description = docstring, None
    return best


def _tried(parse: Callable[[str], Docstring], docstring: str) -> Docstring | None:
    try:
        return parse(docstring)
    except (ParseError, ValueError, IndexError):  # a colon or an indent where the style wants none
        return None


def _entries(kind: str, entries: list[DocstringMeta]) -> list[str]:
    if kind in {"examples", "notes"}:
        return [paragraph for entry in entries for paragraph in _paragraphs(_whole(entry))]
    if kind == "related":
        return [related for entry in entries for related in _related(entry.description or "")]
    return [text for entry in entries if (text := _entry(entry))]


def _whole(entry: DocstringMeta) -> str:
    snippet = entry.snippet if isinstance(entry, DocstringExample) else None
    return "\n".join(text for text in (snippet, entry.description) if text)


def _related(text: str) -> list[str]:
    """numpydoc's See Also: an entry begins at the margin, its description goes on indented."""
    entries = [" ".join(entry.split()) for entry in re.split(r"\n(?=\S)", NAME_LINE.sub(r"\1: ", text.strip()))]
    return [entry.replace(" : ", ": ", 1) for entry in entries if entry]


def _entry(entry: DocstringMeta) -> str:
    """`name (type, optional): description`, as far as each is known."""
    name = entry.arg_name if isinstance(entry, DocstringParam) else None
    name = entry.return_name if isinstance(entry, DocstringReturns) else name
    kind = entry.type_name if isinstance(entry, DocstringParam | DocstringReturns | DocstringRaises) else None
    if isinstance(entry, DocstringParam) and entry.is_optional:
        kind = ", ".join(filter(None, [kind, "optional"]))
    head = f"{name} ({kind})" if name and kind else name or kind
    return ": ".join(filter(None, [(head or "").strip(), "\n\n".join(_paragraphs(entry.description or ""))]))


def _paragraphs(text: str) -> list[str]:
    """Paragraphs, prose unwrapped; a block of code or of a list keeps its lines."""
    blocks = re.split(r"\n[ \t]*\n+", text.strip("\n"))
    return [_unwrapped(block.rstrip()) for block in blocks if block.strip()]


def _unwrapped(block: str) -> str:
    return block if KEPT_LINES.search(block) else " ".join(block.split())


def strip_markup(text: str) -> str:
    """`text` without roles, links, directives, citations and other marks; code and its indentation stay."""
    for mark, pattern, replacement in MARKUP_RULES:
        text = pattern.sub(replacement, text) if mark in text else text
    if ".. " not in text:
        return text
    return DIRECTIVE.sub(_directive, text)


def _directive(match: re.Match[str]) -> str:
    indent, name, argument = match.groups()
    replacement = "" if name in CODE_DIRECTIVES else f"{ADMONITIONS.get(name.lower(), '')} {argument}".strip()
    return f"{indent}{replacement}".rstrip()
