"""Counts lines, words and words per sentence of README.md and docs/: `python -m tests.prose` prints them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
GENERATED = ("cli", "settings", "profiles", "tables", "outputs", "modules", "errors")  # in docs/reference
NOT_PROSE = re.compile(
    r"^ *```.*?^ *```$|<!--.*?-->|^\|[^\n]*$|^#[^\n]*$|^!\[[^\n]*$|^(?:=== |!!! )[^\n]*$|^ {4,}[^\n]*$", re.M | re.S
)
BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*] |\d+\. |>))")
END = re.compile(r"(?<=[.!?])[\"')*]*\s+(?=[\"'(`*A-Z0-9])")


class Prose(NamedTuple):
    """What is counted of a text."""

    lines: int
    words: int
    mean: float
    longest: str


def sentences(markdown: str) -> list[str]:
    """The sentences of a Markdown text, without code, tables and headings; an item of a list is one at least."""
    text = NOT_PROSE.sub("\n\n", markdown)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`\n]*`", "Code", text)
    blocks = (" ".join(re.sub(r"^\s*(?:[-*]|\d+\.|>)\s+", "", block).split()) for block in BLOCK.split(text))
    return [sentence for block in blocks for sentence in END.split(block) if count_words(sentence)]


def count_words(text: str) -> int:
    """Words, separated by white space, that hold a letter or digit."""
    return sum(any(sign.isalnum() for sign in word) for word in text.split())


def measure_prose(markdown: str) -> Prose:
    """The counts of one text."""
    found = sentences(markdown)
    lengths = [count_words(sentence) for sentence in found]
    longest = max(found, key=count_words, default="")
    return Prose(len(markdown.splitlines()), len(markdown.split()), sum(lengths) / max(len(lengths), 1), longest)


def written_pages() -> list[Path]:
    """The pages of docs/ that a person writes."""
    return [path for path in sorted((ROOT / "docs").rglob("*.md")) if path.stem not in GENERATED]


def main() -> None:
    """Print the counts of README.md, of all of docs/, and the page with the longest sentence."""
    pages = written_pages()
    docs = "\n\n".join(path.read_text() for path in pages)
    for name, text in {"README.md": (ROOT / "README.md").read_text(), f"docs/ ({len(pages)} pages)": docs}.items():
        counts = measure_prose(text)
        words = f"{counts.mean:.1f} words per sentence, longest {count_words(counts.longest)}"
        print(f"{name}: {counts.lines} lines, {counts.words} words, {words}")


if __name__ == "__main__":
    main()
