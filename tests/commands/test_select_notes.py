"""`m2m select` says in report and card what of files, records, labels and flags was dropped or does nothing."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.commands.select import main
from m2m.file_selection.unit_settings import BandSettings, ClusterSettings, EmbedSettings, PhraseSettings
from tests.commands.test_select import make_row

BAND = BandSettings(vocab_size=300)
ROWS = 40
PROMPT = "Name every river of the north, please"
REMEDY = "name the column train (true, false) or weight (1, 0)"

Reporter = Callable[..., str]


@pytest.fixture
def report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Reporter:
    """Writes records to my.jsonl, chooses 10 rows by random, and returns what is in both report and card."""

    def choose(records: Sequence[Mapping[str, Any]] | str, **settings: Any) -> str:
        path = records
        if not isinstance(records, str):
            path = str(tmp_path / "my.jsonl")
            Path(path).write_text("".join(json.dumps(record) + "\n" for record in records))
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        defaults: dict[str, Any] = {"size": 10, "strategy": "random", "band": BAND, "page": "skip"}
        main((str(path),), out=out, **defaults | settings)
        card = (out / "README.md").read_text("utf-8").replace("\\", "")
        lines = [line.removeprefix("warning    ") for line in capsys.readouterr().out.splitlines()]
        return "\n".join(line for line in lines if f"\n\n{line}.\n\n" in card)

    return choose


def make_rows(**further: Any) -> list[dict[str, Any]]:
    return [make_row(row) | further for row in range(ROWS)]


def make_chat(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


@pytest.mark.parametrize(
    "record",
    [
        make_chat(("user", "Hello there"), ("assistant", "Hi"), ("user", PROMPT)),
        make_chat(("system", "Be kind."), ("user", PROMPT)),
        {"turns": ["Hello there", PROMPT]},
        {"turns": [PROMPT]},
        {"turns": [{"content": "Hello there"}, {"content": PROMPT}]},
        {"Conversations": [{"from": "human", "value": "Hello there"}, {"from": "human", "value": PROMPT}]},
        {"instruction": "Hello there", "output": "", "history": [[PROMPT, "The Rhine."]]},
        {"question": PROMPT},
    ],
)
def test_every_user_turn_of_a_prompt_is_compared(
    record: dict[str, Any], report: Reporter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prompts.json").write_text(json.dumps([record]))
    rows = [*make_rows(), {"prompt": PROMPT, "response": "The Rhine and the Elbe."}]
    told = report(rows, prompts=(str(tmp_path / "prompts.json"),), overlap="drop")
    [overlaps] = tmp_path.glob("out*/overlaps.parquet")
    assert pl.read_parquet(overlaps).select("field", "kind").rows() == [("instruction", "exact")]
    assert "have no prompt" not in told


def test_an_assistants_turn_and_an_instruction_without_its_input_are_no_prompts(
    report: Reporter, tmp_path: Path
) -> None:
    prompts = [
        make_chat(("user", "Hello there"), ("assistant", PROMPT), ("user", "And then what was it")),
        {"instruction": PROMPT, "input": "A list of rivers.", "output": ""},
    ]
    (tmp_path / "prompts.json").write_text(json.dumps(prompts))
    report([*make_rows(), {"prompt": PROMPT, "response": "Elbe."}], prompts=(str(tmp_path / "prompts.json"),))
    [overlaps] = tmp_path.glob("out*/overlaps.parquet")
    assert pl.read_parquet(overlaps).is_empty()


def test_records_without_a_prompt_are_counted_with_their_reasons(report: Reporter, tmp_path: Path) -> None:
    lines = [json.dumps({"prompt": f"Ask {row}?"}) for row in range(3)]
    lines += [json.dumps({"Problem": f"Ask {row}?"}) for row in range(5)] + ['{"prompt": "broken']
    (tmp_path / "prompts.jsonl").write_text("\n".join(lines))
    told = report(make_rows(), prompts=(str(tmp_path / "prompts.jsonl"),))
    assert told.startswith(
        "6 of 9 records of prompts.jsonl have no prompt and were compared with no row: "
        "5 × has none of the fields of a prompt: a text in instruction or prompt or question, or turns in "
    )
    assert "; 1 × is no JSON: Unterminated string" in told
    (tmp_path / "prompts.jsonl").write_text(lines[0])
    assert report(make_rows(), prompts=(str(tmp_path / "prompts.jsonl"),)) == ""


def test_rows_that_lack_their_leading_white_space_are_counted(report: Reporter) -> None:
    code = {"prompt": "def f(x):\n", "response": "    return x\n"}
    records = [code | {"prompt": f"def f{row}(x):\n"} for row in range(10)]
    sentence = (
        "10 of 10 rows lack the white space before their texts, such as the indentation of code: "
        "--format original keeps it"
    )
    assert report(records) == sentence
    assert report(records, format="original") == ""
    assert report([record | {"response": "return x\n"} for record in records]) == ""
    assert report(records, prompt_column="prompt", response_column="response", format="parquet") == sentence


@pytest.mark.parametrize("form", ["prompt-completion", "alpaca", "plain", "parquet"])
def test_opening_turns_that_no_exchange_has_are_counted(form: str, report: Reporter) -> None:
    chats = [
        make_chat(("system", "Be kind."), ("assistant", "Welcome!"), ("user", f"Ask {row}?"), ("assistant", f"{row}."))
        for row in range(10)
    ]
    words = (
        "10 of 10 rows are of dialogues with opening turns before the user's first, which are left out: "
        "--format original keeps"
    )
    assert words in report(chats, format=form)
    assert words in report(chats, prompt_column="messages", response_column="messages", format=form)
    assert report(chats, format="original") == ""
    assert "opening" not in report([make_chat(("user", f"Ask {row}?"), ("assistant", f"{row}.")) for row in range(10)])


@pytest.mark.parametrize("name", ["input", "Context"])
def test_a_filled_context_beside_named_columns_is_counted(name: str, report: Reporter) -> None:
    records = [
        {"instruction": f"Sum {row}.", "output": f"{row}.", name: "1 2" if row < 30 else ""} for row in range(40)
    ]
    columns = {"prompt_column": "instruction", "response_column": "output"}
    assert report(records, **columns) == (
        f"30 of 40 rows have a filled {name!r}, which is no part of their prompt: "
        "leave out --prompt-column and --response-column to have it read"
    )
    assert report(records) == ""
    assert report([record | {name: ""} for record in records], **columns) == ""


@pytest.mark.parametrize("values", [("True", "False"), ("1", "0"), (1, 0), (1.0, 0.0), (True, "false")])
def test_labels_that_are_no_booleans_are_counted(values: tuple[Any, Any], report: Reporter) -> None:
    records = [make_row(row) | {"label": values[row % 4 == 0]} for row in range(ROWS)]
    told = report(records, size=ROWS)
    assert told == (
        "10 of 40 rows have a 'label' of false or 0 that is no boolean: none was left out, and 10 of them were chosen; "
        f"to leave them out, {REMEDY}"
    )


@pytest.mark.parametrize("values", [(True, False), ("spam", "ham"), (2, 0), ("True", "True"), (1, None)])
def test_other_labels_and_booleans_are_no_warning(values: tuple[Any, Any], report: Reporter) -> None:
    assert report([make_row(row) | {"label": values[row % 4 == 0]} for row in range(ROWS)]) == ""


@pytest.mark.parametrize(("name", "values"), [("train", ("True", "False")), ("weight", ("1", "0"))])
def test_the_columns_that_a_label_may_be_named_leave_rows_out(
    name: str, values: tuple[str, str], tmp_path: Path
) -> None:
    lines = [f"Ask {row}?,Answer {row}.,{values[row % 2]}" for row in range(20)]
    (tmp_path / "my.csv").write_text("\n".join([f"prompt,response,{name}", *lines]))
    main((str(tmp_path / "my.csv"),), size=10, strategy="random", band=BAND, out=tmp_path / "out", page="skip")
    assert pl.read_parquet(tmp_path / "out/rejects.parquet").height == 10


def test_what_a_folder_has_that_was_not_read_is_named_with_a_pattern_that_reads_it(
    report: Reporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data/sub").mkdir(parents=True)
    lines = [json.dumps(make_row(row)) for row in range(ROWS)]
    for name, part in {"a.jsonl": lines[:20], "sub/b.jsonl": lines[20:], "c.txt": [], "README.md": []}.items():
        Path("data", name).write_text("\n".join(part))
    assert report("data") == (
        "2 entries of data were not read ('c.txt', 'sub/'): name them too, or a pattern such as 'data/**/*.jsonl'"
    )
    assert report("data/**/*.jsonl", size=ROWS) == ""
    Path("data/c.txt").unlink()
    (Path("data/sub/b.jsonl")).rename("data/b.jsonl")
    Path("data/sub").rmdir()
    assert report("data") == ""


def test_a_row_gets_the_fields_that_only_its_duplicate_has(report: Reporter, tmp_path: Path) -> None:
    """The file whose name sorts first has the row; of two duplicates, the first fills it."""
    plain: list[dict[str, Any]] = [
        {"prompt": f"Ask {row}?", "response": f"{row}.", "licence": "A", "note": ""} for row in range(20)
    ]
    scored = [record | {"score": row, "licence": "B", "note": "x"} for row, record in enumerate(plain)]
    again = [record | {"score": 0, "more": 1} for record in scored[:5]]
    for name, records in {"a.jsonl": plain, "b.jsonl": scored, "c.jsonl": again}.items():
        (tmp_path / name).write_text("\n".join(map(json.dumps, records)))
    (tmp_path / "d.jsonl").write_text(json.dumps(make_row(0)))
    told = report(str(tmp_path / "[a-d].jsonl"), size=5, quality="score", quality_share=0.25)
    assert told.startswith("20 rows lacked fields that a duplicate of them has: its values were filled in")
    [path] = tmp_path.glob("out*/rows.parquet")
    rows = pl.read_parquet(path).filter(pl.col("instruction").str.starts_with("Ask")).sort("pool_row")
    assert rows["score"].to_list() == list(range(20))
    assert set(rows["licence"]) == {"A"} and set(rows["note"]) == {"x"}
    assert rows["more"].to_list() == [1] * 5 + [None] * 15
    words = "its values were filled in, but not into the original records"
    assert words in report(str(tmp_path / "[a-d].jsonl"), size=5, format="original")
    assert set(rows.filter("is_chosen")["pool_row"]) <= set(range(14, 20))  # 0.25 of 21, rounded up


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        (
            "each",
            "60 exchanges read; 40 usable; 20 further answers left out (of several answers to one turn, the first",
        ),
        (
            "last",
            "60 exchanges read; 20 usable; 40 exchanges left out (--turns each keeps them, but for further answers",
        ),
    ],
)
def test_exchanges_left_out_are_called_what_they_are(
    turns: Any, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chats = [
        make_chat(
            ("user", f"Ask {row}?"),
            ("assistant", f"{row}."),
            ("assistant", "More."),
            ("user", f"Why {row}?"),
            ("assistant", f"So {row}."),
        )
        for row in range(20)
    ]
    (tmp_path / "my.json").write_text(json.dumps(chats))
    settings: dict[str, Any] = {"band": BAND, "out": tmp_path / "out", "page": "skip", "turns": turns}
    main((str(tmp_path / "my.json"),), size=5, strategy="random", **settings)
    assert words in capsys.readouterr().out


def test_flags_that_the_strategy_does_not_read_are_named_and_change_nothing(report: Reporter, tmp_path: Path) -> None:
    flags: dict[str, Any] = {
        "degree": 0,
        "match": "instruction-meso",
        "slack": 2.0,
        "weights": "uniform",
        "peel_noise": 0.0,
        "band": replace(BAND, low=2),
        "phrases": PhraseSettings(max_words=9),
        "clusters": ClusterSettings(seed=2),
        "embed": EmbedSettings(batch_size=8),
    }
    assert report(make_rows(), strategy="longest") == ""
    assert report(make_rows(), strategy="longest", **flags) == (
        "longest does not read --degree, --match, --slack, --weights, --peel-noise, --band.low, "
        "--phrases.max-words, --clusters.seed, --embed.batch-size: the choice is the same without"
    )
    plain, flagged = [path.read_text("utf-8") for path in sorted(tmp_path.glob("out*/data.jsonl"))]
    assert plain == flagged
    del flags["degree"], flags["slack"], flags["weights"], flags["peel_noise"], flags["band"]
    told = report(make_rows(), strategy="response-micro", band=replace(BAND, low=2, high=60), **flags)
    assert told.startswith("response-micro does not read --match, --phrases.max-words, --clusters.seed, --embed.batch-")
    told = report(make_rows(), strategy="length-matched", degree=3, match="response-micro", band=replace(BAND, low=2))
    assert told == ""


def test_a_size_above_what_the_shares_leave_names_them(report: Reporter, tmp_path: Path) -> None:
    records = [make_row(row) | {"score": row} for row in range(ROWS)]
    (tmp_path / "like.jsonl").write_text(json.dumps(make_row(1)))
    shares: dict[str, Any] = {"quality": "score", "quality_share": 0.5, "like": str(tmp_path / "like.jsonl")}
    for flags, words in (
        ({}, "after --quality-share 0.5, 20, got 30: take less, or loosen --quality-share 0.5; "),
        ({"like_share": 0.25}, "after --quality-share 0.5 and --like-share 0.25, 5, got 30: take less, or loosen --qu"),
    ):
        strategy = "random" if flags else "bm25"
        with pytest.raises(ValueError, match=f"^--size must be at most what the pool holds {words}"):
            report(records, size=30, strategy=strategy, **shares | flags)
