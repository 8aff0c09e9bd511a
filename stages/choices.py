"""The table that a strategy chooses by → a copy of it under the strategy's name, which DVC stores once."""

from pathlib import Path
from shutil import copyfile

from m2m.runtime.cli import run


def main(table: Path, choices: Path, /) -> None:
    """`subset` names its input by the strategy alone, and so waits for nothing that another strategy reads."""
    choices.parent.mkdir(parents=True, exist_ok=True)
    copyfile(table, choices)


if __name__ == "__main__":
    run(main)
