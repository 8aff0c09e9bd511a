"""The page that says what is covered: every strategy and verb stands in it, and no "not run" has a result here."""

import re
from pathlib import Path

import polars as pl

from docs.reference_pages import list_commands
from m2m.strategies import STRATEGIES

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/explanation/coverage-of-the-paper.md").read_text()
NOT_RUN = re.compile(r"not run|no training of|no .* yet")


def test_every_strategy_and_every_verb_stands_in_the_page() -> None:
    codes = set(re.findall(r"`([^`]+)`", PAGE))
    assert sorted(name for name in STRATEGIES if not any(name in code.split() for code in codes)) == []
    verbs = [name for name in list_commands() if f"m2m {name}" not in PAGE]
    assert verbs == []


def find_contradictions(page: str, metrics: Path) -> list[str]:
    """The lines that say "not run" of a strategy with cells, or of a profile or strategy with a folder of results."""
    trained = {name for path in metrics.rglob("grid.csv") for name in pl.read_csv(path)["strategy"].unique()}
    folders = {path.name for path in metrics.iterdir() if path.is_dir()}
    found = []
    for line in page.splitlines():
        last = line.rstrip(" |").split("|")[-1]
        words = {word for code in re.findall(r"`([^`]+)`", line) for word in code.split()}
        if NOT_RUN.search(last) and words & (trained | folders):
            found.append(line)
    return found


def test_what_is_called_not_run_has_no_cells_in_metrics(tmp_path: Path) -> None:
    assert find_contradictions(PAGE, ROOT / "metrics") == []
    (tmp_path / "bands-low").mkdir()
    (tmp_path / "grid.csv").write_text("strategy\nlongest\n")
    wrong = ["| a | `bands-low` | not run |", "| b | strategies `longest`, `mig` | no training of it yet |"]
    page = "\n".join([*wrong, "| c | `longest` | both studies |", "| d | `mig` | not run |"])
    assert find_contradictions(page, tmp_path) == wrong
