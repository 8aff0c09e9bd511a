"""The table that strategies choose by → a copy of it under each one's name; DVC stores them once."""

from pathlib import Path
from shutil import copyfile

from m2m.runtime.cli import run


def main(table: Path, choices: tuple[Path, ...], /) -> None:
    """`subset` names its input by the strategy alone, and so waits for nothing that another strategy reads."""
    for choice in choices:
        choice.parent.mkdir(parents=True, exist_ok=True)
        copyfile(table, choice)


if __name__ == "__main__":
    run(main)
