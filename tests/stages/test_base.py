"""base: of a model that exists the commit and the tokenizer are kept; one that may not be fetched is one sentence."""

import json

import huggingface_hub
import polars as pl
import pytest
import transformers

from m2m.models import load_tokenizer
from m2m.runtime.artifacts import write_table
from m2m.schemas.corpus import Corpus
from stages.base import main

SIZES = {"vocab_size": 320, "hidden_size": 32, "layers": 1, "heads": 2, "context": 64, "block": 16}
TRAINING = {"seed": 1, "batch_size": 2, "learning_rate": 0.001, "train_tokens": 1000}


def base(folder, name, revision="main"):
    write_table(folder / "corpus.parquet", Corpus, pl.DataFrame({"id": ["a"], "text": ["one"]}))
    outs = (folder / "base", folder / "tokenizer", folder / "base.json")
    main(folder / "corpus.parquet", *outs, name=name, revision=revision, **SIZES, **TRAINING)


def test_of_a_folder_its_path_and_its_tokenizer_are_kept(tmp_path, tokenizer, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tokenizer.save_pretrained(tmp_path / "mine")
    base(tmp_path, "mine")
    reference = json.loads((tmp_path / "base" / "reference.json").read_text())
    assert reference == {"name": str(tmp_path / "mine"), "revision": "local"}
    assert load_tokenizer(tmp_path / "tokenizer").get_vocab() == tokenizer.get_vocab()
    assert json.loads((tmp_path / "base.json").read_text()) == {"base": "mine", "revision": "local"}


def test_of_a_branch_of_the_hub_the_commit_is_kept(tmp_path, tokenizer, monkeypatch):
    asked = []

    def load(name, **named):
        asked.append((name, named))
        return tokenizer

    class Info:
        sha = "c" * 40

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: Info)
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", load)
    base(tmp_path, "owner/name")
    assert asked == [("owner/name", {"revision": "c" * 40, "trust_remote_code": False})]
    reference = json.loads((tmp_path / "base" / "reference.json").read_text())
    assert reference == {"name": "owner/name", "revision": "c" * 40}


def test_a_model_whose_licence_is_not_accepted_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def gated(*_, **__):
        raise OSError("You are trying to access a gated repo.\nMake sure to have access to it.")

    class Info:
        sha = "c" * 40

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: Info)
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", gated)
    with pytest.raises(OSError, match=r"the model 'owner/name' at revision 'c+' .* HF_TOKEN") as error:
        base(tmp_path, "owner/name")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "base").exists()
