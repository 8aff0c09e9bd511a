"""The command line: one help for all commands, quick, with completion; errors are one sentence."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from m2m.__main__ import ANYWHERE, COMMANDS, DOORS, SHELLS, format_help
from m2m.__main__ import main as m2m_main
from m2m.preflight.restore import restore_workspace

ROOT = Path(__file__).parent.parent
HEAVY = ("polars", "pandera", "numpy", "scipy", "dvc", "torch", "transformers", "mlflow", "altair", "pydantic")
IMPORTED = """
import sys
from m2m.__main__ import main
sys.argv = ["m2m", *sys.argv[1:]]
try:
    main()
finally:
    print("imported", *sys.modules, file=sys.stderr)
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "m2m", *words], cwd=ROOT, capture_output=True, text=True)


def test_every_module_of_commands_is_a_command_in_one_group() -> None:
    modules = {path.stem.replace("_", "-") for path in (ROOT / "m2m/commands").glob("*.py")} - {"--init--"}
    assert sorted(COMMANDS) == sorted(modules)
    assert len(COMMANDS) == len(set(COMMANDS))


def test_the_help_has_a_line_a_command_under_the_three_doors() -> None:
    lines = format_help("m2m").splitlines()
    assert [line for line in lines if line in DOORS] == list(DOORS)
    for name in COMMANDS:
        mark = " " if name in ANYWHERE else "*"
        [line] = [line for line in lines if line.startswith(f"{mark} {name} ")]
        summary = str(import_module(f"m2m.commands.{name.replace('-', '_')}").__doc__).splitlines()[0]
        assert line.endswith(summary) and len(line) <= 120


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ANYWHERE])
def test_a_command_that_needs_a_clone_says_so_elsewhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["m2m", name])
    with pytest.raises(SystemExit, match=f"{name} needs a clone of the project, and this folder has no dvc.yaml"):
        m2m_main()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_looks_at_the_workspace_first_in_a_clone_and_none_in_another_project(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Any] = []
    monkeypatch.setattr("m2m.runtime.cli.run", lambda main, program, before: looked.append(before))
    monkeypatch.chdir(tmp_path)
    for path, flags in (("dvc.yaml", ["--help"]), ("m2m/preflight", [])):
        Path(path).mkdir(parents=True)
        monkeypatch.setattr(sys, "argv", ["m2m", name, *flags])
        m2m_main()
    assert looked == [None, restore_workspace]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_touches_another_project_of_dvc(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One with a lock of git that a kill left, and empty settings."""
    for path in (".git/refs", ".git/objects", ".dvc"):
        (tmp_path / path).mkdir(parents=True)
    files = {
        "dvc.yaml": "stages: {}\n",
        "params.yaml": "",
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/index.lock": "",
    }
    for path, text in files.items():
        (tmp_path / path).write_text(text)
        os.utime(tmp_path / path, (1_700_000_000, 1_700_000_000))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["m2m", name])
    with pytest.raises(SystemExit) as ended:
        m2m_main()
    if name not in ANYWHERE:
        expected = (
            f"error: {name} needs a clone of the project, and this folder has no m2m/preflight: run it in the clone"
        )
        assert str(ended.value) == expected
    assert "mended" not in capsys.readouterr().err
    assert {path: (tmp_path / path).read_text() for path in files} == files
    assert not (tmp_path / ".cache").exists()


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_without_a_command_the_help_is_printed(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == format_help("python -m m2m") + "\n"


@pytest.mark.parametrize("words", [("--help",), *((name, "--help") for name in COMMANDS)])
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED, *words], cwd=ROOT, capture_output=True, text=True)
    imported = done.stderr.split("imported", 1)[1].split()
    assert "usage: m2m" in done.stdout
    assert [name for name in HEAVY if name in imported] == []


def test_the_help_of_a_command_bears_its_name_and_explains_every_flag() -> None:
    done = run("grid", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: python -m m2m grid [-h] [OPTIONS]")
    flags = ("--jobs INT", "--staged", "--quick", "--full", "--pilot", "--sizes", "--folder")
    assert [flag for flag in flags if flag not in done.stdout] == []


@pytest.mark.parametrize(("word", "hint"), [("gird", "Did you mean grid? "), ("xyz", "")])
def test_an_unknown_command_is_one_sentence_with_the_nearest_one(word: str, hint: str) -> None:
    done = run(word)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {word!r} is not a command. {hint}`python -m m2m --help` lists all commands.\n"


def test_an_error_of_a_command_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "m2m", "select", "x.jsonl"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: name the size of the subset: --size ROWS") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_offers_every_command(shell: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert all(name in done.stdout for name in (*COMMANDS, "jobs", "experiment"))


def test_the_completion_of_bash_completes_a_command_and_its_flags() -> None:
    script = run("completion", "bash").stdout
    asked = """
    COMP_WORDS=(m2m {words}); COMP_CWORD={place}; COMP_LINE="m2m {words}"; COMP_POINT=${{#COMP_LINE}}
    _tyro_m2m; echo "${{COMPREPLY[@]}}"
    """
    for words, place, expected in (("gr", 1, "grid"), ("grid --jo", 2, "--jobs")):
        done = subprocess.run(
            ["bash", "-c", script + asked.format(words=words, place=place)], capture_output=True, text=True
        )
        assert done.stdout.split() == [expected], done.stderr


def test_completion_of_no_shell_is_refused() -> None:
    done = run("completion")
    assert done.returncode == 1 and done.stderr == "error: completion needs one of bash, zsh, tcsh, got nothing\n"


@pytest.mark.long  # the wheel's builder comes from PyPI, unless uv has it
def test_the_wheel_has_every_file_of_the_library_and_selects_without_a_clone(tmp_path: Path) -> None:
    built = subprocess.run(["uv", "build", "--wheel", "--out-dir", tmp_path, ROOT], capture_output=True, text=True)
    if "Failed to fetch" in built.stderr or "No solution found" in built.stderr:
        pytest.skip("no network for the wheel's builder")
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    listed = subprocess.run(
        ["git", "ls-files", "m2m", "stages"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    names = zipfile.ZipFile(wheel).namelist()
    assert set(listed) <= set(names)
    assert {"m2m/export/bundled/study.json", "m2m/export/bundled/development/study.json"} <= set(names)
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    (tmp_path / "my.csv").write_text("instruction,output\n" + "".join(f"Say {n},word {n % 3}\n" for n in range(20)))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "m2m", "select", "my.csv", "--size", "5", "--band.low", "1", "--page", "write"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"evidence   In the bundled studies \(default, development pool\)", done.stdout)
    assert (tmp_path / "picked/index.html").exists()


@pytest.mark.long
def test_no_command_touches_a_detached_head_or_a_stash_of_ones_own(tmp_path: Path) -> None:
    for name in ("dvc.yaml", "params.yaml", "profiles"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "my.csv").write_text("instruction,output\n" + "".join(f"Say {n},word {n}\n" for n in range(9)))
    (tmp_path / "m2m/preflight").mkdir(parents=True)  # it marks a clone
    (tmp_path / "note").write_text("first")
    identity = {f"GIT_{who}_{what}": "me" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **identity, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(tmp_path / "cache")}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)

    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "a"), ("checkout", "-q", "--detach")):
        assert call("git", *words).returncode == 0
    (tmp_path / "note").write_text("my own change")
    call("git", "stash")
    before = [call("git", *words).stdout for words in (("rev-parse", "HEAD"), ("stash", "list"))]
    commands = {
        "use": ["paper-10k"],
        "select": ["my.csv", "--size", "2", "--strategy", "random"],
        "export": ["out"],
        "page": [],
    }
    done = {name: call(sys.executable, "-m", "m2m", name, *flags) for name, flags in commands.items()}
    assert {name: run.returncode for name, run in done.items()} == {"use": 0, "select": 0, "export": 1, "page": 1}
    assert done["export"].stderr.startswith("error: dvc.lock must hold one run up to the subset.")
    assert not any("stash" in run.stdout + run.stderr for run in done.values())
    assert [call("git", *words).stdout for words in (("rev-parse", "HEAD"), ("stash", "list"))] == before
    assert call("git", "symbolic-ref", "HEAD").returncode != 0 and (tmp_path / "note").read_text() == "first"
