"""README tells the truth where it repeats the code: the tree has every file with its docstring."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("stages", "stages/commands", "stages/core", "stages/io", "stages/schemas", "bench")


def tree() -> dict[str, str]:
    """What the tree says of each Python file."""
    found, folder = {}, ""
    for line in (ROOT / "README.md").read_text().partition("## The tree")[2].splitlines():
        if named := re.match(r"    (\S+)/(?: |$)", line):
            folder = named[1]
        elif file := re.match(r"      (\w+\.py) +(.+)", line):
            found[f"{folder}/{file[1]}"] = file[2]
    return found


def docstrings() -> dict[str, str]:
    """The first line of each file that has one, without its full stop."""
    files = [file for folder in FOLDERS for file in (ROOT / folder).glob("*.py")]
    told = {str(file.relative_to(ROOT)): ast.get_docstring(ast.parse(file.read_text())) for file in files}
    return {name: text.splitlines()[0].rstrip(".") for name, text in told.items() if text}


def test_the_tree_has_every_file_in_the_words_of_its_docstring():
    assert tree() == docstrings()
