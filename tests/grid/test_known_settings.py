"""The settings that there are: those of the shipped params.yaml and no others; a key that nothing reads is refused."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from m2m.commands import check, grid, plan, use
from m2m.grid.known_settings import ANY, check_settings, list_known_settings
from m2m.grid.params_file import list_profiles, read_profile, read_settings, write_settings
from m2m.grid.profiles import apply_profiles

ROOT = Path(__file__).parents[2]
PARAMS = read_settings(ROOT / "params.yaml")


def list_leaves(block: Any, prefix: Any = "") -> Iterator[Any]:
    for key, inner in block.items():
        if not isinstance(inner, dict) or ANY in inner or key in ("sources", "parts"):
            yield f"{prefix}{key}"
        else:
            yield from list_leaves(inner, f"{prefix}{key}.")


def test_what_dvc_hands_to_the_stages_is_what_the_shipped_settings_have() -> None:
    assert set(list_leaves(list_known_settings())) - {"generate.endpoint.revision"} == set(list_leaves(PARAMS))


def test_every_shipped_profile_has_known_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in list_profiles():
        settings = deepcopy(PARAMS)
        apply_profiles(settings, *read_profile(name))
        assert check_settings(settings) > 100


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("subset.min_tokns", r"^params\.yaml: subset\.min_tokns is not a setting\. Did you mean subset\.min_tokens\?$"),
        ("opponent.sed", r"opponent\.sed is not a setting\. Did you mean opponent\.seed\?"),
        ("opponent.degree", r"opponent\.degree is not a setting\. Did you mean subset\.degree\?"),
        ("finetun", r"finetun is not a setting\. Did you mean finetune\?"),
        ("min_tokens", r"min_tokens is not a setting\. Did you mean subset\.min_tokens\?"),
        ("band.zzzz", r"band\.zzzz is not a setting\. band has band, high, limits, low, tokenizer\."),
        ("tag.side", r"tag\.side is not a setting\. Did you mean"),
        ("judge.endpoint.modell", r"judge\.endpoint\.modell is not a setting\. Did you mean judge\.endpoint\.model\?"),
        ("ingest.sources.docstrings.limt", r"sources\.docstrings\.limt is not a setting\. Did you mean .*\.limit\?"),
        ("grid.parts.random.sead", r"grid\.parts\.random\.sead is not a setting\. Did you mean .*\.seed\?"),
    ],
)
def test_a_key_that_nothing_reads_is_refused_with_its_path_and_the_nearest_one(path: str, message: str) -> None:
    settings = deepcopy(PARAMS)
    *blocks, key = path.split(".")
    inner = settings
    for block in blocks:
        inner = inner[block]
    inner[key] = 1
    with pytest.raises(ValueError, match=message):
        check_settings(settings)


def test_a_block_and_a_value_are_not_taken_for_each_other() -> None:
    with pytest.raises(ValueError, match=r"params\.yaml: base must be a block of settings, got 3"):
        check_settings({"base": 3})
    with pytest.raises(ValueError, match=r"params\.yaml: subset\.size must be one value, got a block with rows"):
        check_settings({"subset": {"size": {"rows": 3}}})


def test_a_new_source_may_have_any_name() -> None:
    assert check_settings({"ingest": {"sources": {"mine": {"kind": "files", "path": "mine.jsonl"}}}}) == 2


@pytest.mark.parametrize("command", [check.main, plan.main, grid.main, lambda: use.main("tiny")])
def test_every_command_that_begins_with_the_settings_checks_them_first(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = deepcopy(PARAMS)
    settings["subset"]["min_tokns"] = 40
    write_settings(tmp_path / "params.yaml", settings)
    before = (tmp_path / "params.yaml").read_bytes()
    with pytest.raises(ValueError, match=r"params\.yaml: subset\.min_tokns is not a setting"):
        command()
    assert (tmp_path / "params.yaml").read_bytes() == before


def test_check_counts_the_settings_of_the_shipped_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    check.main()
    assert capsys.readouterr().out.startswith("params.yaml: ") and "python -m m2m check" in Path("Makefile").read_text()
