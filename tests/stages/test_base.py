"""base: a model that exists is kept by the commit of its tokenizer; a small one is trained with the tokenizer."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import write_json, write_table
from m2m.schemas.corpus import Corpus
from m2m.schemas.pool import Pool
from stages.base import main
from stages.tokenizer import main as make_tokenizer
from tests.test_gguf_models import needs_gguf
from tests.tiny_gguf import write_gguf

POOL = ("id", "source", "instruction", "response")
SIZES: dict[str, Any] = {"hidden_size": 32, "layers": 1, "heads": 2, "context": 64, "block": 16}
TRAINING: dict[str, Any] = {"seed": 1, "batch_size": 2, "learning_rate": 0.001, "train_tokens": 200}


def base(folder: Path, name: Any, texts: Any = ("one",)) -> None:
    ids = [f"{number:03}" for number in range(len(texts))]
    corpus = pl.DataFrame({"id": ids, "text": list(texts)}, schema=dict.fromkeys(("id", "text"), pl.String))
    write_table(folder / "corpus.parquet", Corpus, corpus)
    paths = (folder / name for name in ("corpus.parquet", "tokenizer", "base", "base.json"))
    main(*paths, name=name, **SIZES, **TRAINING)


def test_a_model_that_exists_is_named_at_the_commit_that_its_tokenizer_was_copied_at(
    tmp_path: Path, tokenizer: Any
) -> None:
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    reference = {"name": "owner/name", "revision": "c" * 40}
    write_json(tmp_path / "tokenizer/reference.json", reference)
    base(tmp_path, "owner/name")
    assert json.loads((tmp_path / "base/reference.json").read_text()) == reference
    report = {"base": "owner/name", "revision": "c" * 40, "base_instruction_tuned": "no sign of it"}
    assert json.loads((tmp_path / "base.json").read_text()) == report


@needs_gguf
def test_of_a_gguf_file_tokenizer_and_weights_are_written_and_its_hash_is_in_the_report(
    tmp_path: Path, tokenizer: Any, llama: Any
) -> None:
    file = write_gguf(tmp_path / "tiny-chat.gguf", llama, tokenizer)
    write_table(tmp_path / "pool.parquet", Pool, pl.DataFrame(schema=dict.fromkeys(POOL, pl.String)))
    paths = tmp_path / "corpus.parquet", tmp_path / "pool.parquet", tmp_path / "tokenizer"
    write_table(paths[0], Corpus, pl.DataFrame(schema=dict.fromkeys(("id", "text"), pl.String)))
    make_tokenizer(*paths, name=str(file), revision="main", vocab_size=300)
    base(tmp_path, str(file))
    assert load_tokenizer(tmp_path / "tokenizer").get_vocab().items() >= tokenizer.get_vocab().items()
    assert load_model(tmp_path / "base", "float32").num_parameters() == llama.num_parameters()
    assert json.loads((tmp_path / "base.json").read_text()) == {
        "base": str(file),
        "revision": f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}",
        "base_file": "tiny-chat.gguf",
        "base_parameters": llama.num_parameters(),
        "base_instruction_tuned": "yes: its name says chat",
    }
    file.write_bytes(file.read_bytes() + b"0")
    with pytest.raises(ValueError, match=r"tiny-chat\.gguf has changed since its tokenizer was read: run dvc repro"):
        base(tmp_path, str(file))


def test_a_small_model_has_the_types_of_the_tokenizer(tmp_path: Path, tokenizer: Any) -> None:
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    texts = [f"Return the mean of {number} numbers, or the sum of a list of them." for number in range(100)]
    base(tmp_path, "scratch", texts)
    assert load_model(tmp_path / "base", "float32").config.vocab_size == len(load_tokenizer(tmp_path / "tokenizer"))
    report = json.loads((tmp_path / "base.json").read_text())
    assert (report["base_heldout_texts"], report["base_train_tokens"]) == (2, 192)  # twelve whole rows of 16


def test_without_a_corpus_no_model_is_trained_and_the_remedy_is_named(tmp_path: Path, tokenizer: Any) -> None:
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    with pytest.raises(ValueError, match=r"there is none: add such a source to ingest\.sources .* or set base\.name"):
        base(tmp_path, "scratch", ())
