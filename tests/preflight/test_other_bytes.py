"""What a person reads when a run made other bytes than the committed ones: the stages, the reason, what to do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from m2m.commands import check
from m2m.preflight.other_bytes import describe_other_bytes, list_first_differences
from tests.grid.test_queued_commit import git


def stage(out: str, dep: str = "d", seed: int = 1) -> dict[str, Any]:
    outs = [{"path": "out", "hash": "md5", "md5": out, "size": 1}]
    deps = [{"path": "dep", "hash": "md5", "md5": dep, "size": 1}]
    return {"cmd": "python x.py", "deps": deps, "params": {"params.yaml": {"seed": seed}}, "outs": outs}


BEFORE = {"ingest": stage("a"), "base": stage("b"), "finetune": stage("c", dep="b"), "judge": stage("e")}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/base.json").write_text("1")
    (tmp_path / "README.md").write_text("1")
    write(BEFORE)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


def write(stages: dict[str, Any]) -> None:
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def test_stages_of_equal_inputs_are_named_and_those_that_follow_are_counted(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(BEFORE | {"base": stage("other"), "finetune": stage("another", dep="other")})
    Path("metrics/base.json").write_text("2")
    Path("README.md").write_text("2")  # is a person's, and no result
    check.main(outputs=True)
    assert capsys.readouterr().out == (
        "Same inputs, other bytes than in the last commit: base (later stages that follow: 1). Another CPU rounds "
        "otherwise: that is no fault, and your results are right. Commit dvc.lock metrics/base.json to keep them; "
        "or go back with: git restore dvc.lock metrics/base.json\n"
    )


def test_a_stage_that_no_cpu_changes_is_no_matter_of_the_cpu(clone: Path) -> None:
    write(BEFORE | {"ingest": stage("other"), "base": stage("other")})
    assert describe_other_bytes() == (
        "Same inputs, other bytes than in the last commit: ingest. No CPU explains that: compare your packages with "
        "constraints.txt, and please report it."
    )


def with_settings(out: str, **blocks: Any) -> dict[str, Any]:
    return stage(out) | {"params": {"params.yaml": blocks}}


CPU, SERVER = "nother CPU rounds otherwise", "An LLM server may reply otherwise"


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("respond", {"respond": {"engine": "keep"}}, "No CPU explains that"),
        ("respond", {"respond": {"engine": "endpoint"}}, SERVER),
        ("respond", {"respond": {"engine": "local"}}, CPU),
        ("tag@response", {"tag": {"engine": "phrases"}}, "No CPU explains that"),
        ("tag@response", {"tag": {"engine": "endpoint"}}, SERVER),
        ("rate@quality", {"rate": {"engine": "none"}}, "No CPU explains that"),
        ("rate@quality", {"rate": {"engine": "local"}}, CPU),
        ("judge", {"judge": {"engines": ["likelihood"], "llm": "endpoint"}}, CPU),
        ("judge", {"judge": {"engines": ["likelihood", "arena-hard"], "llm": "endpoint"}}, SERVER),
        ("judge", {"judge": {"engines": ["arena-hard"], "llm": "local"}}, CPU),
        ("generate@candidate", {"generate": {"engine": "endpoint"}}, SERVER),
    ],
)
def test_other_replies_of_a_server_are_no_matter_of_the_cpu_and_no_fault(
    clone: Path, name: str, settings: dict[str, Any], reason: str
) -> None:
    write(BEFORE | {name: with_settings("one", **settings)})
    git(clone, "commit", "--quiet", "--all", "--message", "two")
    write(BEFORE | {name: with_settings("two", **settings)})
    text = describe_other_bytes()
    assert [text.count(one) for one in ("No CPU explains that", SERVER, CPU)] == [
        int(reason == one) for one in ("No CPU explains that", SERVER, CPU)
    ]
    write(BEFORE | {name: with_settings("two", **settings), "base": stage("other")})
    if reason == SERVER:
        assert f"{SERVER} and another CPU rounds otherwise: that is no fault" in describe_other_bytes()


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        BEFORE | {"base": stage("other", seed=2)},
        BEFORE | {"base": stage("other", dep="edited")},
        BEFORE | {"base": stage("other") | {"cmd": "python y.py"}},
        BEFORE | {"new": stage("other")},
        {},
    ],
)
def test_a_change_that_a_person_made_is_not_laid_on_the_cpu(clone: Path, after: dict[str, Any]) -> None:
    assert list_first_differences(BEFORE, after) == []
    write(after)
    assert describe_other_bytes() == ""


def test_a_lock_that_was_never_committed_is_compared_with_nothing(clone: Path) -> None:
    git(clone, "rm", "--quiet", "--cached", "dvc.lock")
    git(clone, "commit", "--quiet", "--message", "two")
    assert describe_other_bytes() == ""
