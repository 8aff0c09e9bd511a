"""The stage that keeps or renews responses."""

import os
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.llm.client.reply_cache import ReplyCache
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.pool import Pool
from m2m.schemas.unusable import Unusable
from m2m.table_slices import read_slices
from stages.respond import main
from tests.llm_server import HERE, llm_server, said

TEMPLATE = Path(__file__).parents[2] / "m2m/prompts/respond.txt"
WORDS: dict[str, Any] = {"temperature": 0.0, "reply_tokens": 16, "seed": 1}


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    rows = [("b", "s", "Why?", "So."), ("a", "s", "How?", "Thus."), ("c", "s", "Who?", "I.")]
    write_table(tmp_path / "pool.parquet", Pool, pl.DataFrame(rows, list(Pool.to_schema().columns), orient="row"))
    return tmp_path / "pool.parquet"


def outs(folder: Path) -> Any:
    return [folder / "pairs.parquet", folder / "rejected.parquet"]


def test_kept_responses_are_the_pool_s_own(pool: Path, tmp_path: Path) -> None:
    pairs, rejected = outs(tmp_path)
    main(pool, TEMPLATE, pairs, rejected, engine="keep", endpoint=HERE, **WORDS)
    rows = [("a", "s", "How?", "Thus.", None), ("b", "s", "Why?", "So.", None), ("c", "s", "Who?", "I.", None)]
    assert read_table(pairs, Pairs).rows() == rows
    assert read_table(rejected, Unusable).is_empty()


@pytest.mark.usefixtures("llm_home")
def test_an_endpoint_writes_new_responses_and_what_cannot_be_used_is_left_out_with_its_reason(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(body: Any) -> Any:
        return "word " * 99 if "Why?" in said(body) else "" if "Who?" in said(body) else "Like this."

    pairs, rejected = outs(tmp_path)
    with llm_server(answer) as server:
        main(pool, TEMPLATE, pairs, rejected, engine="endpoint", endpoint=replace(HERE, url=server.url), **WORDS)
    assert read_table(pairs, Pairs).rows() == [("a", "s", "How?", "Like this.", "Thus.")]
    assert read_table(rejected, Unusable).select("id", "reason").rows() == [("b", "truncated"), ("c", "empty")]
    assert all(said(body).endswith(("\nHow?\n", "\nWhy?\n", "\nWho?\n")) for body in server.asked)
    assert "2 of 3 rows are left out: 1 empty, 1 truncated" in capsys.readouterr().err


@pytest.mark.usefixtures("llm_home")
def test_slices_change_no_byte_and_one_without_a_response_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(f"{row:02}", "s", f"question {row}", "So.") for row in range(9)]
    pool = tmp_path / "pool.parquet"
    write_table(pool, Pool, pl.DataFrame(rows, list(Pool.to_schema().columns), orient="row"))
    written = []
    with llm_server(lambda body: "" if said(body).split()[-1] in "0123" else number_of(body)) as server:
        for rows_each in (100, 2):
            monkeypatch.setattr("stages.respond.read_slices", partial(read_slices, rows=rows_each))
            main(pool, TEMPLATE, *outs(tmp_path), engine="endpoint", endpoint=replace(HERE, url=server.url), **WORDS)
            written.append([path.read_bytes() for path in outs(tmp_path)])
        assert len(server.asked) == 9
    assert written[0] == written[1]
    assert read_table(tmp_path / "rejected.parquet", Unusable)["id"].to_list() == ["00", "01", "02", "03"]
    with (
        llm_server(lambda _: "") as server,
        pytest.raises(ValueError, match=r"no row got a usable response: 9 empty\. Check"),
    ):
        endpoint = replace(HERE, url=server.url, model="empty")
        main(pool, TEMPLATE, *outs(tmp_path), engine="endpoint", endpoint=endpoint, **WORDS)


def command(folder: Path, pool: Any, url: Any) -> Any:
    """The stage as dvc.yaml runs it, four requests at once."""
    flags = {"engine": "endpoint"} | WORDS
    flags |= {f"endpoint.{name}": value for name, value in asdict(replace(HERE, url=url, concurrency=4)).items()}
    settings = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    words = [sys.executable, "-m", "stages.respond", str(pool), str(TEMPLATE), *map(str, outs(folder)), *settings]
    env = os.environ | {"DVC_ROOT": str(folder)}
    return subprocess.Popen(words, cwd=TEMPLATE.parents[2], env=env, stderr=subprocess.DEVNULL)


@pytest.mark.long
def test_after_kill_9_the_same_command_ends_with_the_outs_of_an_undisturbed_run_and_no_reply_is_paid_twice(
    tmp_path: Path,
) -> None:
    rows = [(f"{row:02}", "s", f"question {row}", "So.") for row in range(40)]
    pool = tmp_path / "pool.parquet"
    write_table(pool, Pool, pl.DataFrame(rows, list(Pool.to_schema().columns), orient="row"))
    (whole := tmp_path / "whole").mkdir()
    (cut := tmp_path / "cut").mkdir()
    with llm_server(number_of) as server:
        assert command(whole, pool, server.url).wait() == 0
    assert len(server.served) == 40
    with llm_server(number_of) as server:
        server.pause_after = 20
        killed = command(cut, pool, server.url)
        while len(server.asked) < 24 or kept(cut) < 20:  # four wait for a reply, the others are on the disk
            assert killed.poll() is None
            time.sleep(0.05)
        killed.kill()
        killed.wait()
        assert not any(path.exists() for path in outs(cut))
        server.go.set()
        assert command(cut, pool, server.url).wait() == 0
    assert sorted(map(said, server.served)) == sorted(set(map(said, server.asked)))
    assert len(server.served) == 40
    assert [path.read_bytes() for path in outs(cut)] == [path.read_bytes() for path in outs(whole)]


def number_of(body: Any) -> str:
    return f"It is number {said(body).split()[-1]}."


def kept(folder: Path) -> Any:
    with closing(ReplyCache(folder / ".cache/llm")) as replies:
        return sum(held.replies for held in replies.holdings())
