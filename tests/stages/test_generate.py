"""The stage with a tiny model here, and with a server in its place."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.inference.generate import generate_answers
from m2m.llm.client.local_model import identify_model
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.answers import Answers
from m2m.schemas.prompts import Prompts
from m2m.text.prompt_format import encode_prompts
from stages.generate import main
from tests.llm_server import HERE, llm_server, said

SETTINGS: dict[str, Any] = {
    "prompt_format": "plain",
    "batching": "fixed",
    "batch_size": 2,
    "max_length": 64,
    "max_new_tokens": 8,
    "dtype": "float32",
}

THERE = replace(HERE, model="{arm}-{weights}")


def weights_of(checkpoint: Any) -> Any:
    return identify_model(str(checkpoint), "main").split("@")[1][:8]


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    rows = [("a", "Return the sum.", "The sum."), ("b", "What is it?", None), ("c", "A list?", "A list of numbers.")]
    names = ("id", "instruction", "reference")
    table = pl.DataFrame(rows, names, orient="row").select(
        "id", pl.lit("held").alias("benchmark"), "instruction", "reference", baseline=None, baseline_answer=None
    )
    table = table.cast({"baseline": pl.String, "baseline_answer": pl.String})
    write_table(tmp_path / "prompts.parquet", Prompts, table)
    return tmp_path / "prompts.parquet"


@pytest.fixture
def checkpoint(tokenizer: Any, llama: Any, tmp_path: Path) -> tuple[Path, Path]:
    llama.save_pretrained(tmp_path / "candidate")
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    return tmp_path / "candidate", tmp_path / "tokenizer"


def test_here_every_prompt_has_an_answer_and_every_reference_its_bits(
    asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "answers.parquet"
    main(*checkpoint, asked, out, engine="local", repetition_penalty=1.2, endpoint=HERE, **SETTINGS)
    table = read_table(out, Answers)
    assert table["id"].to_list() == ["a", "b", "c"]
    assert table["bits"].is_null().to_list() == [False, True, False]
    assert table["bytes"].to_list() == [8, None, 18]
    assert table["truncated"].to_list() == [tokens == 8 for tokens in table["tokens"]]


def test_a_prompt_that_is_cut_is_told(
    asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short: dict[str, Any] = SETTINGS | {"max_length": 9, "max_new_tokens": 8}
    main(*checkpoint, asked, tmp_path / "a.parquet", engine="local", repetition_penalty=1.2, endpoint=HERE, **short)
    assert "3 of 3 prompts are cut to their last 1 tokens" in capsys.readouterr().out


def test_a_reference_is_scored_after_what_is_left_of_a_prompt(
    asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path
) -> None:
    """A model with 64 positions cannot read more of them, whatever the prompt's length."""
    table = read_table(asked, Prompts).with_columns(instruction=pl.lit("What is it? " * 40))
    write_table(asked, Prompts, table)
    out = tmp_path / "answers.parquet"
    main(*checkpoint, asked, out, engine="local", repetition_penalty=1.2, endpoint=HERE, **SETTINGS)
    assert 0 < read_table(out, Answers)["bytes"].max() <= 18  # type: ignore[operator]


def test_answers_must_leave_room_for_a_prompt(asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path) -> None:
    full: dict[str, Any] = SETTINGS | {"max_length": 8, "max_new_tokens": 8}
    with pytest.raises(ValueError, match="max_new_tokens must be below max_length"):
        main(*checkpoint, asked, tmp_path / "a", engine="local", repetition_penalty=1.2, endpoint=HERE, **full)


@pytest.mark.usefixtures("llm_home")
def test_a_server_answers_in_the_form_of_the_training_and_tells_no_likelihood(
    asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "answers.parquet"
    with llm_server(lambda body: "one two " + "three " * 9 * ("list" in said(body))) as server:
        there = replace(THERE, url=server.url, model="models/{arm}-{weights}")
        main(*checkpoint, asked, out, engine="endpoint", repetition_penalty=1.0, endpoint=there, **SETTINGS)
    table = read_table(out, Answers)
    assert table["answer"].to_list()[:2] == ["one two", "one two"]
    assert table["truncated"].to_list() == [False, False, True]
    assert table["tokens"].to_list() == [2, 2, 8]
    assert "generate: 3 answers, 12 tokens in " in capsys.readouterr().out
    assert table["bits"].is_null().all()
    assert table["bytes"].is_null().all()
    assert {body["model"] for body in server.asked} == {f"models/candidate-{weights_of(checkpoint[0])}"}
    assert sorted(body["prompt"] for body in server.asked)[0] == "Question: A list?\nAnswer:\n"
    assert all(body["temperature"] == 0 for body in server.asked)


@pytest.mark.usefixtures("llm_home")
def test_other_weights_under_the_same_name_are_asked_anew(
    asked: Path, checkpoint: tuple[Path, Path], llama: Any, tmp_path: Path
) -> None:
    with llm_server() as server:
        for _ in range(2):
            there: dict[str, Any] = {
                "engine": "endpoint",
                "repetition_penalty": 1.0,
                "endpoint": replace(THERE, url=server.url),
            }
            for _ in range(2):
                main(*checkpoint, asked, tmp_path / "answers.parquet", **there, **SETTINGS)
            llama.lm_head.weight.data += 1
            llama.save_pretrained(checkpoint[0])
    assert len(server.asked) == 6
    assert len({body["model"] for body in server.asked}) == 2


@pytest.mark.usefixtures("llm_home")
def test_a_server_that_still_serves_another_cell_is_not_believed(
    asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        llm_server(fault=lambda number: "wrong model") as server,
        pytest.raises(OSError, match="answered as 'somebody-else'"),
    ):
        there = replace(THERE, url=server.url)
        main(*checkpoint, asked, tmp_path / "a", engine="endpoint", repetition_penalty=1.0, endpoint=there, **SETTINGS)
    assert f"is to be served as candidate-{weights_of(checkpoint[0])}\n" in capsys.readouterr().out


@pytest.mark.usefixtures("llm_home")
def test_a_name_without_the_weights_is_refused_with_the_remedy(
    asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path
) -> None:
    with (
        llm_server() as server,
        pytest.raises(ValueError, match=r"contain \{weights\}.* write \{arm\}-\{weights\}"),
    ):
        there = replace(THERE, url=server.url, model="{arm}")
        main(*checkpoint, asked, tmp_path / "a", engine="endpoint", repetition_penalty=1.0, endpoint=there, **SETTINGS)
    assert server.asked == []


@pytest.mark.usefixtures("llm_home")
def test_a_prompt_without_an_answer_is_one_sentence_and_no_table(
    asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path
) -> None:
    with llm_server(fault=lambda number: "400" if number == 1 else "") as server:
        there = replace(THERE, url=server.url, concurrency=1, max_failed_share=1.0)
        with pytest.raises(ValueError, match=r"1 of 3 prompts have no answer, the last: refused \(HTTP 400"):
            main(
                *checkpoint, asked, tmp_path / "answers.parquet", engine="endpoint", repetition_penalty=1.0,
                endpoint=there, **SETTINGS,
            )  # fmt: skip
    assert not (tmp_path / "answers.parquet").exists()


def prompts(path: Any, reference: Any) -> Any:
    row = {"id": ["a"], "benchmark": ["held"], "instruction": ["What is it?"], "reference": [reference]}
    table = pl.DataFrame(row).with_columns(baseline=pl.lit(None, pl.String), baseline_answer=pl.lit(None, pl.String))
    write_table(path, Prompts, table)
    return path


def test_of_a_long_reference_the_bytes_of_the_part_that_is_scored_count(
    checkpoint: tuple[Path, Path], tokenizer: Any, tmp_path: Path
) -> None:
    asked = prompts(tmp_path / "prompts.parquet", "a list of numbers, " * 9)
    [prompt] = encode_prompts(tokenizer, ["What is it?"], "plain")
    short: dict[str, Any] = SETTINGS | {"max_length": len(prompt) + 5, "max_new_tokens": 4}
    main(*checkpoint, asked, tmp_path / "out.parquet", engine="local", repetition_penalty=1.0, endpoint=HERE, **short)
    [size] = read_table(tmp_path / "out.parquet", Answers)["bytes"]
    tokens = tokenizer("a list of numbers, " * 9)["input_ids"][:5]
    assert size == len(tokenizer.decode(tokens).encode())


def test_of_a_long_prompt_the_end_is_kept(
    checkpoint: tuple[Path, Path], tokenizer: Any, llama: Any, tmp_path: Path
) -> None:
    asked = prompts(tmp_path / "prompts.parquet", "Yes.")
    short: dict[str, Any] = SETTINGS | {"max_length": 11, "max_new_tokens": 8}
    main(*checkpoint, asked, tmp_path / "out.parquet", engine="local", repetition_penalty=1.0, endpoint=HERE, **short)
    [prompt] = encode_prompts(tokenizer, ["What is it?"], "plain")
    settings: dict[str, Any] = {"batch_size": 1, "max_new_tokens": 8, "repetition_penalty": 1.0}
    [expected] = generate_answers(llama, tokenizer, [prompt[-3:]], **settings)
    assert read_table(tmp_path / "out.parquet", Answers)["answer"].to_list() == [expected.text]


def test_continuous_batching_gives_the_same_file_and_the_speed_is_printed(
    asked: Path, checkpoint: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for batching in ("fixed", "continuous"):
        settings = SETTINGS | {"batching": batching}
        main(*checkpoint, asked, tmp_path / batching, engine="local", repetition_penalty=1.0, endpoint=HERE, **settings)
        assert re.search(r"generate: 3 answers, \d+ tokens in \d+ s: [\d,]+ tokens a second", capsys.readouterr().out)
    assert (tmp_path / "fixed").read_bytes() == (tmp_path / "continuous").read_bytes()
