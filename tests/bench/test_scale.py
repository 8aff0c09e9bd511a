"""The commands of the benches are those that the stages take today."""

import functools
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import tyro

from bench.engines import list_stages
from bench.scale import list_commands
from m2m.data.pool.sources import Source
from m2m.runtime.settings import read_arguments

ROOT = Path(__file__).parents[2]
COMMANDS = [
    *list_commands(Path("work"), Path("raw.jsonl"), select=False),
    *list_stages(Path("work"), Path("raw.jsonl"), Path("prompts.parquet"), tokens=16),
]


def parse(command: list[str]) -> tuple[list[Path], dict[str, Any]]:
    """The paths and settings that the stage's main would get; nothing is run."""
    main = import_module(command[0]).main

    @functools.wraps(main)
    def record(*paths: Path, **settings: Any) -> tuple[list[Path], dict[str, Any]]:
        return list(paths), settings

    named = {"sources": {"rows": Source()}} if command[0] == "stages.ingest" else {}
    words = read_arguments(command[1:], ROOT / "params.yaml")
    return tyro.cli(functools.partial(record, **named), args=words)


@pytest.mark.parametrize("command", [pytest.param(command, id=stage) for stage, command in COMMANDS])
def test_the_stage_takes_the_command(command: list[str]) -> None:
    paths, settings = parse(command)
    parameters = inspect.signature(import_module(command[0]).main).parameters.values()
    assert len(paths) == sum(one.kind is one.POSITIONAL_ONLY for one in parameters)
    assert set(settings) == {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}


def test_what_the_bench_sets_wins_over_the_block() -> None:
    [command] = [command for stage, command in COMMANDS if stage == "subset longest"]
    _, settings = parse(command)
    assert (settings["strategy"], settings["degree"], settings["size"]) == ("longest", 3, 10_000)
    assert (settings["prefilter"], settings["overlap"]) == ("random", "keep")
    [command] = [command for stage, command in COMMANDS if stage == "cluster response"]
    assert parse(command)[1]["sample"] == 2000


def test_a_command_that_lacks_a_path_is_refused() -> None:
    [command] = [command for stage, command in COMMANDS if stage == "subset random"]
    with pytest.raises(SystemExit):
        parse([command[0], *command[2:]])
