from typing import Any

import pytest
import torch

from m2m.training.finetuning.collation import EMPTY_ROW, label_tokens, require_exact_packing


def test_labels_stand_on_the_completion_alone() -> None:
    assert label_tokens(([5, 6], [7, 0]), 3) == {"input_ids": [5, 6, 7, 0], "labels": [-100, -100, 7, 0]}


def test_an_empty_place_is_one_padding_token_without_loss() -> None:
    assert label_tokens(EMPTY_ROW, 3) == {"input_ids": [3], "labels": [-100]}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_llama_keeps_packed_rows_apart(llama: Any, attention: str) -> None:
    require_exact_packing(llama.config, torch.float32, "cpu", attention)


def test_a_model_that_sees_into_its_neighbour_is_refused(llama: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.llama import modeling_llama

    right = modeling_llama.create_causal_mask
    monkeypatch.setattr(
        modeling_llama, "create_causal_mask", lambda position_ids, **rest: right(position_ids=None, **rest)
    )
    with pytest.raises(ValueError, match=r"packing exact is not exact here.*set finetune\.packing to none"):
        require_exact_packing(llama.config, torch.float32, "cpu", "sdpa")
