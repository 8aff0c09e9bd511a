"""Looks for known weaknesses in every pinned package: `make audit`, by pip-audit and the database of PyPI."""

import subprocess
import sys
import urllib.request
from pathlib import Path

# cuda.txt has all of cpu.txt; every pin has hashes, so nothing has to be installed
LOCKS = tuple(path for path in sorted(Path("requirements").glob("*.txt")) if path.name != "cpu.txt")
DATABASE = "https://pypi.org/pypi/pip/json"
# strict: a package that the database does not know is no package without weaknesses
AUDITOR = [
    "uvx",
    "--quiet",
    "pip-audit==2.10.1",
    "--strict",
    "--disable-pip",
    "--require-hashes",
    "--progress-spinner=off",
]
OUT_OF_REACH = 2
SECONDS = 20


def main() -> int:
    """0: no known weakness, 1: pip-audit lists them, 2: its database is out of reach."""
    if reason := explain_no_database(DATABASE):
        print(f"audit: nothing was checked, because {DATABASE} is out of reach ({reason}). Run it where PyPI answers.")
        return OUT_OF_REACH
    return subprocess.run(
        [*AUDITOR, *(word for lock in LOCKS for word in ("--requirement", str(lock)))], check=False
    ).returncode


def explain_no_database(url: str) -> str:
    """Why the database does not answer; empty where it does."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return "" if answer.read(1) == b"{" else "it sends something else"
    except OSError as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(main())
