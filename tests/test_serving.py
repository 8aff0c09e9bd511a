"""The stages that may ask an LLM run against a real server: `transformers serve`, with a tiny model, on loopback."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.llm.client.ask import ask
from m2m.llm.client.request import Request
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.answers import Answers
from m2m.schemas.pairs import Pairs
from m2m.schemas.pool import Pool
from m2m.schemas.prompts import Prompts
from m2m.schemas.tags import Tags
from m2m.schemas.units import Units
from m2m.schemas.unusable import Unusable
from stages import generate, respond, tag
from tests.llm_server import HERE
from tests.stages.test_generate import SETTINGS as GENERATE
from tests.stages.test_generate import weights_of
from tests.stages.test_tag import SETTINGS as TAG
from tests.transformers_server import save_chat_model, save_parrot, transformers_serve

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("llm_home")]
PROMPTS = Path(__file__).parents[1] / "m2m/prompts"


SAYS = '{"tags": ["sorting", "lists"]}'
TEXTS = ["Sort a list.", "Why is the sum of two numbers no list?", "x", "An array, or not?", "Return y.", "How?"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Iterator[Any]:
    """An endpoint of `transformers serve`, with the path of a tiny model that always says the same tags."""
    folder = tmp_path_factory.mktemp("served")
    model = save_parrot(folder / "parrot", tokenizer, SAYS)
    with transformers_serve(folder / "log") as url:
        yield replace(HERE, url=url, model=str(model), concurrency=2)


def write_pairs(path: Path) -> Path:
    rows = {"id": list("abcdef"), "source": "s", "instruction": TEXTS, "response": "So.", "original": None}
    write_table(path, Pairs, pl.DataFrame(rows).cast({"original": pl.String}))
    return path


def test_chats_and_completions_are_what_the_same_model_writes_here(
    served: Any, tokenizer: Any, llama: Any, tmp_path: Path
) -> None:
    model = replace(served, model=str(save_chat_model(tmp_path / "random", tokenizer, llama)))
    chats = [Request((text,), reply_tokens=8) for text in TEXTS]
    plain = [Request(("Question: Why?\nAnswer:",), reply_tokens=8, form="completion")]
    there, here = (ask(chats + plain, engine, model, "test") for engine in ("endpoint", "local"))
    assert [reply[:2] for reply in there] == [reply[:2] for reply in here]
    assert [reply.completion_tokens for reply in there] == [reply.completion_tokens for reply in here]


@pytest.mark.parametrize("engine", ["endpoint", "local"])
def test_respond_runs_to_its_outs(served: Any, tmp_path: Path, engine: str) -> None:
    write_pairs(tmp_path / "pairs.parquet")
    pool = read_table(tmp_path / "pairs.parquet", Pairs).drop("original")
    write_table(tmp_path / "pool.parquet", Pool, pool)
    pairs, rejected = tmp_path / "pairs-new.parquet", tmp_path / "rejected.parquet"
    settings: dict[str, Any] = {"engine": engine, "temperature": 0.0, "reply_tokens": 40, "seed": 1, "endpoint": served}
    respond.main(tmp_path / "pool.parquet", PROMPTS / "respond.txt", pairs, rejected, **settings)
    assert read_table(pairs, Pairs)["response"].to_list() == [SAYS] * 6
    assert read_table(pairs, Pairs)["original"].to_list() == ["So."] * 6
    assert read_table(rejected, Unusable).is_empty()


@pytest.mark.parametrize("engine", ["endpoint", "local"])
def test_tag_runs_to_its_outs(served: Any, tmp_path: Path, engine: str) -> None:
    pairs = write_pairs(tmp_path / "pairs.parquet")
    outs = [tmp_path / f"{number}.parquet" for number in range(4)]
    here: dict[str, Any] = TAG | {"side": "instruction", "engine": engine, "endpoint": served}
    tag.main(pairs, PROMPTS / "tag.txt", *outs, **here)
    assert sorted(read_table(outs[0], Tags)["tag"].unique()) == ["lists", "sorting"]
    assert read_table(outs[2], Units)["id"].n_unique() == 6
    assert read_table(outs[3], Unusable).is_empty()


@pytest.mark.parametrize("prompt_format", ["plain", "chat"])
def test_generate_has_the_answers_of_the_served_checkpoint(
    served: Any, tokenizer: Any, llama: Any, tmp_path: Path, prompt_format: str
) -> None:
    checkpoint = save_chat_model(tmp_path / "candidate", tokenizer, llama)
    rows = {"id": list("abcdef"), "benchmark": "held", "instruction": TEXTS, "reference": None}
    table = pl.DataFrame(rows | {"baseline": None, "baseline_answer": None})
    write_table(tmp_path / "prompts.parquet", Prompts, table.cast(pl.String))
    settings: dict[str, Any] = GENERATE | {"prompt_format": prompt_format, "repetition_penalty": 1.0}
    (tmp_path / f"candidate-{weights_of(checkpoint)}").symlink_to(checkpoint)
    there = replace(served, model=str(tmp_path / "{arm}-{weights}"))
    answers = {}
    for engine in ("local", "endpoint"):
        out = tmp_path / f"{engine}.parquet"
        generate.main(
            checkpoint, checkpoint, tmp_path / "prompts.parquet", out, engine=engine, endpoint=there, **settings
        )
        answers[engine] = read_table(out, Answers).select("id", "answer", "tokens", "truncated").rows()
    assert answers["endpoint"] == answers["local"]
