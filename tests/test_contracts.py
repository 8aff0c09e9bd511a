"""The contracts of pyproject.toml hold, and each can fail: the import it forbids is planted in a copy."""

import subprocess
from pathlib import Path

import pytest

from tests.planted_faults import copy_repository
from tests.test_smoke import environment

ROOT = Path(__file__).parent.parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    copy_repository(ROOT, tmp_path)
    return tmp_path


def lint(folder: Path) -> str:
    """The names of the broken contracts, a line each, or nothing."""
    words = ["lint-imports", "--no-cache"]
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert "Contracts: " in done.stdout, f"{done.stdout}\n{done.stderr}"
    return "" if done.returncode == 0 else done.stdout.split("Broken contracts")[1]


def test_every_contract_is_kept(copy: Path) -> None:
    assert lint(copy) == ""


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("m2m/selection/prune.py", "import time", "Pure rooms"),
        ("m2m/study/cells/outcomes.py", "from m2m.runtime import artifacts", "Pure rooms"),  # which imports pathlib
        ("m2m/schemas/pairs.py", "from m2m.selection import prune", "Rooms of the library"),
        ("m2m/study/analysis/noise.py", "from m2m.study.report import html_page", "Rooms of the study"),
        ("m2m/grid/design.py", "from stages import embed", "Only commands import stages"),
        ("stages/embed.py", "from m2m.commands import plan", "A stage imports no command"),
        ("stages/embed.py", "from stages import band", "A stage imports no stage"),
        ("m2m/attic/__init__.py", "", "Rooms of the library"),  # a room without a place
    ],
)
def test_a_forbidden_import_breaks_its_contract(copy: Path, file: str, line: str, contract: str) -> None:
    (copy / file).parent.mkdir(exist_ok=True)
    with (copy / file).open("a") as module:
        module.write(f"\n{line}\n")
    assert contract in lint(copy)
