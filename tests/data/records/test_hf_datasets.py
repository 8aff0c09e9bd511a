"""The hub: a local folder is read like a repository; without a network one sentence says what is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import huggingface_hub
import pytest

from m2m.data.records.hf_datasets import fetch_file, read_dataset, resolve_revision
from m2m.data.records.read_files import SourceRecord

ROOT = Path(__file__).parents[3]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"prompt": f"q{number}", "completion": f"a{number}"} for number in range(5)]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return tmp_path / "set"


def test_a_local_folder_is_streamed_up_to_the_row_limit(folder: Path) -> None:
    found = list(read_dataset(str(folder), "", "train", "main", 2))
    assert found == [
        SourceRecord(0, {"prompt": "q0", "completion": "a0"}),
        SourceRecord(1, {"prompt": "q1", "completion": "a1"}, place=1),
    ]
    assert len(list(read_dataset(str(folder), "", "train", "", None))) == 5


def test_a_missing_split_is_one_sentence(folder: Path) -> None:
    with pytest.raises(
        OSError,
        match=r'^folder .* could not be read as a data set, see to config and split: ValueError: Bad split: "?no',
    ):
        list(read_dataset(str(folder), "", "no", "", None))


def test_a_file_of_a_local_folder_is_its_path(folder: Path) -> None:
    assert fetch_file(str(folder), "train.jsonl", "main") == folder / "train.jsonl"


def test_a_commit_needs_no_network_to_be_resolved() -> None:
    assert resolve_revision("owner/name", COMMIT) == COMMIT


def test_a_branch_is_resolved_to_its_commit_and_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    info = lambda self, id, revision, timeout: asked.append((id, revision)) or SimpleNamespace(sha=COMMIT)  # type: ignore[func-returns-value]  # noqa: E731
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", info)
    assert resolve_revision("owner/name", "main") == COMMIT
    assert asked == [("owner/name", "main")]
    assert f"owner/name: revision main is commit {COMMIT}" in capsys.readouterr().err


def test_what_is_asked_of_the_hub_is_the_commit_and_streaming(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[Any, Any] = {}
    reached = []

    def load(*given: Any, **named: Any) -> list[dict[str, str]]:
        asked.update(named, given=given)
        return [{"prompt": "a"}]

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda _, id, **named: reached.append((id, named)))
    monkeypatch.setattr(datasets, "load_dataset", load)
    assert list(read_dataset("owner/name", "small", "test", COMMIT, None)) == [SourceRecord(0, {"prompt": "a"})]
    assert reached == [("owner/name", {"revision": COMMIT, "timeout": 30})]
    assert asked == {"given": ("owner/name", "small"), "split": "test", "revision": COMMIT, "streaming": True}


def test_files_are_fetched_at_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def download(id: str, path: str, **named: str) -> str:
        asked.update(named)
        return f"/cache/{id}/{path}"

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert fetch_file("owner/name", "a/b.json", COMMIT) == Path("/cache/owner/name/a/b.json")
    assert asked == {"repo_type": "dataset", "revision": COMMIT}


def test_without_a_network_one_sentence_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise ConnectionError("Name or service not known\nand much more")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", offline)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    monkeypatch.setattr(datasets, "load_dataset", offline)
    needs = r"^owner/name.* needs the Hugging Face hub .*ConnectionError: Name or service not known; without a network"
    for read in (
        lambda: resolve_revision("owner/name", ""),
        lambda: list(read_dataset("owner/name", "", "train", COMMIT, None)),
        lambda: fetch_file("owner/name", "a.json", COMMIT),
    ):
        with pytest.raises(OSError, match=needs) as error:
            read()
        assert "\n" not in str(error.value)


def test_a_file_that_was_fetched_before_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise AssertionError("asked")

    kept = tmp_path / "a.json"
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: str(kept))
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", offline)
    assert fetch_file("owner/name", "a.json", COMMIT) == kept


ENDS_AT_ONCE = """
import sys, time
from m2m.data.records.hf_datasets import fetch_file, read_dataset
from m2m.models import resolve_commit
waits = []
time.sleep = waits.append
for read in (
    lambda: next(read_dataset("owner/name", "", "train", "c" * 40, None)),
    lambda: fetch_file("owner/name", "a.json", "c" * 40),
    lambda: resolve_commit("owner/name", "c" * 40),
):
    try:
        read()
    except OSError as error:
        print(error)
assert max(waits, default=0) < 0.5, "the downloads' own retries wait for half a minute"
"""


def test_with_the_hub_down_each_kind_of_source_ends_at_once_in_one_sentence(tmp_path: Path) -> None:
    env = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}  # nothing listens there
    done = subprocess.run([sys.executable, "-c", ENDS_AT_ONCE], env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) == 3 and all("owner/name" in line and "Hugging Face hub" in line for line in told)
