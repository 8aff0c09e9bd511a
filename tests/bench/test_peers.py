"""Benchmarks end with an error where their result is not the peer's, however fast it came."""

import ast
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import band, cluster, farthest, selection
from m2m.text.pool_tokens import tokenize_pool
from m2m.text.tokenize import Tokenized

ROOT = Path(__file__).parents[2]


def list_imports(path: Path) -> Iterator[str]:
    """The packages that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_every_package_that_bench_imports_is_pinned() -> None:
    """What this environment lacks is one of the peers, or of a package that a verb of the Makefile installs."""
    files = [ROOT / "bench/peers.txt", *(ROOT / "requirements").glob("*.txt")]
    pins = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    imported = {name for path in (ROOT / "bench").glob("*.py") for name in list_imports(path)}
    assert {"fast_hdbscan", "polars"} <= imported
    absent = sorted(name for name in imported if find_spec(name) is None)
    assert [name for name in absent if not any(pin.startswith((f"{name}==", f"{name}-")) for pin in pins)] == []


def run(monkeypatch: pytest.MonkeyPatch, module: Any, *flags: str) -> None:
    monkeypatch.setattr(sys, "argv", [module.__name__, *flags])
    module.main()


def change_token(tokenized: Tokenized) -> Tokenized:
    return tokenized._replace(tokens=np.append(tokenized.tokens[0] + 1, tokenized.tokens[1:]))


def drop_token(tokenized: Tokenized) -> Tokenized:
    return tokenized._replace(tokens=tokenized.tokens[:-1])


def move_boundary(tokenized: Tokenized) -> Tokenized:
    moved = np.arange(len(tokenized.offsets)) == 8
    return tokenized._replace(offsets=tokenized.offsets + moved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_token, "1 of 300 texts have others, text 0 first"),
        (drop_token, "1 of 300 texts have others, text 299 first"),
        (move_boundary, "2 of 300 texts have others, text 7 first"),
    ],
)
def test_band_requires_the_tokens_of_hugging_face(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: Any, words: str
) -> None:
    run(monkeypatch, band, "--rows", "300")
    assert "tokens, equal to Hugging Face's" in capsys.readouterr().out
    monkeypatch.setattr(band, "tokenize_pool", lambda *given: change(tokenize_pool(*given)))
    with pytest.raises(SystemExit, match=f"tokens must be equal to Hugging Face's, but {words}"):
        run(monkeypatch, band, "--rows", "300")


def test_farthest_requires_the_choice_of_plain_numpy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags, choose = ("--rows", "1200", "--size", "1000"), farthest.ours
    run(monkeypatch, farthest, *flags)
    assert "same choice: 100.0% of the turns" in capsys.readouterr().out
    monkeypatch.setattr(farthest, "ours", lambda *given: np.roll(choose(*given), 1))
    with pytest.raises(SystemExit, match=r"must choose NumPy's row in at least 99% of the turns, got 1\.0%"):
        run(monkeypatch, farthest, *flags)


def test_selection_requires_the_units_of_the_heap(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pool, sizes, count_units = selection.synthetic(3000, 10), (250, 500, 750), selection.every_cell
    assert np.diff(pool.unit_start).min() == 1  # a real incidence has no unit without rows, and the peer counts none
    monkeypatch.setattr(selection, "SIZES", sizes)
    monkeypatch.setattr(selection, "apricot_choice", lambda *_: 0)
    monkeypatch.setattr(selection, "every_cell", lambda pool, weights, sizes=sizes: count_units(pool, weights, sizes))
    selection.against_peers(pool)
    assert "largest difference in k: 73 of 9,486 units" in capsys.readouterr().out
    monkeypatch.setattr(selection, "every_cell", lambda *_: [0] * 21)
    with pytest.raises(SystemExit, match="from the heap's by at most 1% of the 9,486 units, differs by 9,486"):
        selection.against_peers(pool)


LABELS = np.repeat([0, 1, 2, 3, -1], [60, 50, 40, 30, 20])
SHUFFLED = np.random.default_rng(1).permutation(LABELS)
ONE_MOVED = np.append(1, LABELS[1:])


@pytest.mark.parametrize(
    ("exact", "nndescent", "words"),
    [
        (ONE_MOVED, LABELS, None),
        (ONE_MOVED, ONE_MOVED, r"labels by nndescent must be BERTopic's, but the adjusted Rand index is 0\.98"),
        (SHUFFLED, LABELS, r"of exact with BERTopic must be 0\.2 or more, got -?0\.0"),
    ],
    ids=["sound", "same neighbours", "other neighbours"],
)
def test_cluster_requires_the_labels_of_bertopic(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    exact: np.ndarray,
    nndescent: np.ndarray,
    words: str | None,
) -> None:
    labels = {"exact": exact, "nndescent": nndescent}
    monkeypatch.setattr(cluster, "ours", lambda _, neighbors: labels[neighbors])
    monkeypatch.setattr(cluster, "theirs", lambda _: np.array([7, 5, 9, 2, -1])[LABELS])  # other numbers of clusters
    if words:
        with pytest.raises(SystemExit, match=words):
            run(monkeypatch, cluster, "--rows", "200")
        return
    run(monkeypatch, cluster, "--rows", "200")
    assert "4 clusters, share of noise 0.100; adjusted Rand index with the peer 1.0000" in capsys.readouterr().out
