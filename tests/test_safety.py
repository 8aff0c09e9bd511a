"""No code runs what data holds: no source has a call that would, a scan finds pickles, and every threat has a test."""

import ast
import pickle
import random
import re
import sqlite3
import zipfile
import zlib
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.safety import find_pickles, find_secrets, list_calls

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*(ROOT / "m2m").rglob("*.py"), *(ROOT / "stages").glob("*.py")])
FORBIDDEN = {
    "eval", "exec", "compile", "pickle.load", "pickle.loads", "joblib.load", "dill.load", "marshal.loads", "os.system",
    "os.popen", "yaml.unsafe_load", "yaml.full_load", "torch.save",
}  # fmt: skip
LOADERS = ("from_pretrained", "SentenceTransformer")  # of code and weights that others wrote
SERVERS = re.compile(r"0\.0\.0\.0|\bbind\(|HTTPServer|\bserve_forever\b")


@cache
def calls() -> list[tuple[str, str, ast.Call]]:
    return [
        (f"{path.relative_to(ROOT)}:{call.lineno}", name, call)
        for path in SOURCES
        for name, call in list_calls(path.read_text(encoding="utf-8"))
    ]


def keywords(call: ast.Call) -> dict[str, str]:
    return {word.arg or "**": ast.unparse(word.value) for word in call.keywords}


def test_no_source_runs_data_as_code() -> None:
    assert [place for place, name, _ in calls() if name in FORBIDDEN] == []
    assert [place for place, _, call in calls() if keywords(call).get("shell") == "True"] == []
    assert [place for place, _, call in calls() if keywords(call).get("allow_pickle") == "True"] == []
    loads = [(place, keywords(call)) for place, name, call in calls() if name == "torch.load"]
    assert [place for place, words in loads if words.get("weights_only") != "True"] == []


def test_yaml_of_others_is_read_by_safe_loaders_alone() -> None:
    loaded = [(place, ast.unparse(call)) for place, name, call in calls() if name == "yaml.load"]
    assert [place for place, text in loaded if "SafeLoader" not in text] == []


def test_every_loader_of_a_model_refuses_its_code_and_names_its_revision() -> None:
    loads = [(place, keywords(call)) for place, name, call in calls() if name.split(".")[-1] in LOADERS]
    assert len(loads) >= 6
    for place, words in loads:
        settings = " ".join(f"{name}={value}" for name, value in words.items())
        assert "trust_remote_code=False" in settings or "**=source" in settings or "**=safe" in settings, place
        is_local = "str(folder)" in (ROOT / place.split(":")[0]).read_text().splitlines()[int(place.split(":")[1]) - 1]
        is_local |= "gguf_file=" in settings  # a file of this machine
        assert "revision=" in settings or "**=source" in settings or is_local, place


def test_a_tokenizer_is_saved_by_the_function_alone_that_leaves_the_offline_switch_out() -> None:
    saves = [(place, name) for place, name, _ in calls() if name.endswith(".save_pretrained")]
    tokenizers = [place.split(":")[0] for place, name in saves if "tokenizer" in name]
    assert tokenizers == ["m2m/models.py"]
    others = {name for _, name in saves} - {"tokenizer.save_pretrained"}
    assert others == {"model.save_pretrained", "plain.save_pretrained", "merge_adapters(model, state).save_pretrained"}


def test_nothing_listens() -> None:
    assert [path.name for path in SOURCES if SERVERS.search(path.read_text(encoding="utf-8"))] == []


def test_the_scan_finds_every_kind_of_pickle_and_nothing_else(tmp_path: Path) -> None:
    for protocol in range(6):
        (tmp_path / f"bare-{protocol}.bin").write_bytes(pickle.dumps({"a": [1]}, protocol=protocol))
    with zipfile.ZipFile(tmp_path / "optimizer.pt", "w") as archive:  # as torch.save writes
        archive.writestr("optimizer/data.pkl", pickle.dumps({}))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    assert len(find_pickles(tmp_path)) == 8
    harmless = tmp_path / "harmless"
    harmless.mkdir()
    np.save(harmless / "numbers.npy", np.zeros(3))
    (harmless / "text.txt").write_text("(not a pickle.")
    (harmless / "empty").write_bytes(b"")
    with zipfile.ZipFile(harmless / "a.zip", "w") as archive:
        archive.writestr("a.txt", "b")
    assert find_pickles(harmless) == []


def test_a_secret_is_found_in_every_packing(tmp_path: Path) -> None:
    secret, texts = "sk-needle", ["".join(random.Random(1).choices("abcdefghij ", k=9000)) + "sk-needle", "none"]
    (tmp_path / "run.log").write_text(texts[0])
    (tmp_path / "object").write_bytes(zlib.compress(texts[0].encode()))
    pl.DataFrame({"text": texts}).write_parquet(tmp_path / "0f" / "table", mkdir=True, compression="zstd")
    pl.DataFrame({"texts": [texts]}).write_parquet(tmp_path / "list.parquet", compression="zstd")
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database, database:
        database.execute("create table tags (value text)")
        database.executemany(
            "insert into tags values (?)", [(f"{'hay ' * size}sk-needle",) for size in range(1000, 1100)]
        )
    pl.DataFrame({"text": texts[1:]}).write_parquet(tmp_path / "clean.parquet")
    names = ["0f/table", "list.parquet", "object", "run.log", "runs.db"]
    assert [str(path.relative_to(tmp_path)) for path, _ in find_secrets(tmp_path, [secret, "absent"])] == names
    assert secret.encode() not in (tmp_path / "0f/table").read_bytes() + (tmp_path / "object").read_bytes()


def list_threats() -> list[list[str]]:
    lines = (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return [row for row in rows if len(row) == 4 and row[0] not in ("Who", "---")]


def test_every_threat_names_who_what_and_what_stops_it() -> None:
    assert len(list_threats()) >= 15
    assert all(all(row) for row in list_threats())


@pytest.mark.parametrize("row", list_threats(), ids=lambda row: row[1][:40])
def test_the_test_that_shows_that_a_threat_is_stopped_is_there(row: list[str]) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[3])
    assert named
    for path, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), f"{path}::{name}"
