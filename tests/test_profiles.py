"""Every shipped profile fits: its settings exist, and each stage takes the command that dvc.yaml makes of them."""

import functools
import inspect
import re
import shlex
import shutil
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import tyro
from dvc.repo import Repo

from m2m.data.benchmarks.sources import Benchmark
from m2m.data.pool.sources import Source
from m2m.grid.design import list_cells
from m2m.grid.params.known_settings import check_settings
from m2m.grid.params.params_file import list_profiles, read_profile, read_settings, write_settings
from m2m.grid.params.profiles import apply_profiles
from m2m.runtime.settings import read_arguments
from m2m.study.analysis.hypotheses import Hypothesis, read_hypotheses

ROOT = Path(__file__).parent.parent
NAMED: dict[str, tuple[str, Any]] = {  # mains that take a mapping by name
    "stages.ingest": ("sources", Source),
    "stages.benchmark": ("sources", Benchmark),
    "stages.analyze": ("hypotheses", Hypothesis),
}
PROFILES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))
each_profile = pytest.mark.parametrize("name", PROFILES)


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def commands(folder: Path) -> list[str]:
    """What dvc.yaml and metrics/dvc.yaml would run with the params.yaml in `folder`, if each stage were to run."""
    for name in ("dvc.yaml", "metrics/dvc.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    with Repo.init(str(folder), no_scm=True) as repo:
        return [stage.cmd for stage in repo.index.stages if stage.cmd]


def taken(command: str, settings: Path) -> dict[str, Any]:
    """The settings that the stage's main would get from `command`; nothing is run."""
    module, words = re.search(r"-m (stages\.\w+) (.+)", command).groups()
    main = import_module(module).main

    @functools.wraps(main)
    def heard(*paths: Path, **settings: Any) -> dict[str, Any]:
        return settings

    words, named = read_arguments(shlex.split(words), settings), {}  # type: ignore[var-annotated]
    if module in NAMED:
        mapping, kind = NAMED[module]
        names = dict.fromkeys(word.split(".")[1] for word in words if word.startswith(f"--{mapping}."))
        named: dict[str, Any] = {mapping: {name: kind() for name in names}}  # type: ignore[no-redef]
    return tyro.cli(functools.partial(heard, **named), args=words)


@each_profile
def test_every_stage_takes_what_the_profile_gives_it(name: Any, tmp_path: Path) -> None:
    settings = read_settings(ROOT / "params.yaml")
    apply_profiles(settings, *read_profile(name))
    write_settings(tmp_path / "params.yaml", settings)
    for command in commands(tmp_path):
        got = taken(command, tmp_path / "params.yaml")
        main = import_module(re.search(r"-m (stages\.\w+) ", command)[1]).main
        assert set(got) == {
            key for key, one in inspect.signature(main).parameters.items() if one.kind is one.KEYWORD_ONLY
        }
    assert Path(settings["launch"]).is_file()


@pytest.mark.parametrize("name", ["smollm2-study", "smollm2-gpu"])
def test_registered_hypotheses_reach_the_analysis_by_flags_as_by_the_command(name: str, tmp_path: Path) -> None:
    settings = read_settings(ROOT / "params.yaml")
    apply_profiles(settings, *read_profile(name))
    write_settings(tmp_path / "params.yaml", settings)
    [command] = [command for command in commands(tmp_path) if "-m stages.analyze " in command]
    got = taken(command, tmp_path / "params.yaml")
    assert got["hypotheses"] == read_hypotheses(settings["analyze"]["hypotheses"]) and len(got["hypotheses"]) == 5
    assert got["hypotheses"]["O1"].margin == 0.01 and got["least_prompts"] > 0
    check_settings(settings)


def test_the_holes_in_the_name_of_a_served_checkpoint_reach_the_stage(tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    got = [
        taken(command, tmp_path / "params.yaml") for command in commands(tmp_path) if "-m stages.generate " in command
    ]
    assert {settings["endpoint"].model for settings in got} == {"{arm}-{weights}"}


def test_a_wrong_value_does_not_fit(tmp_path: Path) -> None:
    settings = read_settings(ROOT / "params.yaml")
    apply_profiles(settings, {"finetune": {"epochs": "many"}})
    write_settings(tmp_path / "params.yaml", settings)
    with pytest.raises(SystemExit):
        [taken(command, tmp_path / "params.yaml") for command in commands(tmp_path)]


@each_profile
def test_a_profile_changes_something_and_says_what_it_is_for(name: Any) -> None:
    assert apply_profiles(read_settings(ROOT / "params.yaml"), *read_profile(name)) != []
    assert list_profiles()[name] and (ROOT / "profiles" / f"{name}.yaml").read_text().startswith("# ")


@each_profile
def test_settings_still_say_what_they_are_and_the_profile_again_changes_nothing(name: Any, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    settings = read_settings(ROOT / "params.yaml")
    apply_profiles(settings, *read_profile(name))
    write_settings(path, settings)
    lines = [line for line in path.read_text().splitlines() if re.match(r"\s*\w[\w-]*:", line)]
    assert [line for line in lines if "#" not in line] == []
    assert apply_profiles(read_settings(path), *read_profile(name)) == []


def test_the_grid_of_the_targeting_profile_has_every_arm_with_five_seeds_and_a_baseline_near_the_examples() -> None:
    settings = read_settings(ROOT / "params.yaml")
    apply_profiles(settings, *read_profile("targeting"))
    cells = list_cells(settings["grid"]["parts"], settings["subset"], "full")
    arms = Counter((cell["strategy"], cell["degree"], cell["prefilter"], cell["prefilter_share"]) for cell in cells)
    near = {("random", 0, "bm25", 0.2), *(("response-micro", degree, "bm25", 0.2) for degree in (0, 3, 6))}
    alone = {(name, 0, "random", 1.0) for name in ("random", "bm25", "rds-plus")}
    assert set(arms) == near | alone | {("response-macro", 6, "bm25", 0.2), ("response-micro", 6, "random", 1.0)}
    assert set(arms.values()) == {5}
