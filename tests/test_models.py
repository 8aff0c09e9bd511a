import json
from pathlib import Path
from typing import Any

import pytest
from transformers import ByT5Tokenizer

from m2m.models import copy_tokenizer, load_model, load_tokenizer, resolve_commit, save_tokenizer, write_reference
from m2m.training.pretrain import train_tokenizer


def test_a_reference_to_a_folder_loads_that_folder(llama: Any, tmp_path: Path) -> None:
    llama.save_pretrained(tmp_path / "model")
    write_reference(tmp_path / "base", str(tmp_path / "model"), resolve_commit(str(tmp_path / "model"), "main"))
    loaded = load_model(tmp_path / "base", "float32")
    assert loaded.lm_head.weight.equal(llama.lm_head.weight.to(loaded.device))
    assert json.loads((tmp_path / "base" / "reference.json").read_text())["revision"] == "local"


def test_a_model_that_is_nowhere_is_one_sentence_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    write_reference(tmp_path / "base", "nobody/nothing", "0" * 40)
    with pytest.raises(OSError, match=r"'nobody/nothing' at revision '0+' could not be loaded.*network"):
        load_model(tmp_path / "base", "float32")


def test_only_safetensors_are_read(llama: Any, tmp_path: Path) -> None:
    import torch

    llama.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(llama.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        load_model(tmp_path, "float32")


def test_the_end_token_pads_where_there_is_no_padding_token(tokenizer: Any, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    del settings["pad_token"]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert load_tokenizer(tmp_path).pad_token_id == tokenizer.eos_token_id


def test_a_tokenizer_whose_tokens_cannot_be_counted_is_refused(tmp_path: Path) -> None:
    ByT5Tokenizer().save_pretrained(tmp_path / "slow")
    with pytest.raises(ValueError, match="a ByT5Tokenizer, must be a fast one"):
        copy_tokenizer(str(tmp_path / "slow"), "local", tmp_path / "tokenizer")


def test_a_saved_tokenizer_is_the_same_with_and_without_the_offline_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three ways into an out: trained here, copied from a model, saved beside a model that was trained."""
    saved = []
    for is_offline in (False, True):
        folder = tmp_path / str(is_offline)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", is_offline)
        train_tokenizer(["one two"] * 4, folder / "trained", vocab_size=300)
        copy_tokenizer(str(folder / "trained"), "local", folder / "copied")
        save_tokenizer(load_tokenizer(folder / "copied"), folder / "candidate")
        saved.append({str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json")})
    assert len(saved[0]) == 6
    assert saved[0] == saved[1]
