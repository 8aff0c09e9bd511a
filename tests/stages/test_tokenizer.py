"""tokenizer: of a model that exists it is copied and its commit kept; else it is trained on corpus or pool."""

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import polars as pl
import pytest
import transformers

from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import write_table
from m2m.schemas.corpus import Corpus
from m2m.schemas.pool import Pool
from stages.tokenizer import main


def run(folder: Path, name: Any = "scratch", corpus: Any = ("one two",), revision: Any = "main") -> Any:
    columns = {"id": [f"{number:03}" for number in range(len(corpus))], "text": list(corpus)}
    write_table(folder / "corpus.parquet", Corpus, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))
    row = {"id": "a", "source": "mine", "instruction": "zebra zebra zebra", "response": "quagga quagga quagga"}
    write_table(folder / "pool.parquet", Pool, pl.DataFrame([row]))
    paths = (folder / "corpus.parquet", folder / "pool.parquet", folder / "tokenizer")
    main(*paths, name=name, revision=revision, vocab_size=280)
    return load_tokenizer(folder / "tokenizer")


def test_it_is_trained_on_the_corpus_but_for_its_heldout_fiftieth(tmp_path: Path) -> None:
    held_out, training = ["xylophone " * 9], ["mean of a list"] * 49
    tokens = run(tmp_path, corpus=held_out + training).get_vocab()
    assert "mean" in tokens
    assert not [token for token in tokens if "xylo" in token]


def test_without_a_corpus_it_is_trained_on_both_sides_of_the_pool_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = run(tmp_path, corpus=()).get_vocab()
    assert {"zebra", "quagga"} <= {token.strip("Ġ") for token in tokens}
    assert "there is no corpus, so it is trained on the pool" in capsys.readouterr().err


def test_of_a_folder_the_outs_are_the_same_wherever_the_repository_lies(
    tmp_path: Path, tokenizer: Any, llama: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue runs a cell in a copy, which has no untracked model; DVC_ROOT names the repository."""
    outs = []
    for home in (tmp_path / "one", tmp_path / "another"):
        copy = home / ".dvc/tmp/exps/copy"
        copy.mkdir(parents=True)
        monkeypatch.chdir(copy)
        monkeypatch.setenv("DVC_ROOT", str(home))
        tokenizer.save_pretrained(home / "models/mine")
        llama.save_pretrained(home / "models/mine")
        assert run(copy, "models/mine").get_vocab() == tokenizer.get_vocab()
        outs.append({path.name: path.read_bytes() for path in (copy / "tokenizer").iterdir()})
        assert load_model(copy / "tokenizer", "float32").lm_head.weight.shape == llama.lm_head.weight.shape
    assert outs[0] == outs[1]
    assert json.loads(outs[0]["reference.json"]) == {"name": "models/mine", "revision": "local"}


class Info:
    sha = "c" * 40


def test_of_a_branch_of_the_hub_the_commit_is_kept(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    load = transformers.AutoTokenizer.from_pretrained

    def from_pretrained(name: Any, **options: Any) -> Any:
        calls.append((name, options))
        return tokenizer if name == "owner/name" else load(name, **options)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: Info)
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", from_pretrained)
    run(tmp_path, "owner/name")
    assert calls[0] == ("owner/name", {"revision": "c" * 40, "trust_remote_code": False})
    reference = json.loads((tmp_path / "tokenizer/reference.json").read_text())
    assert reference == {"name": "owner/name", "revision": "c" * 40}


def test_a_model_whose_licence_is_not_accepted_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gated(*_: Any, **__: Any) -> None:
        raise OSError("You are trying to access a gated repo.\nMake sure to have access to it.")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: Info)
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", gated)
    with pytest.raises(OSError, match=r"the model 'owner/name' at revision 'c+' .* HF_TOKEN") as error:
        run(tmp_path, "owner/name")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "tokenizer").exists()
