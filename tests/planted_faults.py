"""Plants known faults into a copy of the repository, one at a time, and reports those that its tests do not notice.

python tests/planted_faults.py                                     every fault of tests/faults/*.yaml
python tests/planted_faults.py tests/faults/verdict.yaml best      those of a file whose text contains "best"
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

TESTS_FAILED = 1  # pytest's exit code; 2 is an import that broke, 4 a wrong path, 5 that no test was run


@dataclass(frozen=True)
class Fault:
    """In `file`, the one place that reads `old` reads `new`; one of `tests` (files, or file::test) must fail."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.old!r} -> {self.new!r}"


def read_faults(paths: Iterable[Path]) -> list[Fault]:
    records = [record for path in sorted(paths) for record in yaml.safe_load(path.read_text(encoding="utf-8")) or []]
    return [Fault(**record | {"tests": tuple(record["tests"])}) for record in records]


def find_mistake(root: Path, fault: Fault) -> str:
    """Why the fault cannot be planted, or nothing."""
    missing = [path for path in (fault.file, *fault.tests) if not (root / path.split("::")[0]).exists()]
    if missing:
        return f"{fault}: {missing[0]} does not exist"
    count = (root / fault.file).read_text(encoding="utf-8").count(fault.old)
    return "" if count == 1 else f"{fault}: the old text occurs {count} times, it must occur once"


def copy_repository(root: Path, folder: Path) -> None:
    """All files that git tracks or would track; no data, no history."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)  # DVC works in a git repository alone


def run_tests(folder: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}  # no stale bytecode where an edit keeps size and second
    words = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)


def plant(folder: Path, fault: Fault) -> subprocess.CompletedProcess[str]:
    """The run of the fault's tests while it is planted in the copy; the copy is mended afterwards."""
    path = folder / fault.file
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace(fault.old, fault.new), encoding="utf-8")
    try:
        return run_tests(folder, fault.tests)
    finally:
        path.write_text(sound, encoding="utf-8")


def main(root: Path, paths: list[Path], words: str) -> int:
    faults = [fault for fault in read_faults(paths) if words in str(fault)]
    mistakes = [mistake for mistake in (find_mistake(root, fault) for fault in faults) if mistake]
    if mistakes:
        print(*mistakes, sep="\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_repository(root, folder)
        sound = run_tests(folder, sorted({path for fault in faults for path in fault.tests}))
        if sound.returncode:
            print(sound.stdout, "These tests fail without any fault: mend them first.", sep="\n")
            return 1
        survivors = 0
        for fault in faults:
            run = plant(folder, fault)
            if run.returncode == TESTS_FAILED:
                print(f"noticed   {fault}", flush=True)
                continue
            survivors += 1
            print(f"SURVIVES  {fault} (pytest exit code {run.returncode})", flush=True)
            if run.returncode:
                print(run.stdout)
    print(f"{survivors} of {len(faults)} planted faults survive")
    return 1 if survivors else 0


if __name__ == "__main__":
    files = [Path(word) for word in sys.argv[1:] if word.endswith(".yaml")]
    text = " ".join(word for word in sys.argv[1:] if not word.endswith(".yaml"))
    sys.exit(main(Path.cwd(), files or sorted(Path("tests/faults").glob("*.yaml")), text))
