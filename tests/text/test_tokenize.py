"""Flat token arrays of toy texts."""

import copy
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer

from m2m.text.tokenize import Tokenized, label_token, load_fast, load_saved, split_words, tokenize


def texts_of(tokenized: Tokenized) -> list[list[str]]:
    names = [tokenized.names[token] for token in tokenized.tokens]
    return [names[begin:end] for begin, end in zip(tokenized.offsets[:-1], tokenized.offsets[1:], strict=True)]


def test_words_stand_between_white_space_in_any_script() -> None:
    tokenized = split_words(["the cat, the", "", "数字 the\tcat"])
    assert texts_of(tokenized) == [["the", "cat,", "the"], [], ["数字", "the", "cat"]]
    assert tokenized.names == tokenized.texts == sorted(tokenized.names)


def test_no_text_and_no_word_give_empty_arrays() -> None:
    assert (split_words([]).tokens.tolist(), split_words([]).offsets.tolist()) == ([], [0])
    assert (split_words([" "]).tokens.tolist(), split_words([" "]).offsets.tolist()) == ([], [0, 0])


@pytest.fixture(params=["saved", "any"])
def loaded(request: pytest.FixtureRequest, tokenizer: Any, tmp_path: Path) -> Any:
    """The tokenizer, from a file that would have it cut and pad."""
    cutting = copy.deepcopy(tokenizer)
    cutting.backend_tokenizer.enable_truncation(3)
    cutting.backend_tokenizer.enable_padding(length=3)
    cutting.save_pretrained(tmp_path)
    file = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert len(file.encode("The mean of a list.").ids) == 3
    return load_saved(tmp_path) if request.param == "saved" else load_fast(str(tmp_path))


def test_tokens_are_those_that_the_model_sees(tokenizer: Any, loaded: Any) -> None:
    texts = ["The mean of a list.", "", "Zahlen: ¼, 数字"]
    tokenized = tokenize(loaded, texts)
    rows = [tokenized.tokens[a:b].tolist() for a, b in zip(tokenized.offsets[:-1], tokenized.offsets[1:], strict=True)]
    assert rows == [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    assert len(tokenized.names) == len(set(tokenized.names)) == len(tokenizer)


def test_a_special_token_that_a_text_spells_out_is_text(tokenizer: Any, loaded: Any) -> None:
    tokenized = tokenize(loaded, [tokenizer.eos_token])
    assert tokenizer.eos_token_id not in tokenized.tokens
    assert len(tokenized.tokens) > 1


def test_every_added_token_but_blanks_is_text_and_keeps_its_number(tokenizer: Any, tmp_path: Path) -> None:
    adding = copy.deepcopy(tokenizer)
    adding.add_tokens([AddedToken("<|python_tag|>", special=True), "<tool_call>", "     "])
    adding.save_pretrained(tmp_path)
    tokenized = tokenize(load_saved(tmp_path), ["<tool_call>     <|python_tag|>"])
    names = [tokenized.names[token] for token in tokenized.tokens]
    assert names.count("     ") == 1
    assert not {"<tool_call>", "<|python_tag|>"} & set(names)
    assert tokenized.names == adding.convert_ids_to_tokens(range(len(adding)))


def test_bytes_that_are_no_character_are_readable_as_such(loaded: Any) -> None:
    tokenized = tokenize(loaded, ["¼"])
    assert {tokenized.texts[token] for token in tokenized.tokens} == {"\ufffd"}


def test_a_tokenizer_that_is_nowhere_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=r"tokenizer 'no/such@v1' could not be loaded .* set band.tokenizer to 'base'"):
        load_fast("no/such@v1")


@pytest.mark.parametrize("sign", ["a", "é", "数", "☃", "\x7f", "\xad", "\x00"])
def test_the_labels_of_the_tokens_of_a_character_are_its_bytes(tokenizer: Any, sign: str) -> None:
    """Byte-level BPE, as it spells every byte: the label of several bytes is that of each."""
    names = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(sign)[0][0]
    escaped = "".join(label_token(name, "\ufffd") for name in names)
    spelled = sign.encode() if sign.isprintable() and len(sign.encode()) == 1 else b""
    assert escaped == (spelled.decode() or "".join(rf"\x{byte:02x}" for byte in sign.encode()))


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        ("▁the", "the", "the"),
        ("Ġthe", " the", "␣the"),
        ("ĠâĤ", " \ufffd", r"␣\xe2\x82"),
        ("words�", "�", "�"),
        ("\u202e", "\u202e", r"\u202e"),
        ("\x1b[1m", "\x1b[1m", r"\x1b[1m"),
    ],
)
def test_a_label_has_no_byte_symbol_and_nothing_invisible(name: str, text: str, label: str) -> None:
    assert label_token(name, text) == label
