"""Builds the Markdown of generated pages."""

import re
from collections.abc import Sequence

NOTE = "<!-- Made by `make docs`. Edit the source named below, not this page. -->"


def build_page(title: str, about: str, *parts: str) -> str:
    """A whole page, with a note that it is generated."""
    return "\n\n".join([f"# {title}", NOTE, about, *parts]) + "\n"


def number_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    return _table(header, ["---", *["---:"] * (len(header) - 1)], rows)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text."""
    return _table(header, ["---"] * len(header), rows)


def format_code(value: str) -> str:
    """Inline code for a cell of a table; empty for nothing."""
    return f"`{value}`".replace("|", "\\|") if value else ""


def escape(text: str) -> str:
    """`text` without Markdown of its own, but for code between backticks."""
    parts = text.split("`")
    return "`".join(part if at % 2 else re.sub(r"([|*_<{}\[\]])", r"\\\1", part) for at, part in enumerate(parts))


def _table(header: Sequence[str], rule: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *rows))
