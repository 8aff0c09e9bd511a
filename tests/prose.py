"""Counts lines, words and words per sentence of README.md and docs/: `python -m tests.prose` prints them.

It names what is too long, and exits with 1 where anything is.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
GENERATED = ("cli", "settings", "profiles", "tables", "outputs", "modules", "errors")  # in docs/reference
NOT_PROSE = re.compile(
    r"^ *```.*?^ *```$|<!--.*?-->|^\|[^\n]*$|^#[^\n]*$|^!\[[^\n]*$|^(?:=== |!!! )[^\n]*$|^ {4,}[^\n]*$", re.M | re.S
)
BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*] |\d+\. |>))")
END = re.compile(r"(?<=[.!?])[\"')*]*\s+(?=[\"'(`*A-Z0-9])")


MEAN, LONGEST = 18, 25  # words of a sentence
README_LINES, README_WORDS = 200, 1500


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


def find_faults(page: Path) -> list[str]:
    """What is longer than it may be, a sentence each."""
    counts = measure_prose(page.read_text())
    longest = count_words(counts.longest)
    start = " ".join(counts.longest.split()[:6])
    faults = {
        f"{counts.mean:.0f} words a sentence on average, {MEAN} at most": counts.mean > MEAN,
        f"{longest} words in a sentence, {LONGEST} at most: {start} …": longest > LONGEST,
    }
    if page.name == "README.md":
        faults |= {
            f"{counts.lines} lines, {README_LINES} at most": counts.lines > README_LINES,
            f"{counts.words} words, {README_WORDS} at most": counts.words > README_WORDS,
        }
    return [f"{page}: {fault}" for fault, is_so in faults.items() if is_so]


def main() -> int:
    """Print the counts of README.md and of all of docs/, and what is too long: 1 where anything is."""
    pages = written_pages()
    docs = "\n\n".join(path.read_text() for path in pages)
    for name, text in {"README.md": (ROOT / "README.md").read_text(), f"docs/ ({len(pages)} pages)": docs}.items():
        counts = measure_prose(text)
        words = f"{counts.mean:.1f} words per sentence, longest {count_words(counts.longest)}"
        print(f"{name}: {counts.lines} lines, {counts.words} words, {words}")
    faults = [fault for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pages) for fault in find_faults(page)]
    print(*faults, sep="\n", end="\n" if faults else "")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
