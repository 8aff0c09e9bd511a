"""Lets damaged inputs in at every door: `python -m tests.fuzz [--cases 25000] [--seed 1] [--door NAME]`."""

import argparse
import os
import random
import re
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tests.fuzz.doors import DOORS

LONGEST_SECONDS = 60  # of one case: it hangs
LONGEST_SENTENCE = 3000  # characters
SETTINGS = ("heldout_share",)  # of a pool of several files in which no row is left
REPLIES = ("replies", "verdicts", "tags")  # what is wrong with one is kept beside it: no person can mend it
REMEDY = re.compile(  # an imperative, the rule that the value must keep, or the settings that there are
    r"\b(add|choose|convert|delete|did you mean|download|export|give|keep|mend|must be|must have|name|pack|quote|"
    r"raise|rename|restore|run|save|set|take|unpack|write|nearest|is not a setting)\b",
    re.IGNORECASE,
)


class Hang(Exception):
    """A case that does not end."""


def run_cases(name: str, seeds: range) -> tuple[Counter[str], list[str]]:
    """How the cases of door `name` ended, and the faults, each with its seed."""
    enter, _ = DOORS[name]
    ends: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder, _capture_stderr() as stderr:
        signal.signal(signal.SIGALRM, _stop)
        for seed in seeds:
            for path in Path(folder).iterdir():
                path.unlink()
            signal.alarm(LONGEST_SECONDS)
            try:
                enter(random.Random(f"{name} {seed}"), Path(folder))
                ends["accepted"] += 1
            except (ValueError, OSError) as error:
                ends["refused"] += 1
                if name not in REPLIES and (
                    fault := _judge_sentence(error, [path.name for path in Path(folder).iterdir()])
                ):
                    faults.append(f"{name} {seed}: {fault}: {error!r:.300}")
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                place = traceback.extract_tb(error.__traceback__)[-1]
                faults.append(f"{name} {seed}: {type(error).__name__} {error!s:.200} ({place.filename}:{place.lineno})")
            finally:
                signal.alarm(0)
            if words := _take_words(stderr):
                faults.append(f"{name} {seed}: it wrote to stderr: {words!r:.300}")
    return ends, faults


def divide_cases(cases: int) -> Iterator[tuple[str, int]]:
    """The cases of each door."""
    total = sum(share for _, share in DOORS.values())
    yield from ((name, max(1, cases * share // total)) for name, (_, share) in DOORS.items())


@contextmanager
def _capture_stderr() -> Iterator[BinaryIO]:
    """A file for file descriptor 2, where native code writes its panics."""
    with tempfile.TemporaryFile() as captured:
        terminal = os.dup(2)
        os.dup2(captured.fileno(), 2)
        try:
            yield captured
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _take_words(captured: BinaryIO) -> bytes:
    captured.seek(0)
    words = captured.read()
    captured.seek(0)
    captured.truncate()
    return words


def _judge_sentence(error: Exception, files: list[str]) -> str:
    """What the sentence lacks: it must name a file of the case (where it has any) or a setting, and a remedy."""
    text = str(error)
    if isinstance(error, UnicodeError):
        return "a sentence of Python's"
    if not text or len(text) > LONGEST_SENTENCE:
        return "no sentence"
    if files and not any(name in text for name in [*files, *SETTINGS]):
        return "no file"
    if not REMEDY.search(text):
        return "no remedy"
    return ""


def _stop(*_: object) -> None:
    raise Hang


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--door", choices=list(DOORS))
    flags = parser.parse_args()
    broken = total = 0
    for name, count in divide_cases(flags.cases):
        if flags.door in (None, name):
            first = flags.seed * 10**6
            ends, faults = run_cases(name, range(first, first + count))
            print(
                f"{name}: {count:,} cases, {ends['accepted']:,} accepted, {ends['refused']:,} refused, "
                f"{len(faults)} faults"
            )
            print(*faults[:20], sep="\n")
            broken, total = broken + len(faults), total + count
    sys.exit(f"{broken} faults in {total:,} cases" if broken else 0)


if __name__ == "__main__":
    main()
