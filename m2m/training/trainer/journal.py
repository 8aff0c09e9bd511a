"""A training's record as a file of JSON lines: what it is, its figures as they come, how it ended."""

import json
import os
import time
from pathlib import Path
from typing import Any

JournalLine = dict[str, Any]


class Journal:
    """Lines are only ever added, each in one write; the line after one that a full disk tore begins anew."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, entry: JournalLine) -> JournalLine:
        """Write `entry` with the time, seconds since 1970, and return it as written."""
        timed = {"time": time.time(), **entry}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b", buffering=0) as file:
            torn = file.tell() and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
            file.write(b"\n" * torn + json.dumps(timed).encode() + b"\n")
        return timed

    def entries(self) -> list[JournalLine]:
        """All of them, oldest first; a line that a full disk left half written is none."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [entry for line in lines if (entry := _entry(line))]

    def run(self) -> str | None:
        """The MLflow run that the lines are sent to, where one was made."""
        return next((str(one["run"]) for one in self.entries() if "run" in one), None)

    def ended(self) -> bool:
        """Whether the training came to its end, well or not, and was not begun again since."""
        told = [one for one in self.entries() if "run" not in one]
        return bool(told) and "status" in told[-1]


def _entry(line: str) -> JournalLine | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
