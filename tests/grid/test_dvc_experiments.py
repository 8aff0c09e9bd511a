import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import dumps_yaml, parse_yaml
from hypothesis import example, given
from hypothesis import strategies as st

from m2m.grid import dvc_experiments
from m2m.grid.dvc_experiments import (
    _git,
    list_experiment_names,
    list_stages,
    list_untracked_files,
    locate_cached_file,
    parse_lock,
    predict_lock,
    read_experiments,
)

PIPELINE = """
vars:
- suffix: s
stages:
  first:
    foreach:
      one: 1
    do:
      cmd: python code.py data/first.txt ${suffix} ${setting}
      params: [setting]
      deps: [code.py, data/raw]
      outs: [data/first.txt]
  second:
    cmd:
    - python code.py metrics/cell.json s '{"rate":${setting}}'
    - python code.py metrics/cell_details.json s '{"low":${setting}}'
    params: [setting, block]
    deps: [code.py, data/first.txt, data]
    outs:
    - metrics/cell_details.json:
        cache: false
    metrics:
    - metrics/cell.json:
        cache: false
"""
PARAMS = "setting: 1\nblock: {names: [a, b], none: null, rate: 0.00002, mode: no}\n"
BLOCK = {"names": ["a", "b"], "none": None, "rate": 2e-05, "mode": "no"}
CODE = "import sys, pathlib; p = pathlib.Path(sys.argv[1]); p.parent.mkdir(exist_ok=True); p.write_text(sys.argv[3])"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of two stages: its first has run, and two experiments have run it whole, one by `dvc exp run`."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "data/raw").mkdir(parents=True)
    files = {
        "dvc.yaml": PIPELINE,
        "params.yaml": PARAMS,
        "code.py": CODE,
        "data/raw/mine.txt": "mine",
    }
    for path, text in files.items():
        (folder / path).write_text(text)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "GIT_"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
    env |= {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for words in (
        ["git", "init", "--quiet"],
        ["dvc", "init", "--quiet"],
        ["dvc", "repro", "--quiet", "first"],
        ["git", "add", "."],
        ["git", "commit", "--quiet", "--message", "first"],
        ["dvc", "exp", "run", "--quiet", "--temp", "--name", "two", "-S", "setting=2"],
    ):
        subprocess.run(words, cwd=folder, env=env, check=True)
    return folder


@pytest.fixture
def here(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(repository)
    return repository


def test_the_stages_are_those_of_the_pipeline(here: Path) -> None:
    assert list_stages() == ["first@one", "second"]


def test_a_pipeline_in_a_folder_below_is_not_read(here: Path) -> None:
    (here / "below").mkdir()
    (here / "below/dvc.yaml").write_text("stages: broken")
    assert list(predict_lock()) == list_stages() == ["first@one", "second"]
    shutil.rmtree(here / "below")


def test_files_that_a_copy_of_the_repository_would_lack_are_told(here: Path) -> None:
    assert list_untracked_files() == []
    (here / "data/raw/ä b.jsonl.dvc").write_text("")
    (here / "notes.txt").write_text("read by no stage")
    assert list_untracked_files() == ["data/raw/ä b.jsonl.dvc"]
    (here / "data/raw/ä b.jsonl.dvc").unlink()


def test_the_workspace_would_lock_what_it_has_locked(here: Path) -> None:
    assert predict_lock()["first@one"] == parse_lock((here / "dvc.lock").read_text())["first@one"]


def test_a_stage_that_has_not_run_has_its_command_and_code_but_no_outs(here: Path) -> None:
    second = predict_lock()["second"]
    assert second["params"] == {"setting": 1, "block": BLOCK}
    assert second["outs"] == {"metrics/cell.json": "", "metrics/cell_details.json": ""}
    first = predict_lock()["first@one"]
    expected = {"code.py": first["deps"]["code.py"], "data/first.txt": first["outs"]["data/first.txt"], "data": ""}
    assert second["deps"] == expected


def test_changed_code_is_seen_before_anything_runs(here: Path) -> None:
    before = predict_lock()["first@one"]["deps"]
    (here / "code.py").write_text(f"{CODE} # changed")
    after = predict_lock()["first@one"]["deps"]
    (here / "code.py").write_text(CODE)
    assert after["code.py"] != before["code.py"]
    assert after["data/raw"] == before["data/raw"]


def test_an_experiment_has_its_name_its_lock_and_its_metrics(here: Path) -> None:
    (one,) = read_experiments()
    assert (one.name, one.metrics) == ("two", {"rate": 2, "low": 2})
    assert one.lock["second"]["params"] == {"setting": 2, "block": BLOCK}
    assert list_experiment_names() == {"two": one.revision}
    assert (
        one.day
        == subprocess.run(
            ["git", "log", "-1", "--format=%cs", one.revision], capture_output=True, text=True
        ).stdout.strip()
    )


def test_an_experiments_message_costs_no_call_of_git(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def call(*words: str) -> str:
        calls.append(words[0])
        return _git(*words)

    monkeypatch.setattr(dvc_experiments, "_git", call)
    dvc_experiments._read_experiment.cache_clear()
    (one,) = read_experiments()
    git_files = ["dvc.lock", "metrics/cell.json", "metrics/cell_details.json"]
    assert calls == ["for-each-ref", "ls-tree", *["show" for _ in git_files]]
    words = ["commit-tree", f"{one.revision}^{{tree}}", "-m", "m2m: run on EPYC avx2, 64 cores\n\nmore"]
    _git("update-ref", f"refs/exps/0a/{'1' * 38}/labelled", _git(*words).strip())
    try:
        labelled, _ = read_experiments()
        assert labelled.lock["hardware"]["params"] == {"kind": "EPYC avx2, 64 cores"} and "hardware" not in one.lock
    finally:
        _git("update-ref", "-d", f"refs/exps/0a/{'1' * 38}/labelled")


def test_the_cache_has_what_an_experiment_made(here: Path) -> None:
    (one,) = read_experiments()
    assert json.loads(locate_cached_file(one.lock["first@one"]["outs"]["data/first.txt"]).read_text()) == 2
    assert not locate_cached_file("0" * 32).exists()


def test_one_name_on_two_commits_is_two_experiments(here: Path) -> None:
    (one,) = read_experiments()
    for commit in ("0a", "0b"):
        _git("update-ref", f"refs/exps/{commit}/{'1' * 38}/twice", one.revision)
    try:
        assert [known.name for known in read_experiments()] == [f"twice@{one.revision[:7]}"] * 2 + ["two"]
    finally:
        for commit in ("0a", "0b"):
            _git("update-ref", "-d", f"refs/exps/{commit}/{'1' * 38}/twice")


@given(st.lists(st.floats(allow_nan=False) | st.integers() | st.booleans() | st.none() | st.text(max_size=6)))
@example(["no", "on", "12:30:45", "017", "1_000", "1e5", ".5", "2026-01-01", "=", 2e-05, 1e300, "0x1f", 10**20])
def test_a_lock_has_the_settings_that_dvc_reads_in_it(values: list[Any]) -> None:
    text = dumps_yaml({"stages": {"one": {"cmd": "x", "params": {"params.yaml": {"setting": values}}}}})
    known = parse_yaml(text, "dvc.lock")["stages"]["one"]["params"]["params.yaml"]["setting"]
    assert repr(parse_lock(text)["one"]["params"]["setting"]) == repr(known)


@pytest.mark.parametrize("kind", ["md5", "etag", "checksum"])
def test_a_lock_has_the_hash_of_a_file_at_a_url_by_whatever_name_dvc_gives_it(kind: str) -> None:
    """The md5 comes first: an out in a bucket has the bucket's etag too."""
    entry = {"path": "https://example.org/f", "hash": "md5", kind: "1f"}
    text = dumps_yaml({"stages": {"one": {"cmd": "x", "deps": [entry], "outs": [entry | {"md5": "2e"}]}}})
    stage = parse_lock(text)["one"]
    assert (stage["deps"], stage["outs"]) == ({"https://example.org/f": "1f"}, {"https://example.org/f": "2e"})


@pytest.mark.parametrize(
    "text", ["", "schema: '2.0'\nstages:\n", "stages: [", "stages:\n  one: {deps: [{path: a}]}", "3"]
)
def test_a_lock_that_is_cut_is_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^dvc\.lock must hold stages, .* and is damaged\. Restore it: git restore"):
        parse_lock(text)
