"""Neutralises text of others, one function a place: what a person reads, a value in an error, and Markdown."""

import re

HIDDEN_RANGES = (
    (0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E),
    (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F),
)  # fmt: skip
VISIBLE = {code: f"[U+{code:04X}]" for low, high in HIDDEN_RANGES for code in range(low, high + 1)}
VISIBLE[0x0D] = ""  # of a line end
MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*[]!#|~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})
EMPHASIS = re.compile(r"(?<!\w)_|_(?!\w)")  # an underscore inside a word means nothing
LINK = re.compile(r"(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)  # what makes an address a link
LONGEST_QUOTE = 60  # characters of a value in an error


def make_visible(text: str) -> str:
    """`text` with its control and direction characters, and those of no width, spelled out; joiners stay.

    >>> make_visible("a\\u202eb")
    'a[U+202E]b'
    """
    return text.translate(VISIBLE)


def quote_value(value: object) -> str:
    """`value` as Python writes it, cut at 60 characters: no line break, escape or direction character is left in it.

    >>> quote_value("a\\x1b[2J")
    "'a\\\\x1b[2J'"
    """
    text = make_visible(repr(value)).encode(errors="backslashreplace").decode()
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def escape_markdown(text: str) -> str:
    """`text` on one line, as Markdown that shows exactly it: no markup, HTML, link or table border.

    >>> escape_markdown("[a](b) <i>|")
    '\\\\[a\\\\](b) &lt;i&gt;\\\\|'
    """
    marked = make_visible(" ".join(text.split())).translate(MARKDOWN)
    return LINK.sub(lambda sign: f"&#{ord(sign[0])};", EMPHASIS.sub(r"\\_", marked))
