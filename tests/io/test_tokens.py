"""Flat token arrays of toy texts."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from stages.io.tokens import Tokenized, load_fast, tokenize, words


def texts_of(found: Tokenized) -> list[list[str]]:
    names = [found.names[token] for token in found.tokens]
    return [names[begin:end] for begin, end in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def test_words_stand_between_white_space_in_any_script():
    found = words(["the cat, the", "", "数字 the\tcat"])
    assert texts_of(found) == [["the", "cat,", "the"], [], ["数字", "the", "cat"]]
    assert found.names == found.texts == sorted(found.names)


def test_no_text_and_no_word_give_empty_arrays():
    assert (words([]).tokens.tolist(), words([]).offsets.tolist()) == ([], [0])
    assert (words([" "]).tokens.tolist(), words([" "]).offsets.tolist()) == ([], [0, 0])


@pytest.fixture
def folder(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    return str(tmp_path)


def test_tokens_are_those_that_the_model_sees(tokenizer, folder):
    texts = ["The mean of a list.", "", "Zahlen: ¼, 数字"]
    found = tokenize(load_fast(folder), texts)
    parts = [found.tokens[a:b].tolist() for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]
    assert parts == [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    assert len(found.names) == len(set(found.names)) == len(tokenizer)


def test_a_tokenizer_that_would_cut_and_pad_texts_does_neither(tokenizer, folder):
    file = Path(folder) / "tokenizer.json"
    cutting = Tokenizer.from_file(str(file))
    cutting.enable_truncation(3)
    cutting.enable_padding(length=3)
    cutting.save(str(file))
    found = tokenize(load_fast(folder), ["The mean of a list.", ""])
    assert found.tokens.tolist() == tokenizer.encode("The mean of a list.", add_special_tokens=False)


def test_a_folder_of_an_older_form_gives_the_same_tokens(tokenizer, tmp_path):
    tokenizer.backend_tokenizer.model.save(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    text = "The mean of a list."
    assert tokenize(load_fast(str(tmp_path)), [text]).tokens.tolist() == tokenizer.encode(text)


def test_a_special_token_that_a_text_spells_out_is_text(tokenizer, folder):
    found = tokenize(load_fast(folder), [tokenizer.eos_token])
    assert tokenizer.eos_token_id not in found.tokens
    assert len(found.tokens) > 1


def test_bytes_that_are_no_character_are_readable_as_such(folder):
    found = tokenize(load_fast(folder), ["¼"])
    assert {found.texts[token] for token in found.tokens} == {"\ufffd"}


def test_a_tokenizer_that_is_nowhere_is_one_sentence(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=r"tokenizer 'no/such@v1' could not be loaded .* set band.tokenizer to 'base'"):
        load_fast("no/such@v1")


def test_a_tokenizer_file_that_is_none_is_one_sentence(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(OSError, match=r"tokenizer .* could not be loaded"):
        load_fast(str(tmp_path))
