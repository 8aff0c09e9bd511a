"""`m2m select`: what it prints and writes, on pools whose numbers are known."""

import datetime
import gzip
import inspect
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest
import zstandard

from m2m.commands import export, select
from m2m.commands.select import main
from m2m.export.trainer_formats import CONVERTERS
from m2m.file_selection.arms import ArmFigures
from m2m.file_selection.file_pool import ReadSettings, read_pool
from m2m.file_selection.original_records import read_original_records
from m2m.file_selection.own_columns import (
    build_columns,
    describe_further_fields,
    list_fields,
    parse_fields,
    tabulate_values,
)
from m2m.file_selection.report import format_arms
from m2m.file_selection.unit_settings import BandSettings

BAND = BandSettings(low=2, high=60, vocab_size=300)
ROWS = 40
ROOT = Path(__file__).parents[2]
READING = ReadSettings("first", "", "", None, None, "keep")
EMPTY = {"prompt": "Empty?", "response": " "}


def make_row(row: int) -> dict[str, Any]:
    """Row 0 is the shortest; every fourth row has licence B, the others A."""
    text = " ".join(f"word{(row + step) % 17} of" for step in range(1 + row % 9))
    return {"id": f"mine-{row}", "prompt": f"Question {row}?", "response": f"{text} {row}.", "licence": "AAAB"[row % 4]}


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """40 usable rows, an empty response, a copy of row 0, and a dialogue of two exchanges."""
    records = [make_row(row) for row in range(ROWS)]
    turns = [{"role": role, "content": f"{role} {turn}"} for turn in range(2) for role in ("user", "assistant")]
    records += [EMPTY, make_row(0), {"messages": turns}]
    path = tmp_path / "my.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def choose(pool: Path, out: Path, **settings: Any) -> pl.DataFrame:
    main((str(pool),), **{"size": 10, "band": BAND, "out": out, "page": "skip"} | settings)  # type: ignore[arg-type]
    return pl.read_parquet(out / "rows.parquet")


def test_rows_rejects_and_exchanges_left_out_are_all_that_was_read(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, rejects = choose(pool, tmp_path / "out"), pl.read_parquet(tmp_path / "out/rejects.parquet")
    assert (rows.height, rejects.height) == (ROWS + 1, 2)
    assert rejects["pool_row"].to_list() == [ROWS, ROWS + 1]
    assert rejects["reason"][0] == "response is empty"
    assert rejects["reason"][1].startswith("duplicate of ")
    assert rejects["record_start"].to_list() == [json.dumps(EMPTY), json.dumps(make_row(0))]
    read = "44 exchanges read; 41 usable; 2 left out: 1 × duplicate; 1 × response is empty; 1 exchanges left out"
    assert read in capsys.readouterr().out


def test_the_data_has_the_chosen_rows_in_their_turns_with_place_and_own_columns(pool: Path, tmp_path: Path) -> None:
    rows = choose(pool, tmp_path / "out", format="messages").filter("is_chosen").sort("turn")
    data = [json.loads(line) for line in (tmp_path / "out/data.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["pool_row"] for record in data] == rows["pool_row"].to_list()
    assert rows["turn"].to_list() == list(range(10))
    for record in [record for record in data if record["pool_row"] < ROWS]:
        made = make_row(record["pool_row"])
        assert (record["id"], record["licence"], record["pool_file"]) == (made["id"], made["licence"], "my.jsonl")
        assert record["messages"][0] == {"role": "user", "content": made["prompt"]}
        assert record["messages"][1] == {"role": "assistant", "content": made["response"]}


@pytest.mark.parametrize(
    ("strategy", "units"),
    [("instag", "key phrases of the instructions"), ("type-cover", "token types of the responses")],
)
def test_what_a_selector_covers_is_named(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], strategy: str, units: str
) -> None:
    choose(pool, tmp_path / "out", strategy=strategy)
    printed = capsys.readouterr().out
    assert f"units      {strategy} covers {units}; lengths in tokens of " in printed
    assert "warning    the tokenizer is not your model's: tokens and lengths differ; name it with" in printed


@pytest.mark.parametrize("form", ["prompt-completion", "plain", "alpaca", "sharegpt", "parquet"])
def test_own_columns_pass_through_in_every_format(pool: Path, tmp_path: Path, form: Any) -> None:
    choose(pool, tmp_path / "out", format=form)
    path = tmp_path / "out" / ("data.parquet" if form == "parquet" else "data.jsonl")
    table = pl.read_parquet(path) if form == "parquet" else pl.read_ndjson(path)
    assert set(table["id"].drop_nulls()) <= {f"mine-{row}" for row in range(ROWS)}
    assert {"licence", "pool_file", "pool_row"} <= set(table.columns)
    assert "overlapping_prompt" not in table.columns


def test_every_reject_has_the_place_of_its_exchange_and_the_start_of_its_record(tmp_path: Path) -> None:
    turns = [{"role": role, "content": f"{role} {turn}"} for turn in range(3) for role in ("user", "assistant")]
    turns[3]["content"] = ""
    record = {"id": "\u202e1", "messages": turns}
    (tmp_path / "my.jsonl").write_text(f"{json.dumps(record)}\nno JSON\n")
    read = read_pool([str(tmp_path / "my.jsonl")], replace(READING, turns="each"), tmp_path)
    places = ("pool_source", "pool_file", "pool_row", "pool_exchange")
    assert read.rejects.select(places).rows() == [("my.jsonl", "my.jsonl", 0, 1), ("my.jsonl", "my.jsonl", 1, 0)]
    assert sorted(read.places["exchange"]) == [0, 2]
    start = json.dumps(record, ensure_ascii=False)[:200].replace("\u202e", "[U+202E]")
    assert read.rejects["record_start"].to_list() == [start, None]


@pytest.mark.parametrize(
    ("form", "is_told"),
    [
        ("prompt-completion", True),
        ("messages", True),
        ("sharegpt", True),
        ("alpaca", True),
        ("plain", True),
        ("parquet", True),
        ("original", False),
    ],
)
def test_chosen_rows_whose_earlier_turns_are_no_turns_of_the_format_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: Any, is_told: bool
) -> None:
    """Every fourth of 40 rows has a system prompt, every fourth a history; a context of alpaca is neither."""
    further: list[dict[str, Any]] = [
        {},
        {"system": "Be kind."},
        {"history": [["Hi?", "Ho."]]},
        {"context": "Of a book."},
    ]
    lines = [json.dumps(make_row(row) | further[row % 4]) for row in range(ROWS)]
    (tmp_path / "my.jsonl").write_text("\n".join(lines))
    rows = choose(tmp_path / "my.jsonl", tmp_path / "out", format=form, strategy="random")
    count = (rows.filter("is_chosen")["pool_row"] % 4).is_in([1, 2]).sum()
    words = (
        f"{count} of 10 rows have a system prompt or earlier turns; "
        "they stand as text in the user's turn: --format original keeps the records"
    )
    assert 0 < count < 10
    assert (f"warning    {words}\n" in capsys.readouterr().out) == is_told
    assert (f"\n\n{words}.\n\n" in (tmp_path / "out/README.md").read_text("utf-8")) == is_told


def make_dialogue(row: int) -> dict[str, Any]:
    """A system prompt and two exchanges, with a field of its own."""
    texts = ["Be kind.", f"Question {row}?", f"Answer {row}.", "Why?", f"Because {row}."]
    roles = ["system", "user", "assistant", "user", "assistant"]
    return {"id": row, "messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]}


def write_dialogues(path: Path) -> None:
    """30 dialogues in the form that the ending of `path` names."""
    records = [make_dialogue(row) for row in range(30)]
    if path.suffix == ".parquet":
        pl.DataFrame(records).write_parquet(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps({"train": records}))
    else:
        text = "\n\n".join(map(json.dumps, records)).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


@pytest.mark.parametrize("name", ["my.jsonl", "my.json", "my.parquet", "my.jsonl.gz"])
@pytest.mark.parametrize("turns", ["first", "last"])
def test_original_records_are_those_of_the_files_in_the_order_of_their_turns(
    tmp_path: Path, name: str, turns: Any
) -> None:
    write_dialogues(tmp_path / name)
    (tmp_path / "b.csv").write_text("instruction,output,pool_row\n" + "".join(f"q{row},a{row},x\n" for row in range(9)))
    paths = (str(tmp_path / name), str(tmp_path / "b.csv"))
    out = tmp_path / "out"
    main(paths, size=20, strategy="random", format="original", turns=turns, band=BAND, out=out, page="skip")
    rows = pl.read_parquet(out / "rows.parquet").filter("is_chosen").sort("turn")
    expected = [
        (
            make_dialogue(row)
            if source == name
            else {"instruction": f"q{row}", "output": f"a{row}", "pool_row_user": "x"}
        )
        | {"pool_source": source, "pool_file": source, "pool_row": row, "pool_exchange": 0}
        for source, row in rows.select("pool_source", "pool_row").iter_rows()
    ]
    lines = (out / "data.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == expected
    assert {record["pool_source"] for record in expected} == {name, "b.csv"}
    words = "records are whole, and each is chosen by one exchange: lengths, units and overlaps are of that exchange"
    assert words in (out / "README.md").read_text("utf-8")


def test_an_original_record_is_json_whatever_its_file_holds(tmp_path: Path) -> None:
    """As in other fields: no number is null, a date is text, and half a surrogate stays."""
    (tmp_path / "my.jsonl").write_text('{"prompt": "a", "completion": "b", "x": [NaN, 1e999], "y": "\\ud800"}')
    choose(tmp_path / "my.jsonl", tmp_path / "one", size=1, strategy="random", format="original")
    place = {"pool_source": "my.jsonl", "pool_file": "my.jsonl", "pool_row": 0, "pool_exchange": 0}
    record = {"prompt": "a", "completion": "b", "x": [None, None], "y": "\ud800"}
    assert json.loads((tmp_path / "one/data.jsonl").read_text()) == record | place
    day = datetime.date(2026, 1, 2)
    pl.DataFrame({"prompt": ["a"], "completion": ["b"], "day": [day]}).write_parquet(tmp_path / "my.parquet")
    choose(tmp_path / "my.parquet", tmp_path / "two", size=1, strategy="random", format="original")
    assert json.loads((tmp_path / "two/data.jsonl").read_text())["day"] == "2026-01-02"


def test_original_records_of_standard_input_are_those_that_were_piped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dialogues(tmp_path / "my.jsonl.gz")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "my.jsonl.gz").read_bytes())))
    main(("-",), size=10, strategy="random", format="original", band=BAND, out=tmp_path / "out", page="skip")
    records = [json.loads(line) for line in (tmp_path / "out/data.jsonl").read_text().splitlines()]
    assert [{"id": line["id"], "messages": line["messages"]} for line in records] == [
        make_dialogue(line["pool_row"]) for line in records
    ]


def test_original_records_and_each_exchange_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="writes a record as one row, and --turns each makes several rows of it: set"):
        main(("nowhere.jsonl",), size=1, format="original", turns="each", out=tmp_path / "out")


def test_an_original_record_that_is_gone_since_it_was_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "my.jsonl"
    path.write_text("".join(json.dumps(make_row(row)) + "\n" for row in range(3)))
    read = read_pool([str(path)], READING, tmp_path)
    assert sorted(record["id"] for record in read_original_records(read, np.arange(3))) == [
        "mine-0",
        "mine-1",
        "mine-2",
    ]
    path.write_text(json.dumps(make_row(0)) + "\nno JSON\n" + json.dumps(make_row(2)))
    with pytest.raises(ValueError, match=r"record 1 of my\.jsonl was read, and is no longer there"):
        read_original_records(read, np.arange(3))


def test_a_field_with_the_name_of_a_place_is_kept_under_another(pool: Path, tmp_path: Path) -> None:
    """As in the output of an earlier selection, of which the second field came from one before it."""
    earlier = {"pool_file": "old.jsonl", "pool_row": 7, "pool_row_user": 8}
    pool.write_text("".join(json.dumps(make_row(row) | earlier) + "\n" for row in range(ROWS)))
    rows = choose(pool, tmp_path / "out")
    data = pl.read_ndjson(tmp_path / "out/data.jsonl")
    expected = {"pool_file_user": "old.jsonl", "pool_row_user": 7, "pool_row_user_user": 8}
    for table in (data, rows):
        assert table.select(*expected).unique().to_dicts() == [expected]
    assert data["pool_row"].to_list() == rows.filter("is_chosen").sort("turn")["pool_row"].to_list()
    assert set(data["pool_file"]) == {"my.jsonl"}


@pytest.mark.parametrize("form", ["prompt-completion", "parquet"])
def test_the_field_of_a_form_that_was_not_read_is_kept_under_a_name_that_no_trainer_reads(
    pool: Path, tmp_path: Path, form: Any
) -> None:
    """TRL takes any of prompt, completion, chosen and rejected for the sign of a chat."""
    records = [
        make_row(row) | {"chosen": f"Best {row}.", "rejected": f"Worst {row}.", "turns": 3} for row in range(ROWS)
    ]
    pool.write_text("".join(json.dumps(record) + "\n" for record in records))
    choose(pool, tmp_path / "out", format=form, prompt_column="prompt", response_column="chosen")
    path = tmp_path / "out" / ("data.parquet" if form == "parquet" else "data.jsonl")
    table = pl.read_parquet(path) if form == "parquet" else pl.read_ndjson(path)
    assert table["rejected_user"].to_list() == [f"Worst {row}." for row in table["pool_row"]]
    assert set(table["turns"]) == {3} and "response_user" in table.columns
    assert not {"chosen", "rejected", "chosen_user"} & set(table.columns)


def test_answers_without_their_reasoning_are_counted_in_report_card_and_page(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chats = [
        {"messages": [{"role": "user", "content": f"Ask {n}?"}, {"role": "ai", "content": f"{n}.", "thinking": "Hm."}]}
        for n in range(3)
    ]
    pool.write_text("".join(json.dumps(record) + "\n" for record in [make_row(0), *chats]))
    choose(pool, tmp_path / "out", size=2, strategy="random", page="write")
    sentence = "3 answers came with reasoning apart, which was left out"
    assert f"warning    {sentence}\n" in capsys.readouterr().out
    assert f"\n\n{sentence}.\n\n" in (tmp_path / "out/README.md").read_text("utf-8")
    assert sentence in (tmp_path / "out/index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("paths", "counts"),
    [
        (["a/train.jsonl", "b/train.jsonl"], {"a/train.jsonl": 20, "b/train.jsonl": 20}),
        (["*/train.jsonl"], {"a/train.jsonl": 20, "b/train.jsonl": 20}),
        (["a", "b/*.jsonl"], {"a": 20, "\\*.jsonl": 20}),
        (
            ["*/train.jsonl", "c.jsonl"],
            {"train.jsonl: a/train.jsonl": 20, "train.jsonl: b/train.jsonl": 20, "c.jsonl": 1},
        ),
    ],
)
def test_every_row_has_a_place_of_its_own_in_whatever_way_files_of_one_name_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], counts: dict[str, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, first in (("a", 0), ("b", 20)):
        Path(folder).mkdir()
        lines = [json.dumps(make_row(row)) for row in range(first, first + 20)]
        Path(folder, "train.jsonl").write_text("\n".join(lines))
    Path("c.jsonl").write_text(json.dumps(make_row(99)))
    size = sum(counts.values())
    main(tuple(paths), size=size, strategy="random", band=BAND, out=Path("out"), page="skip")
    places = ["pool_source", "pool_file", "pool_row", "pool_exchange"]
    data = pl.read_ndjson("out/data.jsonl")
    assert data.select(places).n_unique() == size
    assert data.select(places).sort(places).equals(pl.read_parquet("out/rows.parquet").select(places).sort(places))
    card = Path("out/README.md").read_text("utf-8")
    assert "### By file" in card
    for name, count in counts.items():
        assert f"| {name} | {count} (" in card


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("parquet", "rows.parquet and data.parquet take 100 fields and lack {}: any other --format has all"),
        ("plain", "rows.parquet takes 100 fields and lacks {}: data.jsonl has all"),
    ],
)
def test_fields_beyond_the_tables_limit_are_told(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: Any, words: str
) -> None:
    pair = {"prompt": "Ask {}?", "response": "Word {} of it."}
    fields = {f"c{number}": number for number in range(130)}
    records = [{name: text.format(row) for name, text in pair.items()} | fields for row in range(12)]
    pool.write_text("\n".join(map(json.dumps, records)))
    sentence = words.format("30 of your 130 ('c100', 'c101', 'c102' …)")
    table = choose(pool, tmp_path / "out", size=5, format=form, page="write", strategy="random")
    assert [name for name in table.columns if name[0] == "c"] == [f"c{number}" for number in range(100)]
    assert f"warning    {sentence}" in capsys.readouterr().out
    assert f"\n\n{sentence}.\n\n" in (tmp_path / "out/README.md").read_text("utf-8")
    assert "30 of your 130" in (tmp_path / "out/index.html").read_text("utf-8")
    if form == "plain":
        assert "c129" in pl.read_ndjson(tmp_path / "out/data.jsonl").columns


def test_as_many_fields_as_the_tables_take_are_no_warning() -> None:
    names = [f"c{number}" for number in range(101)]
    assert describe_further_fields(names[:100], "parquet") == []
    assert describe_further_fields(names, "plain") == [
        "rows.parquet takes 100 fields and lacks 1 of your 101 ('c100'): data.jsonl has all"
    ]


def test_every_row_has_its_reason(pool: Path, tmp_path: Path) -> None:
    rows = choose(pool, tmp_path / "out", degree=0, min_tokens=8)
    reasons = rows["reason"]
    assert reasons.str.starts_with("chosen by response-micro for the unit ").sum() == 10
    assert (reasons == "a unit of it was pruned at degree 0").any()
    outside = rows.filter(pl.col("response_tokens") < 8)["reason"].unique()
    assert outside.to_list() == ["its response is outside the length window, at least 8 tokens"]
    assert rows.filter("is_chosen").select("unit", "turn").null_count().row(0) == (0, 0)
    assert rows.filter(~pl.col("is_chosen"))["unit"].null_count() == ROWS + 1 - 10


def test_select_and_export_write_the_same_format_unless_one_is_named() -> None:
    defaults = [inspect.signature(command.main).parameters["format"].default for command in (select, export)]
    assert defaults == ["prompt-completion"] * 2


def test_select_has_the_formats_of_export_and_the_original_records() -> None:
    """A run of the pipeline has no file that its records could be read again from: `export` refuses the name."""
    formats = [
        get_args(inspect.signature(command.main).parameters["format"].annotation) for command in (select, export)
    ]
    assert formats == [(*CONVERTERS, "original"), tuple(CONVERTERS)]


def test_the_card_counts_licences_of_pool_subset_and_random(pool: Path, tmp_path: Path) -> None:
    rows = choose(pool, tmp_path / "out", strategy="random")
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    taken = rows.filter("is_chosen")["licence"].to_list().count("A")
    share = f"{taken} ({10 * taken:.1f} %)"
    assert "### By licence" in card
    assert f"| A | 30 (73.2 %) | {share} | {share} |" in card
    assert "Significantly" not in card


def test_a_row_that_shares_text_with_a_prompt_is_counted_or_left_out(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"instruction": "QUESTION 3"}\n{"instruction": "Nothing of this kind"}\n')
    found = "1 of 41 rows share text with 1 of 2 evaluation prompts"
    for overlap, size, words in (("keep", 41, "; 1 of them were chosen"), ("drop", 40, "; they were no candidates")):
        out = tmp_path / overlap
        rows = choose(pool, out, size=size, prompts=(str(prompts),), overlap=overlap, strategy="random", page="write")
        overlaps = pl.read_parquet(out / "overlaps.parquet")
        assert rows.filter(pl.col("overlapping_prompt").is_not_null())["pool_row"].to_list() == [3]
        assert overlaps["id"].to_list() == rows.filter(pool_row=3)["row_id"].to_list()
        assert rows.filter(pool_row=3)["is_chosen"].to_list() == [overlap == "keep"]
        printed, card = capsys.readouterr().out, (out / "README.md").read_text("utf-8")
        assert f"overlap    {found}{words}" in printed
        assert f"{found}{words}" in (out / "index.html").read_text("utf-8")
        assert f"{size - 40} of these rows share text with an evaluation prompt" in card
        assert ("1 rows that share text with an evaluation prompt were no candidates" in card) == (overlap == "drop")


def test_prompts_without_a_field_of_a_prompt_are_an_error_that_lists_the_fields(pool: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.csv").write_text("Frage,Antwort\nWer?,Ich.\n")
    with pytest.raises(
        ValueError, match="1 records read; no record has the fields of a prompt: a text in instruction"
    ) as error:
        choose(pool, tmp_path / "out", prompts=(str(tmp_path / "prompts.csv"),))
    assert all(f" {name}" in str(error.value) for name in ("prompt", "question", "messages", "conversations", "turns"))


def test_the_best_by_a_number_of_the_records_are_the_candidates(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [make_row(row) | ({"score": row} if row >= 4 else {}) for row in range(ROWS)]
    pool.write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = choose(pool, tmp_path / "out", strategy="random", quality="score", quality_share=0.25)
    assert sorted(rows.filter("is_chosen")["pool_row"]) == list(range(30, 40))
    words = "only the best 0.25 by 'score' were candidates; 30 rows were left out; 4 rows have no such number"
    assert words in capsys.readouterr().out
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert "Only the best 0.25 of the rows by score were candidates: 30 were left out." in card


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        ("random", "'score' left out no row, and random does not read it: set --quality-share; 4 rows have no such"),
        ("deita", "'score' left out no row, and deita chooses by it; 4 rows have no such number and come last"),
    ],
)
def test_a_score_that_leaves_out_nothing_is_called_so(
    strategy: str, sentence: str, pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [make_row(row) | ({"score": row} if row >= 4 else {}) for row in range(ROWS)]
    pool.write_text("".join(json.dumps(record) + "\n" for record in records))
    choose(pool, tmp_path / "out", strategy=strategy, quality="score")
    assert f"quality    {sentence}" in capsys.readouterr().out
    assert "were candidates" not in (tmp_path / "out/README.md").read_text("utf-8")


def test_a_budget_of_tokens_that_one_long_row_bursts_is_told_for_both_subsets(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [{"prompt": f"Say {row}.", "response": "word " * 400 + str(row)} for row in range(8)]
    pool.write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = choose(pool, tmp_path / "out", strategy="longest", size=None, tokens=100)
    spent = int(rows.filter("is_chosen")["response_tokens"].sum()) + 1
    [longest, random] = [line for line in capsys.readouterr().out.splitlines() if "in place of 100" in line]
    assert longest.startswith(f"warning    the rows of longest have {spent} response tokens in place of 100, since the")
    assert f"the last one alone has {spent}: limit the length of a row by max_tokens" in longest
    assert random.startswith("warning    the rows of random have ")
    choose(pool, tmp_path / "more", strategy="longest", size=None, tokens=8 * spent)
    assert "in place of" not in capsys.readouterr().out


def test_a_tokenizer_that_cannot_be_had_is_named_by_its_flag(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: str) -> str:
        raise OSError("no hub here")

    monkeypatch.setattr("m2m.models.resolve_commit", refuse)
    with pytest.raises(ValueError, match=r"^--tokenizer gpt2 must be a folder with a tokenizer.json, or an id of the"):
        choose(pool, tmp_path / "out", tokenizer="gpt2")


@pytest.mark.parametrize("like_share", [1.0, 0.25])
def test_examples_that_are_rows_of_the_pool_are_counted(
    like_share: float, pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    like = tmp_path / "like.jsonl"
    examples = [make_row(3), make_row(5), {"prompt": "Another?", "response": "word5 of it"}]
    like.write_text("".join(json.dumps(example) + "\n" for example in examples))
    rows = choose(pool, tmp_path / "out", strategy="bm25", like=str(like), like_share=like_share)
    chosen = rows.filter(pl.col("is_chosen") & pl.col("instruction").is_in(["Question 3?", "Question 5?"])).height
    assert chosen == 2
    assert "like       2 rows of the pool are among the examples, and 2 of them were chosen" in capsys.readouterr().out


def test_the_rows_most_like_the_examples_are_the_candidates_and_the_strategy_chooses_from_them(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 40 rows of their own word, the example has the word of the first ten."""
    records = [
        {"prompt": "Say it.", "response": f"{'apple ' if row < 10 else 'stone '}{row} {row}"} for row in range(40)
    ]
    pool.write_text("".join(json.dumps(record) + "\n" for record in records))
    like = tmp_path / "like.jsonl"
    like.write_text(json.dumps({"prompt": "Name one.", "response": "apple apple"}))
    settings: dict[str, Any] = {"like": str(like), "like_share": 0.25, "strategy": "random"}
    rows = choose(pool, tmp_path / "out", size=4, **settings)
    assert max(rows.filter("is_chosen")["pool_row"]) < 10
    assert (rows["reason"] == "is not among the 0.25 most like the examples by bm25").sum() == 30
    words = "only the 0.25 most like the examples by bm25 were candidates; 30 rows were left out"
    assert words in capsys.readouterr().out
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert "Only the 0.25 of the rows most like the examples by bm25 were candidates: 30 were left out." in card
    assert "| strategy | random |" in card and "| like | like.jsonl |" in card and "| like_share | 0.25 |" in card


def test_the_card_lists_the_settings_of_reading_and_units_and_no_limit_is_none(pool: Path, tmp_path: Path) -> None:
    choose(pool, tmp_path / "micro", turns="each", max_chars=500)
    card = (tmp_path / "micro/README.md").read_text("utf-8")
    listed = ("| turns | each |", "| max_chars | 500 |", "| min_chars | none |", "| max_tokens | none |")
    assert all(line in card for line in (*listed, "| band.low | 2 |", "| degree | 6 |"))
    assert "2147483647" not in card and "| match |" not in card and "phrases." not in card
    choose(pool, tmp_path / "random", strategy="random", max_tokens=99)
    card = (tmp_path / "random/README.md").read_text("utf-8")
    assert "| max_tokens | 99 |" in card and "| degree |" not in card and "| band." not in card


def test_type_cover_under_a_size_in_rows_names_the_budget_that_it_is_made_for(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choose(pool, tmp_path / "rows", strategy="type-cover")
    assert "give it a budget of tokens (--tokens) in place of --size" in capsys.readouterr().out
    choose(pool, tmp_path / "tokens", strategy="type-cover", size=None, tokens=100)
    assert "in place of --size" not in capsys.readouterr().out


def test_the_page_has_every_arm_and_the_warnings(pool: Path, tmp_path: Path) -> None:
    choose(pool, tmp_path / "out", page="write")
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "my.jsonl: response-micro" in page
    assert "degree 6" in page and "trained on this pool" in page


def test_degrees_that_are_one_subset_are_told(pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choose(pool, tmp_path / "out", size=35)
    assert "degrees 0, 1, 2, 3, 4, 5, 6 are one subset: slack 1.5 · size 35" in capsys.readouterr().out
    assert "Degrees 0, 1, 2, 3, 4, 5, 6 give the same subset" in (tmp_path / "out/README.md").read_text("utf-8")


def test_tokens_are_a_budget(pool: Path, tmp_path: Path) -> None:
    rows = choose(pool, tmp_path / "out", size=None, tokens=150).filter("is_chosen")
    spent = rows["response_tokens"] + 1
    assert 150 <= spent.sum() < 150 + spent.max()  # type: ignore[operator]


def test_the_table_marks_the_chosen_arm_and_shares_nothing_of_random_with_itself() -> None:
    figures = [
        ArmFigures("random", 2000, 94.23, 9.388, 3096, 2000),
        ArmFigures("degree 6", 2000, 163.1, 9.61, 3715, 31),
    ]
    assert format_arms(figures, "degree 6", "types") == [
        "            rows  tokens/row  entropy  types  shared with random",
        "random     2,000        94.2     9.39  3,096                   –",
        "degree 6 ← 2,000       163.1     9.61  3,715                  31",
    ]


def test_standard_input_gives_the_rows_of_the_file(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = choose(pool, tmp_path / "file")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pool.read_bytes())))
    main(("-",), size=10, band=BAND, out=tmp_path / "piped", page="skip")
    piped = pl.read_parquet(tmp_path / "piped/rows.parquet")
    assert piped.select("row_id", "turn", "reason").equals(expected.select("row_id", "turn", "reason"))


CSV = b"instruction,output\nHi?,Ho.\n"


def write_arrow(form: Any) -> bytes:
    data = io.BytesIO()
    form(pl.read_csv(CSV), data)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (CSV, "stdin.csv"),
        (gzip.compress(CSV), "stdin.csv.gz"),
        (zstandard.compress(CSV), "stdin.csv.zst"),
        (b"\xef\xbb\xbf" + CSV, "stdin.csv"),
        (CSV.decode().encode("utf-16"), "stdin.csv"),
        (b'{"instruction": "Hi?", "output": "Ho."}', "stdin.json"),
        (gzip.compress(b'[{"instruction": "Hi?", "output": "Ho."}]'), "stdin.json.gz"),
        (write_arrow(pl.DataFrame.write_parquet), "stdin.parquet"),
        (write_arrow(pl.DataFrame.write_ipc), "stdin.arrow"),
        (write_arrow(pl.DataFrame.write_ipc_stream), "stdin.arrow"),
        (zstandard.compress(write_arrow(pl.DataFrame.write_ipc)), "stdin.arrow.zst"),
    ],
)
def test_standard_input_has_every_form_that_a_file_has(
    data: bytes, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    read = read_pool(["-"], READING, tmp_path)
    assert (read.rows["response"].to_list(), read.places["file"].to_list()) == (["Ho."], [name])


def test_a_packed_standard_input_that_is_cut_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(CSV)[:20])))
    with pytest.raises(ValueError, match=r"stdin\.csv\.gz is no csv table, or not whole"):
        read_pool(["-"], READING, tmp_path)


def test_a_folder_and_a_file_make_one_pool(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    for row, path in enumerate(("shards/a.jsonl", "shards/b.jsonl", "c.jsonl")):
        (tmp_path / path).write_text(json.dumps(make_row(row)) + "\n")
    read = read_pool([str(tmp_path / "shards"), str(tmp_path / "c.jsonl")], READING, tmp_path)
    assert sorted(read.rows["source"]) == ["c.jsonl", "shards", "shards"]
    assert set(read.places["file"]) == {"a.jsonl", "b.jsonl", "c.jsonl"}


@pytest.mark.parametrize(
    ("record", "advice"),
    [
        (
            {"prompt": "Hi?", "chosen": "Ho.", "rejected": "No."},
            "to train on the chosen answer set --prompt-column to prompt and --response-column to chosen",
        ),
        ({"question": "Hi?", "reply": "Ho."}, "set --prompt-column and --response-column"),
        ({"talk": ["Hi?"]}, "name a column of turns as both --prompt-column and --response-column, or write messages"),
        ({"prompt_column": "Hi?"}, "but the fields prompt_column; a pair needs two texts"),
    ],
    ids=["preference", "two texts", "turns", "a field of that name"],
)
def test_a_row_without_a_known_form_is_told_the_flags_of_its_columns(
    record: dict[str, Any], advice: str, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, (record, make_row(1)))))
    [reason] = read_pool([str(tmp_path / "a.jsonl")], READING, tmp_path).rejects["reason"]
    assert reason.endswith(advice)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"size": None}, "name the size of the subset: --size ROWS, or --tokens TOKENS"),
        ({"tokens": 5}, "not both"),
        ({"strategy": "response-mico"}, "--strategy must be one of .* did you mean response-micro?"),
        ({"strategy": "deita"}, "deita chooses by a score of each row: name the field that has it with --quality"),
        ({"seed": -1}, "--seed must be 0 or more, got -1"),
        ({"degree": 7}, "--degree must be in 0..6, got 7"),
        ({"size": 99}, "--size must be at most what the pool holds, 41, got 99: take less, or a larger pool"),
        (
            {"size": None, "tokens": 9999, "min_tokens": 4, "max_tokens": 90},
            "--tokens must be at most what the pool holds after --min-tokens 4 and --max-tokens 90, .* take less, or "
            "loosen --min-tokens 4 and --max-tokens 90",
        ),
        ({"min_tokens": 500}, "no response is left after --min-tokens 500: loosen --min-tokens 500$"),
        (
            {"band": BandSettings(low=900, high=1e4)},
            "none of the 41 responses has a unit of response-micro: lower --band.low 900 or raise --band.high 10000",
        ),
        ({"prompt_column": "q"}, "name both --prompt-column and --response-column"),
        ({"strategy": "ifd"}, "--strategy ifd needs a pass of a base model over the pool, and select loads no model"),
        (
            {"strategy": "longest", "lengths": "as-random"},
            "--lengths as-random needs a strategy with units, and longest",
        ),
        (
            {"like": "like.jsonl", "lengths": "as-random"},
            "--lengths as-random .* bm25 has none: give bm25 lengths free",
        ),
        ({"like_share": 0.5}, "--like-share needs --like"),
        ({"like": "like.jsonl", "like_share": 0.0}, "--like-share must be above 0 and at most 1, got 0"),
        ({"like": "like.jsonl", "strategy": "response-micro"}, "--like chooses by bm25, got --strategy response-micro"),
        ({"overlap": "drop"}, "--overlap drop needs --prompts"),
        ({"prompts": ("nowhere.jsonl",)}, "no file at nowhere"),
        ({"quality": "licence"}, "--quality must name a field with numbers, 'licence' has none"),
        ({"quality_share": 0.5}, "--quality-share needs --quality"),
        ({"quality": "id", "quality_share": 0.0}, "--quality-share must be above 0 and at most 1, got 0"),
        ({"tokenizer": "."}, "--tokenizer . must have a tokenizer.json"),
    ],
)
def test_an_error_is_one_sentence(pool: Path, tmp_path: Path, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        choose(pool, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("names", [{"strategy": "random"}, {"strategy": "length-matched", "match": "random"}])
def test_random_has_its_own_lengths_whatever_is_asked(pool: Path, tmp_path: Path, names: dict[str, Any]) -> None:
    free, as_random = (choose(pool, tmp_path / lengths, lengths=lengths, **names) for lengths in ("free", "as-random"))
    assert free.equals(as_random)


@pytest.mark.parametrize(
    "pairs",
    [
        [("Say a.", "b")],
        [("Say a.", "b c d"), ("Say b.", "e f")],
        [("!" * row, "?" * row) for row in range(1, 20)],
        [(f"alpha beta gamma delta{'!' * row}", "the same") for row in range(20)],
    ],
    ids=["one row", "two rows", "no letters", "equal but for marks"],
)
@pytest.mark.parametrize("strategy", ["response-micro", "random", "type-cover"])
def test_a_pool_without_spread_has_a_subset_and_a_page(tmp_path: Path, pairs: Any, strategy: str) -> None:
    lines = [json.dumps({"instruction": first, "output": second}) for first, second in pairs]
    (tmp_path / "my.jsonl").write_text("\n".join(lines))
    band = BandSettings(low=1, high=9999, vocab_size=300)
    rows = choose(tmp_path / "my.jsonl", tmp_path / "out", size=1, strategy=strategy, band=band, page="write")
    assert (rows.height, rows["is_chosen"].sum()) == (len(pairs), 1)
    assert (tmp_path / "out/index.html").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["如何对数组进行排序？", "绘制一个图形。", "计算平均值。"], "[23] of 3 texts are in a script without spaces"),
        (
            ["配列を並べ替える方法。", "グラフを描く。", "平均を計算する。"],
            "[23] of 3 texts are in a script without spaces",
        ),
        (["เรียงลำดับอาร์เรย์อย่างไร", "วาดกราฟหนึ่งภาพ", "คำนวณค่าเฉลี่ย"], "choose another strategy, such as response-micro"),
        (["alpha beta"] * 3, "--phrases.min-share 0.003 to --phrases.max-share 0.1 of 3 texts"),
    ],
)
def test_phrases_that_cannot_be_found_are_one_sentence_with_the_flags(
    tmp_path: Path, texts: list[str], sentence: str
) -> None:
    lines = [json.dumps({"instruction": f"q{row}", "output": text}) for row, text in enumerate(texts)]
    (tmp_path / "my.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=sentence):
        choose(tmp_path / "my.jsonl", tmp_path / "out", size=1, strategy="response-meso")
    assert not (tmp_path / "out").exists()


def test_a_missing_file_and_a_full_folder_are_refused(pool: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file at nowhere"):
        main(("nowhere.jsonl",), size=1, out=tmp_path / "out")
    with pytest.raises(ValueError, match=r"is not empty\. Choose a new or empty folder"):
        choose(pool, pool.parent)


KILLED = """
import os
from pathlib import Path
Path.rename = lambda *_: os._exit(9)  # a file is replaced, only the folder renamed
from m2m.__main__ import main
main()
"""


@pytest.mark.long
def test_after_a_kill_in_the_middle_the_same_command_ends_and_leaves_nothing_else(pool: Path, tmp_path: Path) -> None:
    words = ["select", str(pool), "--size", "10", "--band.low", "2", "--band.vocab-size", "300", "--page", "skip"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILLED, *words], cwd=tmp_path, env=environ, capture_output=True)
    assert killed.returncode == 9 and not (tmp_path / "picked").exists()
    [part] = tmp_path.glob(".picked.*.part")
    assert (part / "data.jsonl").exists()
    done = subprocess.run([sys.executable, "-m", "m2m", *words], cwd=tmp_path, env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my.jsonl", "picked"]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    with pytest.raises(ValueError, match=f"new/out cannot be written, because {tmp_path} is read-only here"):
        main(("nowhere.jsonl",), size=1, out=tmp_path / "new/out")


def test_head_an_ascii_terminal_and_no_home_do_not_break_it(pool: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m m2m select {pool} --size 10 --band.low 2 --out {tmp_path / 'out'} | head -n 1"
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("my.jsonl   44 exchanges read")
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_columns_keep_their_types_and_never_replace_those_of_the_table() -> None:
    records = parse_fields(
        pl.Series(['{"n": 1, "x": 0.5, "on": true, "row": 7}', '{"n": 2, "x": 3, "tags": ["a"]}', '{"n": Infinity}'])
    )
    table = build_columns(records, list_fields(records), ["row"])
    assert table.columns == ["n", "x", "on", "row_user", "tags"]
    assert table["n"].to_list() == [1, 2, None]
    assert table["x"].to_list() == [0.5, 3.0, None]
    assert table["tags"].to_list() == [None, '["a"]', None]


@pytest.mark.parametrize(
    ("integer", "values"),
    [
        (2**53, [1.5, 2.0**53, None]),
        (2**53 + 1, ["1.5", "9007199254740993", None]),
        (-(10**399), ["1.5", f"-1{'0' * 399}", None]),
    ],
)
def test_integers_beside_fractions_keep_their_digits(integer: int, values: list[Any]) -> None:
    records = parse_fields(pl.Series(['{"n": 1.5}', f'{{"n": {integer}}}', "{}"]))
    assert build_columns(records, ["n"], [])["n"].to_list() == values


def test_rare_values_of_a_pool_are_summed_and_the_card_escapes_them() -> None:
    values = [*["[x](http://y)"] * 3, *(f"rare {number}" for number in range(30))]
    table = tabulate_values(values, {"pool": range(33), "none": []})
    assert table[0] == {"value": "[x](http://y)", "pool": "3 (9.1 %)", "none": "0 (0.0 %)"}
    assert table[-1]["value"] == "(other values)"
    assert table[-1]["pool"] == "11 (33.3 %)"
