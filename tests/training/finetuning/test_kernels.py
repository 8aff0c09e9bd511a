"""GPU code that cannot run here, or that has nothing for a model, is refused with the remedy."""

import inspect
import re
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from m2m.training.finetuning import kernels
from m2m.training.finetuning.kernels import apply_kernels, require_optional


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models that Liger would patch: a stand-in for its module, whose table has two types of model."""
    models: list[Any] = []
    liger: Any = ModuleType("liger_kernel.transformers.monkey_patch")
    liger.MODEL_TYPE_TO_APPLY_LIGER_FN = {"qwen3": None, "llama": None}
    liger._apply_liger_kernel_to_instance = lambda model: models.append(model)  # noqa: PLW0108  (called by name)
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers.monkey_patch", liger)
    return models


def model(kind: str) -> Any:
    return SimpleNamespace(config=SimpleNamespace(model_type=kind))


def test_a_model_that_liger_knows_gets_its_kernels_and_one_without_the_setting_none(patched: list[Any]) -> None:
    llama = model("llama")
    apply_kernels(llama, "none")
    assert patched == []
    apply_kernels(llama, "liger")
    assert patched == [llama]


def test_a_model_that_liger_would_leave_as_it_is_is_refused(patched: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"kernels for llama, qwen3, got a model of type gpt2: set finetune\.k"):
        apply_kernels(model("gpt2"), "liger")
    assert patched == []


def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(kernels, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"package liger-kernel, which is not installed: run make gpu, or set"):
        require_optional("liger", "adamw")
    with pytest.raises(ValueError, match=r"package bitsandbytes, which is not installed: run make gpu, or set"):
        require_optional("none", "adamw-8bit")
    require_optional("none", "adamw")


def test_transformers_asks_for_whole_moments_of_embeddings_alone() -> None:
    """The planned memory rests on it: of every other weight the optimizer has a byte."""
    from transformers import Trainer

    source = inspect.getsource(Trainer.create_optimizer)
    assert re.search(
        r"isinstance\(module, nn.Embedding\).*register_module_override.*optim_bits.: 32", source, re.DOTALL
    )
    assert source.count("register_module_override") == 1
