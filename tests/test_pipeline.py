"""dvc.yaml tells the truth: deps are the real imports, paths and flags those of the commands, settings explained."""

import inspect
import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from m2m.grid.provenance import get_cell_settings
from m2m.runtime.settings import read_arguments
from m2m.selection.baselines import CHOOSERS
from m2m.strategies import BASELINES, STRATEGIES
from tests.deps import is_code, list_code, list_imports

ROOT = Path(__file__).parent.parent
IMPORTS = list_imports(ROOT)
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


READ_OTHERWISE = ("profiles/launch/", "params.yaml", "constraints.txt", "data/raw", "data/strategies/")

STAGES = resolved()
each_stage = pytest.mark.parametrize("stage", STAGES, ids=[stage.addressing for stage in STAGES])


def module_of(stage: Any) -> str:
    return re.search(r"-m (stages\.\w+)", stage.cmd)[1]


def words_of(stage: Any) -> list[str]:
    """What the stage's own module is given, with the settings that it reads itself: positional paths, then flags."""
    words = shlex.split(stage.cmd.split(f"-m {module_of(stage)}")[1])
    return [word for argument in read_arguments(words, ROOT / "params.yaml") for word in argument.split("=", 1)]


@each_stage
def test_declared_code_is_the_code_that_runs(stage: Any) -> None:
    declared = [str(dep.def_path) for dep in stage.deps if is_code(ROOT, str(dep.def_path))]
    files = {file for path in declared for file in list_code(ROOT, path)}
    assert files == IMPORTS[module_of(stage)], "declared code is not what the stage imports: run make deps"


@each_stage
def test_paths_in_the_command_are_the_declared_deps_and_outs(stage: Any) -> None:
    words = words_of(stage)
    paths = set(words[: next((at for at, word in enumerate(words) if word.startswith("--")), len(words))])
    deps = {str(dep.def_path) for dep in stage.deps}
    outs = {str(out.def_path) for out in stage.outs}
    assert paths <= deps | outs
    others = {path for path in (deps | outs) - paths if not path.startswith(READ_OTHERWISE)}
    assert {path for path in others if not is_code(ROOT, path)} == set()


@each_stage
def test_flags_are_the_settings_of_main(stage: Any) -> None:
    flags = {re.split(r"[.]", word)[0].removeprefix("--") for word in words_of(stage) if word.startswith("--")}
    main = inspect.signature(import_module(module_of(stage)).main)
    settings = {name for name, parameter in main.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    assert flags == settings - {"hypotheses"}  # of the analysis: nothing is registered by default


@each_stage
def test_settings_have_no_defaults_in_code(stage: Any) -> None:
    main = inspect.signature(import_module(module_of(stage)).main)
    assert all(parameter.default is parameter.empty for parameter in main.parameters.values())


@pytest.mark.parametrize("name", list(DECLARED))
def test_a_stage_is_named_after_its_module(name: Any) -> None:
    declared = DECLARED[name]
    assert f"-m stages.{name.partition('-')[0]} " in declared.get("do", declared)["cmd"]


def test_every_params_block_belongs_to_a_stage() -> None:
    assert set(PARAMS) - NO_STAGE <= set(DECLARED)


def get_params(stage: Any) -> dict[str, Any]:
    """The settings that DVC would lock for the stage, by name, as listed under its `params`."""
    return {name: value for dep in stage.params for name, value in dep.read_params().items()}


def flatten(prefix: str, value: Any) -> dict[str, Any]:
    """Every setting below `prefix` by its dotted name."""
    if isinstance(value, dict):
        return {name: leaf for key in value for name, leaf in flatten(f"{prefix}.{key}", value[key]).items()}
    return {prefix: value}


@each_stage
def test_settings_of_the_command_reach_the_lock_as_params(stage: Any) -> None:
    """Every setting that the stage reads is one of its params, else DVC would not run it after a change."""
    declared = list(get_params(stage))
    names = re.findall(r"(?<=@)[\w.]+", stage.cmd)
    assert [name for name in names if not any(f"{name}.".startswith(f"{param}.") for param in declared)] == []
    assert not shlex.split(stage.cmd.replace("@", ""))[0].startswith("-")


@each_stage
def test_no_setting_is_part_of_a_command_but_paths(stage: Any) -> None:
    """What is typed into dvc.yaml: sides, arms, strategies as file names, and what the opponent has as constants."""
    words = shlex.split(stage.cmd.split(f"-m {module_of(stage)}")[1])
    flags = words[next((at for at, word in enumerate(words) if word.startswith(("--", "@"))), len(words)) :]
    of_the_arm = {stage.addressing.partition("@")[2], "random", "free", "0", "1000000", "1.0", "None"}
    assert {word for word in flags if not word.startswith(("--", "@"))} <= of_the_arm


def test_the_locked_params_of_a_cell_are_all_that_can_be_asked_of_one() -> None:
    (candidate,) = (stage for stage in STAGES if stage.addressing == "subset@candidate")
    assert get_cell_settings({"subset@candidate": {"params": get_params(candidate)}}) == PARAMS["subset"]


def test_the_lock_holds_the_stages_that_there_are() -> None:
    """DVC reads and writes the whole lock for every stage, and never takes out one that was renamed."""
    names = {stage.addressing.removeprefix("metrics/dvc.yaml:") for stage in STAGES}
    locked = [name for lock in ("dvc.lock", "metrics/dvc.lock") for name in YAML().load(ROOT / lock)["stages"]]
    assert sorted(locked) == sorted(names)


def test_no_code_parses_a_command_line_back_into_settings() -> None:
    assert [path for path in (ROOT / "m2m/grid").rglob("*.py") if "shlex.split" in path.read_text()] == []


def test_what_a_strategy_reads_is_what_dvc_puts_under_its_name() -> None:
    copies = [
        (str(out.def_path), [str(dep.def_path) for dep in stage.deps if str(dep.def_path).startswith("data/")])
        for stage in STAGES
        for out in stage.outs
        if stage.addressing.startswith("choices")
    ]
    assert sorted(copies) == sorted((f"data/choices/{name}.parquet", [own.reads]) for name, own in STRATEGIES.items())
    assert set(CHOOSERS) == set(BASELINES)


dvc_graph = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, called by dvc


@dvc_graph
@pytest.mark.parametrize(
    "strategy", ["response-micro", "instruction-micro", "random", "length-matched", "longest", "token-entropy"]
)
def test_a_subset_waits_only_for_what_its_strategy_reads(
    strategy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list_stages_of_subset(strategy) & {"embed", "cluster", "tag", "base", "benchmark"} == set()


@dvc_graph
@pytest.mark.parametrize(("strategy", "stages"), [
    ("response-macro", {"embed", "cluster"}), ("response-meso", {"tag"}), ("k-center", {"embed"}), ("mig", {"tag"}),
    ("ifd", {"base", "difficulty"}), ("rds-plus", {"base", "represent", "resemble"})
])  # fmt: skip
def test_a_subset_waits_for_what_its_strategy_reads(
    strategy: str, stages: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        list_stages_of_subset(strategy) & {"embed", "cluster", "tag", "base", "difficulty", "represent", "resemble"}
        == stages
    )


@dvc_graph
def test_a_prefilter_waits_for_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list_stages_of_subset("random") & {"target", "represent"} == set()
    (tmp_path / "like").mkdir()
    monkeypatch.chdir(tmp_path / "like")
    assert {"represent", "resemble"} <= list_stages_of_subset("random", prefilter="rds-plus")


@dvc_graph
def test_a_subset_waits_for_the_prompts_only_where_overlaps_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list_stages_of_subset("random") & {"benchmark", "overlap"} == set()
    (tmp_path / "dropping").mkdir()
    monkeypatch.chdir(tmp_path / "dropping")
    stages = list_stages_of_subset("random", overlap="drop")
    assert {"benchmark", "overlap", "exclude"} <= stages and stages & {"embed", "cluster", "tag", "base"} == set()


def list_stages_of_subset(strategy: str, overlap: str = "keep", prefilter: str = "random") -> set[str]:
    """The stages that `dvc repro band@instruction band@response subset@candidate` asks for; the folder is a new one."""
    Path("dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    params = (ROOT / "params.yaml").read_text().replace("  strategy: response-micro #", f"  strategy: {strategy} #")
    params = params.replace("  prefilter: random #", f"  prefilter: {prefilter} #")
    Path("params.yaml").write_text(params.replace("overlap: keep #", f"overlap: {overlap} #"))
    with Repo.init(no_scm=True) as repo:
        targets = ("band@instruction", "band@response", "subset@candidate")
        found = {stage.addressing for name in targets for stage in repo.stage.collect(name, with_deps=True)}
    assert [name for name in found if name.startswith("choices")]
    return {name.partition("@")[0] for name in found}


HOSTILE = "a';touch ${IFS}CANARY;$(touch CANARY);`touch CANARY`\"; touch CANARY #"


def set_hostile(settings: Any) -> Any:
    """The settings with a hostile value in place of every text, and a hostile name in place of every free name."""
    if isinstance(settings, dict):
        return {key: set_hostile(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [set_hostile(value) for value in settings]
    return HOSTILE.replace("$", "\\$") if isinstance(settings, str) else settings


@dvc_graph
def test_no_text_of_the_settings_runs_in_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of dvc.yaml, as DVC would hand it to a shell, with a python that does nothing.

    DVC refuses a stage whose input no stage makes, so a path with a hostile strategy or overlap is never run: the
    settings that name files keep their values here, and stages.strategy refuses others.
    """
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    settings = set_hostile(YAML(typ="safe").load(ROOT / "params.yaml"))
    plain = YAML(typ="safe").load(ROOT / "params.yaml")
    settings["subset"] |= {name: plain["subset"][name] for name in ("strategy", "match", "prefilter")}
    settings["overlap"] = plain["overlap"]
    for block in ("ingest", "benchmark"):
        settings[block]["sources"] = {"a;touch${IFS}CANARY;": {"kind": HOSTILE}}
    with Path("params.yaml").open("w") as file:
        YAML(typ="safe").dump(settings, file)
    with Repo.init(no_scm=True) as repo:
        commands = [stage.cmd for stage in repo.index.stages if stage.cmd]
    assert len(commands) > 30
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    script = "\n".join(f"({command})" for command in commands)
    done = subprocess.run(
        ["sh", "-c", script], env={"PATH": f"{python.parent}:/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "CANARY").exists()


def test_a_source_s_hostile_name_is_refused_by_its_stage(tmp_path: Path) -> None:
    settings = {"ingest": YAML(typ="safe").load(ROOT / "params.yaml")["ingest"]}
    settings["ingest"]["sources"] = {"a;touch${IFS}CANARY;": {"kind": "docstrings", "packages": ["rich"]}}
    with (tmp_path / "params.yaml").open("w") as file:
        YAML(typ="safe").dump(settings, file)
    words = [sys.executable, "-m", "stages.ingest", *"abcdef", "@ingest"]
    done = subprocess.run(
        words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "error: a name in sources may have letters, digits, - and _, got 'a;touch${IFS}CANARY;'\n"


def test_every_setting_says_what_it_is() -> None:
    lines = (ROOT / "params.yaml").read_text().splitlines()
    settings = [line for line in lines if re.match(r"\s*\w[\w-]*:", line)]
    assert [line for line in settings if "#" not in line] == []


def test_init_files_are_empty_since_no_stage_declares_them() -> None:
    assert [
        path for path in [*ROOT.glob("stages/**/__init__.py"), *ROOT.glob("m2m/**/__init__.py")] if path.read_text()
    ] == []
