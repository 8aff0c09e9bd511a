"""ingest: every source form in every container, exact accounting of every defect, and a split that leaks nothing."""

import csv
import gzip
import hashlib
import io
import json
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import datasets
import huggingface_hub
import polars as pl
import pytest
import zstandard

from m2m.data.pool.pretraining_text import extract_clauses
from m2m.data.pool.sources import Source
from m2m.runtime.artifacts import read_table
from m2m.schemas.corpus import Corpus
from m2m.schemas.pool import Pool
from m2m.schemas.rejects import Rejects
from m2m.schemas.row_origins import RowOrigins
from stages.ingest import main

OUTS = ("pool", "heldout", "corpus", "rejects", "row_origins")
Record = dict[str, object]

FORMS: dict[str, Callable[[str, str], Record]] = {
    "alpaca": lambda asked, answer: {"instruction": asked, "input": "", "output": answer},
    "prompt–completion": lambda asked, answer: {"prompt": asked, "completion": answer},
    "ShareGPT": lambda asked, answer: {
        "conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]
    },
    "messages": lambda asked, answer: {
        "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    },
}


def as_csv(records: list[Record]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(records[0])
    writer.writerows([[v if isinstance(v, str) else json.dumps(v) for v in record.values()] for record in records])
    return text.getvalue().encode()


def as_parquet(records: list[Record]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(records).write_parquet(data)
    return data.getvalue()


CONTAINERS: dict[str, Callable[[list[Record]], bytes]] = {
    "jsonl": lambda records: "\n".join(map(json.dumps, records)).encode(),
    "json": lambda records: json.dumps(records).encode(),
    "csv": as_csv,
    "parquet": as_parquet,
}
PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


def ingest(
    folder: Path,
    sources: Mapping[str, Source],
    *,
    heldout_share: float = 0.2,
    min_chars: int | None = 1,
    max_chars: int | None = 500,
    near_duplicates: Literal["keep", "drop"] = "keep",
) -> dict[str, pl.DataFrame]:
    paths = [folder / f"{name}.parquet" for name in OUTS]
    main(  # type: ignore[misc]
        *paths,
        folder / "origins.json",  # type: ignore[arg-type]
        seed=0,
        heldout_share=heldout_share,
        corpus_share=0.5,
        min_chars=min_chars,
        max_chars=max_chars,
        near_duplicates=near_duplicates,
        sources=sources,
    )
    models = (Pool, Pool, Corpus, Rejects, RowOrigins)
    return {name: read_table(path, model) for name, path, model in zip(OUTS, paths, models, strict=True)}


def hashes(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in OUTS[:3]]


def files(path: Path, **settings: Any) -> Source:
    return Source(kind="files", path=str(path), **settings)


PAIRS = [(f"Question {number}?", f"Answer {number}.") for number in range(40)]
ROWS = sorted((hashlib.sha256("\0".join(pair).encode()).hexdigest()[:16], "mine", *pair) for pair in PAIRS)


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_every_container_gives_the_same_tables(
    tmp_path: Path, form: str, container: str, packing: str
) -> None:
    path = tmp_path / f"rows.{container}{packing}"
    path.write_bytes(PACK[packing](CONTAINERS[container]([FORMS[form](*pair) for pair in PAIRS])))
    found = ingest(tmp_path, {"mine": files(path)})
    assert sorted([*found["pool"].rows(), *found["heldout"].rows()]) == ROWS
    assert 0 < len(found["heldout"]) < 20
    assert found["pool"]["id"].is_sorted() and found["heldout"]["id"].is_sorted()


@pytest.mark.parametrize("form", FORMS)
def test_a_local_folder_of_the_hub_gives_the_same_tables(tmp_path: Path, form: str) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_bytes(CONTAINERS["jsonl"]([FORMS[form](*pair) for pair in PAIRS]))
    found = ingest(tmp_path, {"mine": Source(kind="hub", id=str(tmp_path / "set"))})
    assert sorted([*found["pool"].rows(), *found["heldout"].rows()]) == ROWS


def test_the_origins_say_where_each_source_came_from_and_where_its_rows_went(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(CONTAINERS["jsonl"]([FORMS["alpaca"](*pair) for pair in [*PAIRS, PAIRS[0]]]))
    found = ingest(tmp_path, {"mine": files(tmp_path / "rows.jsonl")})
    assert json.loads((tmp_path / "origins.json").read_text()) == {
        "mine": {
            "kind": "files",
            "from": str(tmp_path / "rows.jsonl"),
            "commit": "",
            "rejects": 1,
            "exchanges_left_out": 0,
        }
        | {name: len(found[name]) for name in ("pool", "heldout")}
    }


def test_the_commit_that_a_branch_of_the_hub_stands_for_is_read_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(*given: Any, revision: str, **_: Any) -> list[Record]:
        asked.append(revision)
        return [FORMS["alpaca"](*pair) for pair in PAIRS]

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: SimpleNamespace(sha="c" * 40))
    monkeypatch.setattr(datasets, "load_dataset", load)
    ingest(tmp_path, {"mine": Source(kind="hub", id="owner/name", revision="main")})
    assert asked == ["c" * 40]
    assert json.loads((tmp_path / "origins.json").read_text())["mine"]["commit"] == "c" * 40


DEFECTS: list[tuple[bytes, str]] = [
    (b'{"instruction": "a", "output": "tru', "is no JSON: Unterminated string starting at"),
    (b'{"instruction": "a", "output": "\xff\xfe"}', "is not UTF-8"),
    (b'{"instruction": null, "output": "b"}', "no instruction"),
    (b'{"instruction": "a", "output": null}', "no response"),
    (b'{"instruction": "a"}', "no response"),
    (b'{"instruction": "", "output": "b"}', "instruction is empty"),
    (b'{"instruction": "a", "output": " \\n "}', "response is empty"),
    (b'{"instruction": "a", "output": 42}', "response is no text but int"),
    (b'{"instruction": {"a": 1}, "output": "b"}', "instruction is no text but dict"),
    (b'{"instruction": "a", "output": "\\u0000b"}', "response holds a NUL character"),
    (b'{"instruction": "a\\ud800", "output": "b"}', "instruction holds half of a surrogate pair"),
    (b'{"instruction": "a", "output": "' + b"x" * 10_000_000 + b'"}', "response is longer than 500 characters"),
    (b'{"instruction": "' + b"x" * 501 + b'", "output": "b"}', "instruction is longer than 500 characters"),
    (b'["a", "b"]', "is no record with named fields but list"),
    (b"null", "is no record with named fields but NoneType"),
    (b'{"messages": []}', "has no user turn"),
    (b'{"instruction": "  Question 0? ", "output": "Answer 0.\\n"}', "duplicate of"),
]


def test_every_defect_is_a_reject_with_its_reason_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    good = CONTAINERS["jsonl"]([FORMS["alpaca"](*pair) for pair in PAIRS])
    (tmp_path / "rows.jsonl").write_bytes(good + b"\n" + b"\n".join(line for line, _ in DEFECTS))
    found = ingest(tmp_path, {"mine": files(tmp_path / "*.jsonl")})
    assert sorted([*found["pool"].rows(), *found["heldout"].rows()]) == ROWS
    assert found["rejects"]["row"].to_list() == list(range(len(PAIRS), len(PAIRS) + len(DEFECTS)))
    for reason, (_, expected) in zip(found["rejects"]["reason"], DEFECTS, strict=True):
        assert reason.startswith(expected)


def test_shuffling_the_rows_changes_no_hash(tmp_path: Path) -> None:
    records = [
        FORMS["alpaca"](*pair) for pair in [*PAIRS, *PAIRS[:5], ("Question 1?", "Another."), ("Other?", "Answer 2.")]
    ]
    (tmp_path / "rows.jsonl").write_bytes(CONTAINERS["jsonl"](records))
    ingest(tmp_path / "one", {"mine": files(tmp_path / "rows.jsonl", limit=30)})
    random.Random(1).shuffle(records)
    (tmp_path / "rows.jsonl").write_bytes(CONTAINERS["jsonl"](records))
    ingest(tmp_path / "two", {"mine": files(tmp_path / "rows.jsonl", limit=30)})
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_sources_keep_their_names_and_a_bad_file_costs_one_reject(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(CONTAINERS["jsonl"]([FORMS["alpaca"](*pair) for pair in PAIRS[:20]]))
    (tmp_path / "b.csv").write_bytes(as_csv([FORMS["messages"](*pair) for pair in PAIRS[10:]]))
    (tmp_path / "c.json").write_bytes(b"[")
    found = ingest(tmp_path, {"first": files(tmp_path / "a.jsonl"), "second": files(tmp_path / "[bc].*")})
    kept = pl.concat([found["pool"], found["heldout"]])
    assert kept["source"].value_counts().sort("source").rows() == [("first", 20), ("second", 20)]
    assert found["rejects"]["source"].to_list() == ["second"] * 11
    assert "c.json is no json table" in found["rejects"]["reason"][-1]


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe\x00"])
def test_a_source_with_nothing_usable_is_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "good.jsonl").write_bytes(CONTAINERS["jsonl"]([FORMS["alpaca"](*pair) for pair in PAIRS]))
    if content is not None:
        (tmp_path / "bad.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match="source 'bad' has nothing usable"):
        ingest(tmp_path, {"good": files(tmp_path / "good.jsonl"), "bad": files(tmp_path / "bad.jsonl")})
    assert not (tmp_path / "pool.parquet").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source(kind="files"), "needs path"),
        (Source(kind="hub"), "needs id"),
        (
            Source(kind="files", path="a.jsonl", prompt_column="q"),
            "names one of prompt_column and response_column: name both",
        ),
        (Source(kind="docstrings"), "has nothing usable: no row was read"),
        (Source(kind="docstrings", packages=("no_such_package",)), "got 'no_such_package'"),
    ],
)
def test_a_source_that_does_not_say_what_to_read_is_one_clear_error(
    tmp_path: Path, source: Source, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ingest(tmp_path, {"mine": source})


def test_no_sources_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one source"):
        ingest(tmp_path, {})


def mixed_records(rng: random.Random) -> tuple[list[Record], int]:
    """Records of every form, good and bad, and the number of exchanges in them."""
    records: list[Record] = []
    exchanges = 0
    for number in range(rng.randint(5, 60)):
        count = rng.randint(1, 4)
        labels = [rng.choice([{}, {}, {"weight": 0}, {"train": False}]) for _ in range(count)]
        turns = [
            turn
            for index, label in enumerate(labels)
            for turn in (
                {"role": "user", "content": rng.choice([f"q{number}.{index}", "", None, f"q{index}"])},
                {"role": "assistant", "content": rng.choice([f"a{number}.{index}", "\u200b", "x" * 600]), **label},  # type: ignore[dict-item]
            )
        ]
        single = rng.choice(
            [
                {"instruction": f"q{number}", "output": rng.choice(["a", None, float("nan"), "\u2800"])},
                {"prompt": f"q{number}", "chosen": "a", "rejected": "b"},
                {"messages": turns[:2], "tools": "[1]"},
                {"text": "### Human: a"},
                {"prompt": f"q{number % 7}", "completion": "a", "label": rng.random() < 0.5},
            ]
        )
        is_dialogue = rng.random() < 0.5
        records.append({"messages": turns} if is_dialogue else single)  # type: ignore[arg-type]
        exchanges += count if is_dialogue else 1
    return [*records, {"prompt": "sure", "completion": "enough"}], exchanges + 1


@pytest.mark.parametrize("turns", ["first", "last", "each"])
@pytest.mark.parametrize("near_duplicates", ["keep", "drop"])
@pytest.mark.parametrize("seed", range(8))
def test_pool_held_out_rejects_and_exchanges_left_out_are_what_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], turns: Any, near_duplicates: Any, seed: Any
) -> None:
    records, exchanges = mixed_records(random.Random(seed))
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(record) for record in [*records, "broken"]))
    source = files(tmp_path / "rows.jsonl", turns=turns, limit=25)
    found = ingest(tmp_path, {"mine": source}, heldout_share=0.1, near_duplicates=near_duplicates)
    counts = json.loads((tmp_path / "origins.json").read_text())["mine"]
    assert {name: counts[name] for name in ("pool", "heldout", "rejects")} == {
        name: len(found[name]) for name in ("pool", "heldout", "rejects")
    }
    assert counts["pool"] + counts["heldout"] + counts["rejects"] + counts["exchanges_left_out"] == exchanges + 1
    left_out = counts["exchanges_left_out"]
    assert (f"{left_out} exchanges left out" in capsys.readouterr().out) == (left_out > 0)
    assert turns != "each" or left_out == 0


def test_answers_without_their_reasoning_are_counted_in_what_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thought = {"role": "assistant", "content": "Four.", "reasoning_content": "Two and two."}
    chats: list[Record] = [{"messages": [{"role": "user", "content": f"Sum {n}?"}, thought]} for n in range(3)]
    pairs: list[Record] = [{"prompt": "Ask?", "completion": "Answer."}]
    for name, records in (("mine", chats), ("plain", pairs)):
        (tmp_path / f"{name}.jsonl").write_bytes(CONTAINERS["jsonl"](records))
    ingest(tmp_path, {name: files(tmp_path / f"{name}.jsonl") for name in ("mine", "plain")}, heldout_share=0)
    printed = capsys.readouterr().out
    assert "mine: 3 answers came with reasoning apart, which was left out\n" in printed
    assert printed.count("reasoning") == 1


def test_ten_dialogues_of_one_to_eight_exchanges_are_counted_or_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def dialogue(number: int, count: int) -> Record:
        roles = ("user", "assistant")
        return {"messages": [{"role": role, "content": f"{role} {number}.{n}"} for n in range(count) for role in roles]}

    counts = [1, 1, 1, 2, 3, 4, 5, 5, 6, 8]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(CONTAINERS["jsonl"]([dialogue(number, count) for number, count in enumerate(counts)]))
    ingest(tmp_path, {"mine": files(path)}, heldout_share=0)
    assert "mine: 10 pool + 0 held out + 0 rejects + 26 exchanges left out" in capsys.readouterr().out
    assert json.loads((tmp_path / "origins.json").read_text())["mine"]["exchanges_left_out"] == 26
    each = ingest(tmp_path, {"mine": files(path, turns="each")}, heldout_share=0, max_chars=None)
    assert len(each["pool"]) == 36 and each["heldout"].is_empty()
    assert "left out" not in capsys.readouterr().out


def test_origins_of_rows_carry_the_file_the_place_and_the_other_columns(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, pairs in (("b.jsonl", PAIRS[20:]), ("a.jsonl", PAIRS[:20])):
        rows = [
            FORMS["alpaca"](*pair) | {"id": f"{name}-{n}", "licence": "MIT", "score": n} for n, pair in enumerate(pairs)
        ]
        (tmp_path / "in" / name).write_bytes(CONTAINERS["jsonl"](rows))
    found = ingest(tmp_path, {"mine": files(tmp_path / "in", limit=30)})
    kept = pl.concat([found["pool"], found["heldout"]])
    assert found["row_origins"]["id"].to_list() == sorted(kept["id"])
    texts = dict(kept.select("id", "instruction").rows())
    for id, source, file, row, exchange, fields in found["row_origins"].rows():
        assert (source, exchange) == ("mine", 0)
        assert texts[id] == f"Question {row + (20 if file == 'b.jsonl' else 0)}?"
        assert json.loads(fields) == {"id": f"{file}-{row}", "licence": "MIT", "score": row}


def test_nothing_is_held_out_of_a_pool_that_is_only_selected_from(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(CONTAINERS["jsonl"]([FORMS["alpaca"](*pair) for pair in PAIRS]))
    found = ingest(tmp_path, {"mine": files(tmp_path / "rows.jsonl")}, heldout_share=0, min_chars=None, max_chars=None)
    assert found["pool"].rows() == ROWS and found["heldout"].is_empty() and found["rejects"].is_empty()


def test_a_preference_file_is_read_with_the_setting_that_its_rejects_name(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": q,
            "chosen": [{"role": "user", "content": q}, {"role": "assistant", "content": a}],
            "rejected": "No.",
        }
        for q, a in PAIRS
    ]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(CONTAINERS["jsonl"](rows))  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"40 × is a preference row .* prompt_column to prompt and response_column to chosen"
    ):
        ingest(tmp_path, {"mine": files(path)})
    found = ingest(tmp_path, {"mine": files(path, prompt_column="prompt", response_column="chosen")})
    assert sorted([*found["pool"].rows(), *found["heldout"].rows()]) == ROWS


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A package of 60 functions; some share a paragraph, a sentence or a parameter with others."""
    common = "This parameter is documented with the same words in many of the functions."
    body = (
        "Does the thing number {n}.\n\n    About {about}: {common}\n\n    Args:\n        x{about}: {common}\n"
        "        y: Number {n} of all.\n\n    Returns:\n        The value {about}{own}.\n    "
    )
    functions = [
        f'def f{n}(x):\n    """{body.format(n=n, about=n % 7, common=common, own=n if n % 2 else "")}"""\n'
        for n in range(60)
    ]
    (tmp_path / "toolbox").mkdir()
    (tmp_path / "toolbox" / "__init__.py").write_text("\n".join(functions))
    monkeypatch.syspath_prepend(str(tmp_path))
    return Source(kind="docstrings", packages=("toolbox",))


def test_corpus_pool_and_held_out_rows_share_no_object_and_no_text(tmp_path: Path, docs: Source) -> None:
    found = ingest(tmp_path, {"docs": docs}, heldout_share=0.5)
    asked = pl.concat([found["pool"], found["heldout"]])
    assert len(found["pool"]) > 20 and len(found["heldout"]) > 5 and len(found["corpus"]) > 20
    studied = {text.split("\n")[0] for text in found["corpus"]["text"]}
    mentioned = {
        name.rstrip("?.,") for text in asked["instruction"] for name in text.split() if name.startswith("toolbox.")
    }
    assert studied and studied.isdisjoint(mentioned)
    pieces = {
        piece
        for text in asked["response"]
        for part in text.split("\n")
        for piece in extract_clauses(part.removeprefix("- "))
    }
    for text in found["corpus"]["text"]:
        for part in text.split("\n")[1:]:
            assert part in {"", "Parameters:", "Returns:"} or pieces.isdisjoint(
                extract_clauses(part.removeprefix("- "))
            )
    assert set(found["pool"]["response"]).isdisjoint(found["heldout"]["response"])


def test_the_corpus_does_not_depend_on_limits_lengths_and_other_sources(tmp_path: Path, docs: Source) -> None:
    (tmp_path / "mine.jsonl").write_bytes(CONTAINERS["jsonl"]([FORMS["alpaca"](*pair) for pair in PAIRS]))
    none = Source(kind="docstrings", packages=docs.packages, limit=0)
    alone = ingest(tmp_path / "alone", {"docs": docs})
    own = ingest(tmp_path / "own", {"docs": none, "mine": files(tmp_path / "mine.jsonl")}, max_chars=100)
    assert own["corpus"].equals(alone["corpus"]) and not own["corpus"].is_empty()
    assert set(own["pool"]["source"]) == {"mine"}
    assert hashes(tmp_path / "own")[2] == hashes(tmp_path / "alone")[2]


def test_a_row_of_ones_own_that_quotes_the_corpus_is_a_reject(tmp_path: Path, docs: Source) -> None:
    quoted = ingest(tmp_path, {"docs": docs})["corpus"]["text"][0].split("\n\n")[1]
    pairs = [*PAIRS, ("Quote.", quoted)]
    (tmp_path / "mine.jsonl").write_bytes(CONTAINERS["jsonl"]([FORMS["alpaca"](*pair) for pair in pairs]))
    rejects = ingest(tmp_path, {"docs": docs, "mine": files(tmp_path / "mine.jsonl")})["rejects"]
    assert rejects.filter(source="mine")["reason"].to_list() == ["its text is in the corpus of the base model"]


def command(*flags: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stages.ingest", *map(str, flags)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )


SETTINGS = (
    "--seed",
    0,
    "--heldout_share",
    0.2,
    "--corpus_share",
    0.5,
    "--min_chars",
    1,
    "--max_chars",
    500,
    "--near_duplicates",
    "keep",
)


def test_the_command_takes_what_dvc_unpacks_from_a_mapping_of_sources(tmp_path: Path) -> None:
    path = tmp_path / "my 'own' rows.jsonl"
    path.write_bytes(CONTAINERS["jsonl"]([{"q": asked, "a": answer} for asked, answer in PAIRS]))
    outs = [tmp_path / f"{name}.parquet" for name in OUTS]
    mine = ("--sources.mine.kind", "files", "--sources.mine.path", path, "--sources.mine.limit", 30)
    columns = ("--sources.mine.prompt_column", "q", "--sources.mine.response_column", "a")
    docs = ("--sources.docs.packages", "iniconfig", "sortedcontainers", "--sources.docs.kind", "docstrings")
    done = command(*outs, tmp_path / "origins.json", *SETTINGS, *mine, *columns, *docs, "--sources.docs.limit", "None")
    assert done.returncode == 0, done.stderr
    rows = [len(pl.read_parquet(out).filter(source="mine")) for out in (outs[0], outs[1], outs[3])]
    assert sum(rows) == 40 and rows[2] == 10
    assert not pl.read_parquet(outs[0]).filter(source="docs").is_empty()
    assert "mine: " in done.stdout and "= 40 rows read; 10 × beyond the limit of 30 rows" in done.stdout


def test_the_command_ends_with_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    outs = [tmp_path / f"{name}.parquet" for name in OUTS]
    done = command(
        *outs, tmp_path / "o", *SETTINGS, "--sources.mine.kind", "files", "--sources.mine.path", tmp_path / "none.csv"
    )
    assert done.returncode != 0
    assert done.stderr.startswith("error: source 'mine' has nothing usable: 1 rows read; 1 × no file at")
    assert len(done.stderr.splitlines()) == 1


def test_the_command_takes_limits_that_are_off_and_turns(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(CONTAINERS["jsonl"]([FORMS["messages"](*pair) for pair in PAIRS]))
    outs = [tmp_path / f"{name}.parquet" for name in OUTS]
    off = ("--seed", 0, "--heldout_share", 0, "--corpus_share", 0.5, "--min_chars", "None", "--max_chars", "None")
    mine = ("--sources.mine.kind", "files", "--sources.mine.path", path, "--sources.mine.turns", "each")
    done = command(*outs, tmp_path / "origins.json", *off, "--near_duplicates", "drop", *mine)
    assert done.returncode == 0, done.stderr
    assert "mine: 40 pool + 0 held out + 0 rejects = 40 rows read" in done.stdout
    refused = command(*outs, tmp_path / "o", *SETTINGS, "--sources.mine.path", path)
    assert refused.returncode != 0 and refused.stderr.startswith("error: source 'mine' has no kind: set kind to files")
