"""Keeps a training's record as a file of JSON lines: its settings, its figures as they come, its end."""

import json
import os
import time
from pathlib import Path
from typing import Any

from m2m.runtime.project_root import find_project_root

CURVE = "loss_curve"  # the tag of a run by which its cell's outcome finds it
JournalLine = dict[str, Any]


def find_records() -> Path:
    """The folder of the records that MLflow does not have yet."""
    return find_project_root() / ".cache" / "runs"


class Journal:
    """Lines are only ever added, each in one write; after a line that a full disk cut short, a new line begins."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, line: JournalLine) -> JournalLine:
        """Write `line` with the time, seconds since 1970, and return it as written."""
        timed = {"time": time.time(), **line}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b", buffering=0) as file:
            torn = file.tell() and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
            file.write(b"\n" * torn + json.dumps(timed).encode() + b"\n")
        return timed

    def read(self) -> list[JournalLine]:
        """All lines, oldest first, but those that are only half written."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [record for line in lines if (record := _parse(line))]

    def find_run(self) -> str | None:
        """The MLflow run that the lines are sent to, where one exists."""
        return next((str(line["run"]) for line in self.read() if "run" in line), None)

    def is_described(self) -> bool:
        """Whether that run has its parameters and its data set."""
        return any("described" in line for line in self.read())

    def is_ended(self) -> bool:
        """Whether the training came to its end, well or not, and was not begun again since."""
        lines = [line for line in self.read() if "run" not in line and "described" not in line]
        return bool(lines) and "status" in lines[-1]


def _parse(line: str) -> JournalLine | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
