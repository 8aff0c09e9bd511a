"""The doors by which words of others come in, and what must hold of each, whatever comes.

A door takes a random source and a folder. It makes an input, damages it, and lets it in. Only ValueError and OSError
may come out, in one sentence; whatever else it raises is a fault.
"""

import gzip
import io
import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from m2m.data.benchmarks.eval_prompts import convert_records, read_baseline_answers
from m2m.data.pool.pool import split_candidates
from m2m.data.records.read_files import read_files
from m2m.data.records.record_formats import DETECTED
from m2m.data.records.row_table import tabulate_records
from m2m.grid.params import known_settings
from m2m.grid.params.params_file import read_settings
from m2m.human.ratings import read_ratings, read_sheet_key
from m2m.judging.protocols.protocols import PROTOCOLS, score_raw
from m2m.judging.recorded_judgements import read_games
from m2m.llm.client.reply import parse_reply
from m2m.runtime.artifacts import read_table
from m2m.schemas.grid import Grid
from m2m.schemas.subset import Subset
from m2m.study.study_file import hash_grid, read_study, require_whole_grid
from m2m.units.meso.llm_tags import parse_tags
from tests.fuzz.mutations import VALUES, damage_bytes, damage_value, write_json

ROOT = Path(__file__).parents[2]
ENGINES = (*PROTOCOLS, "likelihood")
NAMES = (
    "rows.jsonl",
    "rows.json",
    "rows.csv",
    "rows.tsv",
    "rows.parquet",
    "rows.arrow",
    "rows.jsonl.gz",
    "rows",
    "rows.zst",
)
TURNS = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
RECORDS: tuple[dict[str, Any], ...] = (
    {"instruction": "Add.", "input": "1 and 2", "output": "3", "id": 1, "source": "s"},
    {"prompt": "Name it.", "completion": "A cat.", "licence": "mit"},
    {"messages": [{"role": "system", "content": "Be brief."}, *TURNS]},
    {"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Ho.", "weight": 1}]},
    {"prompt": TURNS[:1], "chosen": TURNS, "rejected": TURNS},
    {"uid": "u", "turns": [{"content": "Why?"}], "reference": "So.", "baseline": "gpt", "history": [["a", "b"]]},
    {"question": "Why?", "response": "So.", "system_prompt": "Be brief.", "context": "Sky.", "turns": 2},
    {
        "messages": [
            TURNS[0],
            TURNS[1] | {"role": "ai", "reasoning_content": "Hm."},
            {"role": "narrator", "content": "a"},
        ]
    },
)
REPLY = {
    "model": "m",
    "choices": [
        {
            "message": {"content": '{"tags": ["a"]} [[A>B]]'},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "m", "top_logprobs": [{"token": "m", "logprob": -0.1}]}]},
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4},
}
ANNOTATIONS = {
    "alpaca-eval": {
        "instruction": "Why?", "output_1": "a", "output_2": "b", "generator_1": "g", "generator_2": "h",
        "annotator": "j", "preference": 1.5, "raw_completion": REPLY["choices"][0], "index": 3,  # type: ignore[index]
    },
    "arena-hard": {
        "uid": "u", "model": "m", "judge": "j", "baseline": "b", "category": "c",
        "games": [{"score": "A>B", "judgment": {"answer": "[[A>B]]"}}, {"score": "B>>A", "judgment": "[[B>>A]]"}],
    },
}  # fmt: skip


def enter_lines(rng: random.Random, folder: Path) -> None:
    """Every damaged line is one record: a row or a reject."""
    first = json.dumps(rng.choice(RECORDS)).encode()
    lines = [first] + [
        damage_bytes(rng, write_json(rng.choice(RECORDS)), is_line=True) for _ in range(rng.randint(1, 4))
    ]
    path = folder / "rows.jsonl"
    path.write_bytes(b"\n".join(lines))
    expected = sum(bool(line.strip()) for line in lines)
    _count_records(path, expected)


def enter_records(rng: random.Random, folder: Path) -> None:
    """A valid file of damaged values: every record counts once."""
    records = [damage_value(rng, rng.choice(RECORDS)) for _ in range(rng.randint(2, 5))]
    path = folder / "rows.jsonl"
    path.write_bytes(b"\n".join([json.dumps(RECORDS[0]).encode(), *map(write_json, records)]))
    _count_records(path, len(records) + 1)


def enter_file(rng: random.Random, folder: Path) -> None:
    """A damaged file under any name: rows and rejects, or one sentence."""
    records = [rng.choice(RECORDS[:2]) for _ in range(rng.randint(1, 6))]
    data = rng.choice(
        (_write_lines, _write_list, _write_csv, _write_parquet, write_arrow, write_stream, _write_packed)
    )(records)
    path = folder / rng.choice(NAMES)
    path.write_bytes(damage_bytes(rng, data))
    _count_records(path, None)


def enter_prompts(rng: random.Random, folder: Path) -> None:
    """Prompts and a baseline's answers."""
    records = [damage_value(rng, rng.choice(RECORDS)) for _ in range(3)]
    prompts = convert_records("b", records, read_baseline_answers([*records, rng.choice(VALUES)]))
    assert prompts["instruction"].null_count() == 0 and prompts.height <= len(records)


def enter_reply(rng: random.Random, folder: Path) -> None:
    """A server's reply: counts and texts that a database and a table can hold."""
    is_text = rng.random() < 0.5
    raw = damage_bytes(rng, write_json(REPLY)) if is_text else write_json(damage_value(rng, REPLY))
    reply = parse_reply(raw.decode("utf-8", "replace"))
    assert 0 <= reply.prompt_tokens < 2**63 and 0 <= reply.completion_tokens < 2**63
    f"{reply.text}{reply.finish}{reply.model}{reply.fingerprint}".encode()


def enter_verdict(rng: random.Random, folder: Path) -> None:
    """A judge's words: a share of a game, or no verdict."""
    choice = REPLY["choices"][0]  # type: ignore[index]
    text = rng.choice(
        ("My verdict is [[B>>A]]", '{"candidate": 1, "opponent": 2, "better": "lower"}', json.dumps(choice))
    )
    raw = damage_bytes(rng, text.encode()).decode("utf-8", "replace")
    raw = raw if rng.random() < 0.6 else write_json(damage_value(rng, choice)).decode()
    for engine in ENGINES:
        won, weight = score_raw(engine, raw, rng.randrange(2))
        assert won is None or 0 <= won <= 1
        assert weight in (1, 3)


def enter_tags(rng: random.Random, folder: Path) -> None:
    """A tagger's words."""
    tags = parse_tags(damage_bytes(rng, b'{"tags": ["unit", "code"]}').decode("utf-8", "replace"), 3)
    assert 0 < len(tags) <= 3


def enter_annotations(rng: random.Random, folder: Path) -> None:
    """Recorded judgements: at most one game a record, two for Arena-Hard."""
    protocol = rng.choice(PROTOCOLS)
    records = [damage_value(rng, ANNOTATIONS[protocol]) for _ in range(2)]
    games = read_games(protocol, [*records, rng.choice(VALUES)])
    assert games.height <= 2 * len(records)


def enter_settings(rng: random.Random, folder: Path) -> None:
    """Settings with an unknown key, a block in place of a value, or a value in place of a block."""
    (folder / "params.yaml").touch()  # the file that the sentence must name
    settings = _read_params()
    block = rng.choice(list(settings))
    known_settings.check_settings(settings | {block: damage_value(rng, settings[block])}, "params.yaml")


def enter_yaml(rng: random.Random, folder: Path) -> None:
    """A damaged file of settings, such as a profile."""
    path = folder / "params.yaml"
    path.write_bytes(damage_bytes(rng, rng.choice(_read_profiles())))
    known_settings.check_settings(read_settings(path), str(path))


def enter_grid(rng: random.Random, folder: Path) -> None:
    """A damaged table of cells."""
    path = folder / "grid.csv"
    path.write_bytes(damage_bytes(rng, _read_head("metrics/grid.csv", 4)))
    read_table(path, Grid)


def enter_study(rng: random.Random, folder: Path) -> None:
    """A damaged study."""
    path = folder / "study.json"
    data = (ROOT / "metrics/study.json").read_bytes()
    path.write_bytes(_damage_record(rng, json.loads(data)))
    read_study(path)


def enter_made(rng: random.Random, folder: Path) -> None:
    """The record of what a study was made from, beside a grid that it describes or that was cut."""
    grid, made = folder / "grid.csv", folder / "made.json"
    grid.write_bytes(_read_head("metrics/grid.csv", 4))
    record = {"study": {"cells": 3, "grid": {"rows": 3, "sha256": hash_grid(grid)}}}
    made.write_bytes(_damage_record(rng, record))
    require_whole_grid(grid, made)


def enter_ratings(rng: random.Random, folder: Path) -> None:
    """A sheet's key and what two raters saved: every choice counts once, as a win, a tie or a loss."""
    pairs = [{"item": item, "id": f"p{item}", "first_is_left": item % 2 == 0} for item in (1, 2, 3)]
    key = {"sheet": "0" * 16, "first": "a", "second": "b", "identical": [], "different": 9, "pairs": pairs}
    choices = {"1": "left", "2": "tie", "3": "right"}
    files = {"key.json": key} | {
        f"{rater}.json": {"sheet": key["sheet"], "rater": rater, "choices": choices} for rater in ("ann", "bob")
    }
    damaged = rng.choice(list(files))
    for name, record in files.items():
        (folder / name).write_bytes(_damage_record(rng, record) if name == damaged else write_json(record))
    raters, shares = read_ratings([folder / "ann.json", folder / "bob.json"], read_sheet_key(folder / "key.json"))
    assert len(raters) == 2 and shares.shape[0] == 2
    assert set(shares[~np.isnan(shares)].tolist()) <= {0.0, 0.5, 1.0}


def enter_table(rng: random.Random, folder: Path) -> None:
    """A damaged Parquet file of the pipeline."""
    path = folder / "subset.parquet"
    table = pl.DataFrame({"id": ["a", "b"], "unit": ["u", "v"], "turn": pl.Series([0, 1], dtype=pl.Int32)})
    table.write_parquet(path)
    path.write_bytes(damage_bytes(rng, path.read_bytes()))
    read_table(path, Subset)


DOORS: dict[str, tuple[Callable[[random.Random, Path], None], int]] = {  # and the share of all cases, in per mille
    "lines of a pool": (enter_lines, 60),
    "records of a pool": (enter_records, 60),
    "files of a pool": (enter_file, 40),
    "prompts": (enter_prompts, 40),
    "replies": (enter_reply, 200),
    "verdicts": (enter_verdict, 200),
    "tags": (enter_tags, 50),
    "annotations": (enter_annotations, 60),
    "settings": (enter_settings, 10),
    "profiles": (enter_yaml, 5),
    "grid.csv": (enter_grid, 10),
    "study.json": (enter_study, 10),
    "made.json": (enter_made, 60),
    "human ratings": (enter_ratings, 120),
    "tables": (enter_table, 75),
}


def _count_records(path: Path, expected: int | None) -> None:
    """Every record is a row or a reject, in the table and after the cleaning."""
    records = list(read_files(str(path)))
    table = tabulate_records("mine", records, DETECTED, "first")
    assert [record.row for record in records] == list(range(len(records)))
    assert table.rows.height == len(records)
    is_refused_whole = len(records) == 1 and "is not UTF-8 but perhaps" in str(records[0].reason)
    assert expected is None or len(records) == expected or is_refused_whole
    limits = {"seed": 0, "heldout_share": 0.3, "min_chars": 1, "max_chars": 1000, "near_duplicates": "keep"}
    if table.rows["reason"].null_count():
        candidates = split_candidates(table.rows, set(), {"mine": None}, **limits)  # type: ignore[arg-type]
        assert sum(part.height for part in candidates[:3]) == len(records)


def _damage_record(rng: random.Random, record: Any) -> bytes:
    return damage_bytes(rng, write_json(record)) if rng.random() < 0.3 else write_json(damage_value(rng, record))


def _write_lines(records: list[dict[str, Any]]) -> bytes:
    return b"\n".join(map(write_json, records))


def _write_list(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records, indent=1).encode()


def _write_csv(records: list[dict[str, Any]]) -> bytes:
    return pl.DataFrame(records).write_csv().encode()


def _write_parquet(records: list[dict[str, Any]]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(records).write_parquet(data)
    return data.getvalue()


def write_arrow(records: list[dict[str, Any]]) -> bytes:
    """The form of a file, which ends in a table of its batches."""
    data = io.BytesIO()
    pl.DataFrame(records).write_ipc(data)
    return data.getvalue()


def write_stream(records: list[dict[str, Any]]) -> bytes:
    """The form of a stream, a batch after the other."""
    data = io.BytesIO()
    pl.DataFrame(records).write_ipc_stream(data)
    return data.getvalue()


def _write_packed(records: list[dict[str, Any]]) -> bytes:
    return gzip.compress(_write_lines(records), mtime=0)


@cache
def _read_params() -> Any:
    import yaml

    return yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


@cache
def _read_profiles() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "profiles").glob("*.yaml"))]


@cache
def _read_head(name: str, lines: int) -> bytes:
    return b"\n".join((ROOT / name).read_bytes().splitlines()[:lines])
