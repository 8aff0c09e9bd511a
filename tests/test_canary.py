"""A key is a canary: whatever a server does with it, no file and no word of a stage holds it."""

import base64
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.pool import Pool
from tests.llm_server import HERE, llm_server

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "m2m/prompts/respond.txt"
CANARY = 'sk-canary/"7c0ffee"-secret'
SPELLINGS = (CANARY, json.dumps(CANARY)[1:-1], "7c0ffee", base64.b64encode(CANARY.encode()).decode())


def run_respond(folder: Path, url: str, key: str) -> subprocess.CompletedProcess[str]:
    rows = pl.DataFrame([("a", "s", "How?", "Thus.")], list(Pool.to_schema().columns), orient="row")
    write_table(folder / "pool.parquet", Pool, rows)
    endpoint = asdict(replace(HERE, url=url, key=key))
    settings = {"engine": "endpoint", "temperature": 0.0, "reply_tokens": 64, "seed": 1}
    settings |= {f"endpoint.{name}": value for name, value in endpoint.items()}
    flags = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    paths = [folder / "pool.parquet", TEMPLATE, folder / "pairs.parquet", folder / "rejected.parquet"]
    env = os.environ | {"DVC_ROOT": str(folder), "MY_KEY": CANARY, "TRACEBACK": ""}
    command = [sys.executable, "-m", "stages.respond", *map(str, paths), *flags]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


@pytest.mark.parametrize("fault", ["", "401"])
def test_a_key_is_in_no_file_and_no_word_of_a_stage(tmp_path: Path, fault: str) -> None:
    with llm_server(lambda _: f"The key is {CANARY}, once more: {CANARY}.", fault=lambda _: fault) as server:
        ended = run_respond(tmp_path, server.url, "MY_KEY")
        assert server.headers[0]["authorization"] == f"Bearer {CANARY}"
    assert (ended.returncode == 0) == (not fault), ended.stderr
    words = [ended.stdout, ended.stderr] + [
        path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()
    ]
    assert len(words) > 4
    assert [spelling for spelling in SPELLINGS for text in words if spelling in text] == []
    if not fault:
        assert read_table(tmp_path / "pairs.parquet", Pairs)["response"][0] == "The key is ***, once more: ***."


def test_a_key_typed_in_place_of_its_name_is_in_no_word_of_a_stage(tmp_path: Path) -> None:
    ended = run_respond(tmp_path, "http://127.0.0.1:9/v1", "hf_7c0ffee")
    assert ended.returncode == 1 and "7c0ffee" not in ended.stderr + ended.stdout
    assert "endpoint.key names the environment variable, which is not set" in ended.stderr
