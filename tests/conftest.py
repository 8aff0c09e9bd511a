"""A tokenizer and a small Llama, made here: nothing is downloaded."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import slurm_cluster, smollm2
from tests.browser import CHROMIUM

# Speed is for bench/, so a busy machine must not fail a test. One commit has one verdict, so the examples are the same
# each time; `pytest --hypothesis-profile explore` looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("same")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # before anything reads it

FIRST = (
    "test_smoke.py",
    "test_finetune.py",
    "test_grid.py",
)  # minutes each; the last mostly finds cached what the first ran
TEXTS = [
    "Return the mean of a list of numbers.",
    "What is it? The sum of two numbers, or a list of them.",
    "Parameters: x, the array; axis, along which the sum is taken.",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from m2m.training.pretrain import train_tokenizer

    return train_tokenizer(TEXTS * 4, tmp_path_factory.mktemp("tokenizer"), vocab_size=320)


@pytest.fixture
def llama(tokenizer: Any) -> Any:
    from m2m.training.pretrain import build_model

    return build_model(tokenizer, hidden_size=32, layers=2, heads=2, context=64, seed=1)


@pytest.fixture
def llm_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of LLM replies of the test's own, and no waiting between attempts."""
    from m2m.llm.client import http

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr(http, "FIRST_WAIT", 0.001)
    return tmp_path


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a planted study."""
    from tests.planted import grid, plant

    folder = tmp_path_factory.mktemp("planted")
    plant(folder, grid())
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CHROMIUM is None:
        told = "NO CHROMIUM HERE: the report was not tested in a browser (apt-get install chromium)"
        terminalreporter.write_line(told, red=True, bold=True)
    if smollm2.MISSING:
        terminalreporter.write_line(smollm2.WARNING, red=True, bold=True)
    if find_spec("ray") is None:
        terminalreporter.write_line("NO RAY HERE: no grid ran on a Ray cluster (make ray)", red=True, bold=True)
    if slurm_cluster.MISSING:
        terminalreporter.write_line(slurm_cluster.WARNING, red=True, bold=True)
