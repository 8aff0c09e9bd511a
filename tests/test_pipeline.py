"""dvc.yaml tells the truth: deps are the real imports, paths and flags those of the commands, settings explained."""

import inspect
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import grimp
import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from m2m.grid.provenance import get_cell_settings

ROOT = Path(__file__).parent.parent
GRAPH = grimp.build_graph("stages", "m2m", cache_dir=None)
CELL, STUDY = (YAML().load(ROOT / name)["stages"] for name in ("dvc.yaml", "metrics/dvc.yaml"))
DECLARED = CELL | STUDY
PARAMS = YAML().load(ROOT / "params.yaml")
NO_STAGE = {
    "launch",
    "prompt_format",
    "opponent",
    "grid",
}  # settings that are not one stage's alone, and the grid's cells


def resolved() -> list[Any]:
    with Repo(str(ROOT)) as repo:
        return sorted((stage for stage in repo.index.stages if stage.cmd), key=lambda stage: stage.addressing)


READ_OTHERWISE = ("profiles/launch/", "params.yaml", "constraints.txt", "data/raw")

STAGES = resolved()
each_stage = pytest.mark.parametrize("stage", STAGES, ids=[stage.addressing for stage in STAGES])


def module_of(stage: Any) -> str:
    return re.search(r"-m (stages\.\w+)", stage.cmd)[1]


def words_of(stage: Any) -> list[str]:
    """What the stage's own module is given: positional paths, then flags."""
    return shlex.split(stage.cmd.split(f"-m {module_of(stage)}")[1])


def file_of(module: str) -> str:
    path = Path(*module.split("."))
    return str(path.with_suffix(".py"))


@each_stage
def test_declared_code_is_the_code_that_runs(stage):
    imported = {module_of(stage), *GRAPH.find_upstream_modules(module_of(stage))}
    expected = {file_of(name) for name in imported if not (ROOT / Path(*name.split("."))).is_dir()}
    declared = {str(dep.def_path) for dep in stage.deps if str(dep.def_path).startswith(("stages/", "m2m/"))}
    assert {path for path in declared if path.endswith(".py")} == expected


@each_stage
def test_paths_in_the_command_are_the_declared_deps_and_outs(stage):
    words = words_of(stage)
    paths = set(words[: next((at for at, word in enumerate(words) if word.startswith("--")), len(words))])
    deps = {str(dep.def_path) for dep in stage.deps}
    outs = {str(out.def_path) for out in stage.outs}
    assert paths <= deps | outs
    assert [path for path in (deps | outs) - paths if not path.startswith(READ_OTHERWISE) and path[-3:] != ".py"] == []


@each_stage
def test_flags_are_the_settings_of_main(stage):
    flags = {re.split(r"[.]", word)[0].removeprefix("--") for word in words_of(stage) if word.startswith("--")}
    main = inspect.signature(import_module(module_of(stage)).main)
    settings = {name for name, parameter in main.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    assert flags == settings


@each_stage
def test_settings_have_no_defaults_in_code(stage):
    main = inspect.signature(import_module(module_of(stage)).main)
    assert all(parameter.default is parameter.empty for parameter in main.parameters.values())


@pytest.mark.parametrize("name", list(DECLARED))
def test_a_stage_is_named_after_its_module(name):
    declared = DECLARED[name]
    assert f"-m stages.{name} " in declared.get("do", declared)["cmd"]


def test_every_params_block_belongs_to_a_stage():
    assert set(PARAMS) - NO_STAGE <= set(DECLARED)


def test_the_command_of_a_cell_tells_all_that_can_be_asked_of_one():
    (candidate,) = (stage for stage in STAGES if stage.addressing == "subset@candidate")
    assert get_cell_settings({"subset@candidate": {"cmd": candidate.cmd}}) == PARAMS["subset"]


def test_every_setting_says_what_it_is():
    lines = (ROOT / "params.yaml").read_text().splitlines()
    settings = [line for line in lines if re.match(r"\s*\w[\w-]*:", line)]
    assert [line for line in settings if "#" not in line] == []


def test_init_files_are_empty_since_no_stage_declares_them():
    assert [
        path for path in [*ROOT.glob("stages/**/__init__.py"), *ROOT.glob("m2m/**/__init__.py")] if path.read_text()
    ] == []
