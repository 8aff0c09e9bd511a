"""`make deps` keeps dvc.yaml's code deps at what the stages import, and DVC hashes that code and nothing beside it."""

import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from tests.deps import PIPELINES, fold, is_code, list_code, list_imports, list_paths, rewrite
from tests.planted_faults import copy_repository
from tests.test_smoke import environment, run

ROOT = Path(__file__).parent.parent
IMPORTS = list_imports(ROOT)
PIPELINE = """# a comment
stages:
  # why first
  first:
    matrix:
      side: ${sides}
    cmd: python -m stages.first data/${item.side} m2m/b/words.txt
    deps:
      - data/${item.side}  # what it reads
      - m2m/gone
      - stages/first.py  # kept
      - m2m/b/words.txt
  other:
    cmd: echo
    deps:
      - m2m/a.py
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    copy_repository(ROOT, tmp_path)
    return tmp_path


def deps(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    words = (sys.executable, "-m", "tests.deps", *words)
    return subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


def declared_files(folder: Path, stage: str) -> set[str]:
    declared = YAML().load(folder / "dvc.yaml")["stages"][stage]
    paths = [path for path in list_paths(declared.get("do", declared)["deps"]) if is_code(folder, path)]
    return {file for path in paths for file in list_code(folder, path)}


@pytest.mark.parametrize("name", PIPELINES)
def test_make_deps_changes_nothing_here(name: str) -> None:
    text = (ROOT / name).read_text()
    assert rewrite(ROOT, text, IMPORTS) == text, "run make deps"


def test_an_import_more_fails_the_check_and_make_deps_mends_it(copy: Path) -> None:
    alone = sorted(file for file in list_code(ROOT, "m2m/planning") if file not in IMPORTS["stages.embed"])[0]
    stage = copy / "stages" / "embed.py"
    stage.write_text(f"{stage.read_text()}\n\nimport {alone[:-3].replace('/', '.')}\n")
    before = declared_files(copy, "embed")
    check = deps(copy, "--check")
    assert check.returncode == 1 and "dvc.yaml" in check.stderr and "run make deps" in check.stderr
    assert declared_files(copy, "embed") == before
    assert deps(copy).returncode == 0
    assert declared_files(copy, "embed") == list_imports_of(copy)["stages.embed"] > before | {alone}
    assert deps(copy, "--check").returncode == 0


def test_only_code_deps_are_rewritten(tmp_path: Path) -> None:
    for name in ("stages/first.py", "m2m/a.py", "m2m/b/c.py", "m2m/b/d.py", "m2m/b/words.txt", "m2m/b/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    imports = {"stages.first": frozenset({"stages/first.py", "m2m/a.py", "m2m/b/c.py", "m2m/b/d.py"})}
    old = "      - m2m/gone\n      - stages/first.py  # kept\n"
    new = "      - stages/first.py  # kept\n      - m2m/a.py\n      - m2m/b\n"
    assert rewrite(tmp_path, PIPELINE, imports) == PIPELINE.replace(old, new)


def test_a_folder_is_declared_only_where_all_of_it_is_imported(tmp_path: Path) -> None:
    for name in ("b/c.py", "b/d.py", "b/e/f.py", "b/e/g.py", "h/i.py"):
        (tmp_path / "m2m" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "m2m" / name).touch()
    code = list_code(tmp_path, "m2m")
    assert fold(tmp_path, code, frozenset()) == ["m2m/b", "m2m/h/i.py"]
    assert fold(tmp_path, code - {"m2m/b/c.py"}, frozenset()) == ["m2m/b/d.py", "m2m/b/e", "m2m/h/i.py"]
    (tmp_path / "m2m/b/e/words.txt").touch()  # DVC would hash it with the folder
    assert fold(tmp_path, code, frozenset()) == [
        "m2m/b/c.py",
        "m2m/b/d.py",
        "m2m/b/e/f.py",
        "m2m/b/e/g.py",
        "m2m/h/i.py",
    ]
    assert fold(tmp_path, code, frozenset({"m2m/b/e/words.txt"})) == ["m2m/b", "m2m/h/i.py"]


def list_imports_of(folder: Path) -> dict[str, frozenset[str]]:
    """The imports of a copy, seen by a process of its own: this one has imported the real packages."""
    words = [sys.executable, "-c", "from tests.deps import *; print(repr(list_imports(Path.cwd())))"]
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    return eval(done.stdout)  # noqa: S307  # a dict of frozensets, printed by the line above


def hash_code(folder: Path) -> dict[str, dict[str, str]]:
    """Every stage's code deps as DVC hashes them."""
    with Repo(str(folder)) as repo:
        return {
            stage.addressing: {
                str(dep.def_path): dep.get_hash().value for dep in stage.deps if is_code(folder, str(dep.def_path))
            }
            for stage in repo.index.stages
        }


def test_a_comment_runs_the_stages_that_import_its_file_and_no_other(copy: Path) -> None:
    """Ten files spread over the rooms, by the hashes that DVC itself compares."""
    files = sorted({file for files in IMPORTS.values() for file in files if file.startswith("m2m/")})
    known = hash_code(copy)
    for file in files[:: len(files) // 10][:10]:
        with (copy / file).open("a") as code:
            code.write("# a comment\n")
        hashes = hash_code(copy)
        stale = {name for name in hashes if hashes[name] != known[name]}
        assert {name.split("@")[0].split(":")[-1].split("-")[0] for name in stale} == {
            stage.removeprefix("stages.") for stage, imports in IMPORTS.items() if file in imports
        }
        known = hashes


LEFT_BY_EDITORS = (
    ".sample.py.swp",
    "sample.py~",
    "#sample.py#",
    ".#sample.py",
    "4913",
    "__pycache__/sample.cpython-311.pyc",
)


def test_what_editors_and_caches_leave_in_a_room_changes_no_hash(copy: Path) -> None:
    known = hash_code(copy)
    assert any(path == "m2m/selection" for paths in known.values() for path in paths)
    for room in ("selection", "runtime", "prompts", "study/report/templates", "export/templates"):
        for name in LEFT_BY_EDITORS:
            (copy / "m2m" / room / name).parent.mkdir(exist_ok=True)
            (copy / "m2m" / room / name).write_text("left behind")
    assert hash_code(copy) == known


def test_dvc_sees_every_tracked_file_of_m2m_and_no_other(copy: Path) -> None:
    (copy / "m2m" / "selection" / ".sample.py.swp").write_text("left behind")
    tracked = set(run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard", "m2m").split())
    with Repo(str(copy)) as repo:
        seen = {
            str((Path(folder) / name).relative_to(copy))
            for folder, _, names in repo.dvcignore.walk(repo.fs, str(copy / "m2m"))
            for name in names
        }
    assert seen == {name for name in tracked if (ROOT / name).is_file()}


def test_a_swap_file_in_a_room_runs_nothing_in_the_workspace_or_in_a_temporary_copy(copy: Path) -> None:
    """A pipeline of one stage with a room, a prompt and the templates as deps, under the real .dvcignore."""
    for name in PIPELINES:
        (copy / name).unlink()
    for path in ("metrics/dvc.lock", "dvc.lock"):
        (copy / path).unlink(missing_ok=True)
    deps = ["m2m/selection", "m2m/prompts/tag.txt", "m2m/study/report/templates"]
    with (copy / "dvc.yaml").open("w") as file:
        YAML().dump(
            {"stages": {"copy": {"cmd": "cp m2m/prompts/tag.txt out.txt", "deps": deps, "outs": ["out.txt"]}}}, file
        )
    run(copy, "dvc", "repro", "--quiet")
    run(copy, "git", "add", "--all")
    run(copy, "git", "commit", "--quiet", "--message", "once")
    for name in LEFT_BY_EDITORS:
        (copy / "m2m" / "selection" / name).parent.mkdir(exist_ok=True)
        (copy / "m2m" / "selection" / name).write_text("left behind")
    assert "up to date" in run(copy, "dvc", "status")
    swap = ("--copy-paths", f"m2m/selection/{LEFT_BY_EDITORS[0]}")
    assert "'copy' didn't change, skipping" in run(copy, "dvc", "exp", "run", "--temp", *swap)
    template = sorted((copy / "m2m/study/report/templates").iterdir())[0]
    template.write_text(f"{template.read_text()}\n")
    assert "m2m/study/report/templates" in run(copy, "dvc", "status")
