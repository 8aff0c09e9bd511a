"""reStructuredText and its relatives → what a reader of the rendered page would see."""

import re

ADMONITIONS = {
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated in",
}
ADMONITIONS |= {name: f"{name.title()}:" for name in ("note", "warning", "tip", "important", "caution", "hint")}
CODE = {"code-block", "code", "sourcecode", "highlight", "doctest", "testcode", "plot", "parsed-literal"}  # marks only
NOISE = [  # a mark that must be there, a pattern, what a reader would see instead; in this order
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
RULES = [(mark, re.compile(pattern, re.MULTILINE), shown) for mark, pattern, shown in NOISE]
DIRECTIVE = re.compile(r"^([ \t]*)\.\. ([\w-]+)::[ \t]*(.*)$", re.MULTILINE)


def plain(text: str) -> str:
    """`text` without roles, links, directives, citations and other marks; code and its indentation stay."""
    for mark, pattern, shown in RULES:
        text = pattern.sub(shown, text) if mark in text else text
    if ".. " not in text:
        return text
    return DIRECTIVE.sub(_directive, text)


def _directive(found: re.Match[str]) -> str:
    indent, name, argument = found.groups()
    shown = "" if name in CODE else f"{ADMONITIONS.get(name.lower(), '')} {argument}".strip()
    return f"{indent}{shown}".rstrip()
