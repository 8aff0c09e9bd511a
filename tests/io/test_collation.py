import pytest
import torch

from stages.io.collation import EMPTY, collator, require_exact_packing

ROWS = [([5, 6], [7, 0]), EMPTY, ([9], [0])]


def test_padded_rows_carry_labels_on_completions_alone():
    batch = collator("none", 3, "sdpa")(ROWS)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 0], [3, 3, 3, 3], [9, 0, 3, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, -100, 7, 0], [-100] * 4, [-100, 0, -100, -100]]


def test_packed_rows_lie_end_to_end_each_with_positions_of_its_own():
    batch = collator("exact", 3, "sdpa")(ROWS)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 0, 9, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 0, 1]]
    assert batch["labels"].tolist() == [[-100, -100, 7, 0, -100, 0]]
    assert set(batch) == {"input_ids", "position_ids", "labels"}  # a mask would hide the borders


def test_flash_attention_is_told_where_the_rows_end():
    batch = collator("exact", 3, "flash_attention_2")(ROWS)
    assert batch["cu_seq_lens_q"].tolist() == batch["cu_seq_lens_k"].tolist() == [0, 4, 6]
    assert batch["max_length_q"] == batch["max_length_k"] == 4


@pytest.mark.parametrize("packing", ["none", "exact"])
def test_a_share_of_empty_places_alone_is_one_token_without_loss(packing):
    batch = collator(packing, 3, "sdpa")([EMPTY, EMPTY])
    assert set(batch["input_ids"].ravel().tolist()) == {3}
    assert set(batch["labels"].ravel().tolist()) == {-100}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_llama_keeps_packed_rows_apart(llama, attention):
    require_exact_packing(llama.config, torch.float32, "cpu", attention)


def test_a_model_that_sees_into_its_neighbour_is_refused(llama, monkeypatch):
    from transformers.models.llama import modeling_llama

    right = modeling_llama.create_causal_mask
    monkeypatch.setattr(
        modeling_llama, "create_causal_mask", lambda position_ids, **rest: right(position_ids=None, **rest)
    )
    with pytest.raises(ValueError, match=r"packing exact is not exact here.*set finetune\.packing to none"):
        require_exact_packing(llama.config, torch.float32, "cpu", "sdpa")
