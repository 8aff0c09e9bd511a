"""Flat token arrays of toy texts."""

import copy

import pytest
from tokenizers import Tokenizer

from m2m.text.tokenize import Tokenized, load_fast, load_saved, split_words, tokenize


def texts_of(found: Tokenized) -> list[list[str]]:
    names = [found.names[token] for token in found.tokens]
    return [names[begin:end] for begin, end in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def test_words_stand_between_white_space_in_any_script():
    found = split_words(["the cat, the", "", "数字 the\tcat"])
    assert texts_of(found) == [["the", "cat,", "the"], [], ["数字", "the", "cat"]]
    assert found.names == found.texts == sorted(found.names)


def test_no_text_and_no_word_give_empty_arrays():
    assert (split_words([]).tokens.tolist(), split_words([]).offsets.tolist()) == ([], [0])
    assert (split_words([" "]).tokens.tolist(), split_words([" "]).offsets.tolist()) == ([], [0, 0])


@pytest.fixture(params=["saved", "any"])
def loaded(request, tokenizer, tmp_path):
    """The tokenizer, from a file that would have it cut and pad."""
    cutting = copy.deepcopy(tokenizer)
    cutting.backend_tokenizer.enable_truncation(3)
    cutting.backend_tokenizer.enable_padding(length=3)
    cutting.save_pretrained(tmp_path)
    file = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert len(file.encode("The mean of a list.").ids) == 3
    return load_saved(tmp_path) if request.param == "saved" else load_fast(str(tmp_path))


def test_tokens_are_those_that_the_model_sees(tokenizer, loaded):
    texts = ["The mean of a list.", "", "Zahlen: ¼, 数字"]
    found = tokenize(loaded, texts)
    parts = [found.tokens[a:b].tolist() for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]
    assert parts == [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    assert len(found.names) == len(set(found.names)) == len(tokenizer)


def test_a_special_token_that_a_text_spells_out_is_text(tokenizer, loaded):
    found = tokenize(loaded, [tokenizer.eos_token])
    assert tokenizer.eos_token_id not in found.tokens
    assert len(found.tokens) > 1


def test_bytes_that_are_no_character_are_readable_as_such(loaded):
    found = tokenize(loaded, ["¼"])
    assert {found.texts[token] for token in found.tokens} == {"\ufffd"}


def test_a_tokenizer_that_is_nowhere_is_one_sentence(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=r"tokenizer 'no/such@v1' could not be loaded .* set band.tokenizer to 'base'"):
        load_fast("no/such@v1")
