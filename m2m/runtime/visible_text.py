"""Neutralises text of others, one function a place: what a person reads, a value in an error, and Markdown."""

import re

HIDDEN_RANGES = (  # controls, and what Unicode calls ignorable by default, but for joiners
    (0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160),
    (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F),
    (0x3164, 0x3164), (0xFE00, 0xFE0E), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
EMOJI = "\u00a9\u00ae\u203c\u2049\u2122-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
STRAY_SELECTOR = re.compile(f"\ufe0f(?<![{EMOJI}]\ufe0f)(?!\u20e3)")  # not after an emoji, nor inside a keycap
VISIBLE = {code: f"[U+{code:04X}]" for low, high in HIDDEN_RANGES for code in range(low, high + 1)}
VISIBLE[0x0D] = ""  # of a line end
MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*[]!#|~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})
EMPHASIS = re.compile(r"(?<!\w)_|_(?!\w)")  # an underscore inside a word means nothing
MAIL = re.compile(r"(?<=[\w.+:-])@(?=[\w/-]*\.)")  # GitHub links the address, however its signs are spelled
LINK = re.compile(r"(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)  # what makes an address a link
LONGEST_QUOTE = 60  # characters of a value in an error


def make_visible(text: str) -> str:
    """`text` with its control and direction characters, and those of no width, spelled out.

    Joiners stay, and so does the selector that gives an emoji its colours.

    >>> make_visible("a\\u202eb")
    'a[U+202E]b'
    """
    return STRAY_SELECTOR.sub("[U+FE0F]", text.translate(VISIBLE))


def quote_value(value: object) -> str:
    """`value` as Python writes it, cut at 60 characters: no line break, escape or direction character is left in it.

    >>> quote_value("a\\x1b[2J")
    "'a\\\\x1b[2J'"
    """
    text = make_visible(repr(value)).encode(errors="backslashreplace").decode()
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def escape_markdown(text: str) -> str:
    """`text` on one line, as Markdown that shows exactly it: no markup, HTML, link or table border.

    An empty comment parts a mail address, since no spelling of its signs keeps GitHub from linking it.

    >>> escape_markdown("[a](b) <i>|")
    '\\\\[a\\\\](b) &lt;i&gt;\\\\|'
    """
    marked = make_visible(" ".join(text.split())).translate(MARKDOWN)
    parted = MAIL.sub("@<!-- -->", marked)
    return LINK.sub(lambda sign: f"&#{ord(sign[0])};", EMPHASIS.sub(r"\\_", parted))
