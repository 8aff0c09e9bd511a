"""use: a profile goes into params.yaml, comments stay, what changed is told, and a mistake changes nothing."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from m2m.commands.use import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "rare.yaml").write_text("# rare types\nband:\n  band: low\n  low: 5\n")
    who = ["-c", "user.name=a", "-c", "user.email=a"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "--message=a"]):
        subprocess.run(["git", *words], check=True)
    return tmp_path


def test_only_the_values_change_and_every_change_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "params.yaml").read_text().splitlines()
    main("rare")
    after = (folder / "params.yaml").read_text().splitlines()
    changed = [(old.strip(), new.strip()) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.split("#")[0].strip() for _, new in changed] == ["low: 5", "band: low"]
    assert all(old.split("#")[1] == new.split("#")[1] for old, new in changed)
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "band.band  mid → low",
        "band.low   10 → 5",
        "2 settings of params.yaml changed. To undo: git restore params.yaml",
    ]


def test_the_way_back_is_not_one_that_loses_what_no_commit_has(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "params.yaml").open("a") as params:
        params.write("# mine\n")
    main("rare")
    told = capsys.readouterr().out
    assert told.endswith("set these values back by hand.\n")
    assert "git restore" not in told


def test_the_same_profile_again_says_that_nothing_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main("rare")
    once = (folder / "params.yaml").read_bytes()
    main("rare")
    assert (folder / "params.yaml").read_bytes() == once
    assert capsys.readouterr().out.endswith("params.yaml already has the settings of rare; nothing changed\n")


@pytest.mark.parametrize("mistake", ["bnad:\n  low: 5\n", "band:\n  low: 5\n  highest: 3\n", "band: 5\n"])
def test_a_mistake_changes_nothing(folder: Path, mistake: str) -> None:
    (folder / "profiles" / "wrong.yaml").write_text(mistake)
    before = (folder / "params.yaml").read_bytes()
    with pytest.raises(ValueError, match=r"is not a setting of params\.yaml|must be a block"):
        main("wrong")
    assert (folder / "params.yaml").read_bytes() == before


@pytest.mark.parametrize("asked", [{"show": True}, {}])
def test_without_a_name_the_profiles_are_listed(asked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(**asked)
    assert capsys.readouterr().out == "rare  rare types\n"
