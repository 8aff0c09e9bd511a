"""Writes the generated pages of docs/reference and the result tables between markers: `python -m docs.generate`."""

import re
from pathlib import Path

from docs.reference_pages import make_reference_pages
from docs.result_tables import make_result_tables

TABLE = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)


def generate_files() -> dict[Path, str]:
    """Each file that is generated, or holds a generated table, with the text it must have."""
    pages = {Path("docs/reference") / name: text for name, text in make_reference_pages().items()}
    return pages | update_tables()


def update_tables() -> dict[Path, str]:
    """README and the pages of docs, with the result tables of today's metrics/."""
    tables = make_result_tables()
    paths = [Path("README.md"), *sorted(Path("docs").rglob("*.md"))]
    texts = {path: path.read_text() for path in paths}
    return {path: fill_tables(text, tables) for path, text in texts.items() if TABLE.search(text)}


def fill_tables(text: str, tables: dict[str, str]) -> str:
    """`text` with the table of that name between each pair of markers. KeyError for an unknown name."""
    return TABLE.sub(lambda match: f"{match[1]}\n{tables[match['name']]}\n\n{match[3]}", text)


def main() -> None:
    """Write the files that differ, and print their names."""
    for path, text in generate_files().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(path)


if __name__ == "__main__":
    main()
