"""Writes the generated pages of docs/reference and the result tables between markers: `python -m docs.generate`.

With `--check` it writes nothing, names what is stale, and exits with 1 where anything is.
"""

import re
import sys
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


def find_stale() -> dict[Path, str]:
    """The files that differ from what is generated, with the text that they must have."""
    return {path: text for path, text in generate_files().items() if not path.exists() or path.read_text() != text}


def main(check: bool) -> int:
    """Print the names of the stale files; write them, or with `check` count them: 1 where there are any."""
    stale = find_stale()
    for path, text in stale.items():
        print(f"{path} is stale: run make docs" if check else path)
        if not check:
            path.write_text(text)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] == ["--check"]))
