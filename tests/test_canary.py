"""A key is a canary: whatever a server does with it, no file and no word of a stage holds it."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import stages.judge
import stages.rate
import stages.respond
import stages.tag
from m2m.llm.client import http
from m2m.runtime.artifacts import get_columns, write_table
from m2m.runtime.cli import run
from m2m.schemas.answers import Answers
from m2m.schemas.pairs import Pairs
from m2m.schemas.pool import Pool
from m2m.schemas.prompts import Prompts
from m2m.schemas.row_origins import RowOrigins
from tests.llm_server import HERE, llm_server
from tests.safety import find_secrets
from tests.stages.test_judge import SETTINGS as JUDGE
from tests.stages.test_rate import SETTINGS as RATE
from tests.stages.test_tag import SETTINGS as TAG
from tests.test_smoke import copy_of_the_repository, environment, settle
from tests.test_smoke import run as run_command

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[1]
CANARY = """sk-canary/"'7c0ffee"-secret\\+x"""
SPELLINGS = (CANARY, json.dumps(CANARY)[1:-1], "7c0ffee", base64.b64encode(CANARY.encode()).decode())
PATHS = {
    "respond": ("data/pool.parquet", "m2m/prompts/respond.txt", "data/made.parquet", "data/rejected/respond.parquet"),
    "tag": (
        "data/pairs.parquet", "m2m/prompts/tag.txt", "data/tags/instruction.parquet", "data/canon/instruction.parquet",
        "data/units/instruction-meso.parquet", "data/rejected/tag-instruction.parquet",
    ),
    "rate": (
        "data/pairs.parquet", "data/row_origins.parquet", "m2m/prompts/rate_quality.txt",
        "data/ratings/quality.parquet", "data/rejected/rate-quality.parquet",
    ),
    "judge": (
        "data/prompts.parquet", "data/answers/candidate.parquet", "data/answers/opponent.parquet",
        "m2m/prompts/alpaca_eval.txt", "m2m/prompts/arena_hard.txt", "data/verdicts.parquet",
    ),
}  # fmt: skip
SETTINGS: dict[str, Mapping[str, Any]] = {
    "respond": {"engine": "endpoint", "temperature": 0.0, "reply_tokens": 64, "seed": 1},
    "tag": TAG | {"side": "instruction", "engine": "endpoint", "max_distance": 0.0},
    "rate": RATE | {"field": "quality", "reply_tokens": 64},
    "judge": JUDGE | {"engines": ("arena-hard", "alpaca-eval"), "against": ("opponent",)},
}
REPLY = "The key is ***, once more: ***."
MAINS: dict[str, Callable[..., None]] = {
    "respond": stages.respond.main,
    "tag": stages.tag.main,
    "rate": stages.rate.main,
    "judge": stages.judge.main,
}


def write_inputs(folder: Path) -> None:
    """Two rows, of which the first alone gets tags and a score, and one prompt with two answers."""
    rows = [("a", "s", "How?", "Thus."), ("b", "s", "No tags here?", "None.")]
    pool = pl.DataFrame(rows, get_columns(Pool), orient="row")
    write_table(folder / "data/pool.parquet", Pool, pool)
    write_table(folder / "data/pairs.parquet", Pairs, pool.with_columns(original=pl.lit(None, pl.String)))
    origins = pl.DataFrame([("a", "s", "", 0, 0, "{}")], get_columns(RowOrigins), orient="row")
    write_table(folder / "data/row_origins.parquet", RowOrigins, origins)
    prompts = pl.DataFrame([("a", "x", "How?", "Thus.", None, None, "")], get_columns(Prompts), orient="row")
    write_table(folder / "data/prompts.parquet", Prompts, prompts)
    for arm in ("candidate", "opponent"):
        answers = pl.DataFrame([("a", f"As the {arm}.", 3, False, 4.0, 5)], get_columns(Answers), orient="row")
        write_table(folder / f"data/answers/{arm}.parquet", Answers, answers)


def answer(body: Any) -> str:
    """The key in tags, in words that are no tags and no score, in a response, in a verdict."""
    is_first = "No tags here?" not in str(body)
    if is_first and "number from 1 to 6" in str(body):
        return "4"
    is_tagged = "JSON" in str(body) and is_first
    return json.dumps({"tags": [CANARY]}) if is_tagged else f"The key is {CANARY}, once more: {CANARY}."


def list_flags(settings: Mapping[str, Any], prefix: str = "--") -> list[str]:
    flags: list[str] = []
    for name, value in settings.items():
        flags += [f"{prefix}{name}", *map(str, value if isinstance(value, tuple) else (value,))]
    return flags


def run_stage(stage: str, folder: Path, url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> str | int | None:
    """The stage as `python -m` runs it, in this process; what it exits with."""
    endpoint = asdict(replace(HERE, url=url, key=key, timeout=0.5))
    flags = list_flags({name: value for name, value in SETTINGS[stage].items() if name != "endpoint"})
    paths = [str((ROOT if path.endswith(".txt") else folder) / path) for path in PATHS[stage]]
    monkeypatch.setattr(sys, "argv", [f"stages/{stage}.py", *paths, *flags, *list_flags(endpoint, "--endpoint.")])
    monkeypatch.setenv("DVC_ROOT", str(folder))
    monkeypatch.setenv("MY_KEY", CANARY)
    try:
        run(MAINS[stage])
    except SystemExit as ended:
        return ended.code
    return None


def read_reply(stage: str, folder: Path) -> str | None:
    """The server's words, in the out of the stage that keeps them."""
    table = pl.read_parquet(folder / PATHS[stage][-1 if stage != "respond" else 2])
    return str(
        table[{"respond": "response", "tag": "text", "rate": "text", "judge": "raw"}[stage]][-1]
    )  # of judges arena-hard


@pytest.mark.parametrize("fault", ["", "401", "echo", "slow"])
@pytest.mark.parametrize("stage", list(PATHS))
def test_a_key_is_in_no_file_and_no_word_of_a_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], stage: str, fault: str
) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 2)
    monkeypatch.setattr(http, "FIRST_WAIT", 0.001)
    write_inputs(tmp_path)
    with llm_server(answer, fault=lambda _: fault) as server:
        ended = run_stage(stage, tmp_path, server.url, "MY_KEY", monkeypatch)
        assert server.headers[0]["authorization"] == f"Bearer {CANARY}"
    words = "".join([*capfd.readouterr(), str(ended)])
    assert [spelling for spelling in SPELLINGS if spelling in words] == []
    assert find_secrets(tmp_path, SPELLINGS) == []
    if not fault:
        assert read_reply(stage, tmp_path) == REPLY
    assert {"": "None", "401": "provided: ***", "echo": "gateway for Bearer ***", "slow": "gave no reply"}[
        fault
    ] in words


@pytest.mark.parametrize("stage", list(PATHS))
def test_a_key_typed_in_place_of_its_name_is_in_no_word_of_a_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], stage: str
) -> None:
    write_inputs(tmp_path)
    ended = str(run_stage(stage, tmp_path, "http://127.0.0.1:9/v1", "hf_7c0ffee", monkeypatch))
    assert "7c0ffee" not in ended + "".join(capfd.readouterr())
    assert "endpoint.key names the environment variable, which is not set" in ended


def test_a_key_is_in_no_file_and_no_word_of_dvc(tmp_path: Path) -> None:
    """Two of the stages as DVC runs them, first refused, then answered: its locks, caches and logs are searched too."""
    copy_of_the_repository(tmp_path)
    shutil.rmtree(tmp_path / "tests")  # which quote the key
    run_command(tmp_path, "git", "init", "--quiet")
    write_inputs(tmp_path)
    faults = ["401"]
    with llm_server(answer, fault=lambda _: faults[0]) as server:
        endpoint = {"endpoint.model": "tiny", "endpoint.url": server.url, "endpoint.key": "MY_KEY"}
        changed = {"tag.engine": "endpoint", "tag.max_distance": 0, "judge.engines": ["arena-hard", "alpaca-eval"]}
        changed |= {f"{stage}.{name}": value for stage in ("tag", "judge") for name, value in endpoint.items()}
        settle(tmp_path, changed)
        words = ["dvc", "repro", "--keep-going", "--single-item", "tag@instruction", "judge"]
        env = environment() | {"MY_KEY": CANARY}
        refused = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
        faults[0] = ""
        answered = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
    said = refused.stdout + refused.stderr + answered.stdout + answered.stderr
    assert refused.returncode and not answered.returncode, said
    assert said.count("Incorrect API key provided: ***") == 2, said
    assert [spelling for spelling in SPELLINGS if spelling in said] == []
    assert find_secrets(tmp_path, SPELLINGS) == []
    assert [read_reply(stage, tmp_path) for stage in ("tag", "judge")] == [REPLY, REPLY]
    assert len(list((tmp_path / ".dvc/cache/runs").rglob("*"))) > 2
