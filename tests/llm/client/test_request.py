from dataclasses import replace
from typing import Any

import pytest

from m2m.llm.client.request import Request, bound_tokens, build_body, hash_request

ONE = Request(("Why?",), reply_tokens=8)
OTHERS = {
    "turns": ("How?",), "reply_tokens": 9, "system": "Be brief.", "temperature": 0.5, "seed": 1, "top_logprobs": 5,
    "repetition_penalty": 1.2, "form": "completion", "about": "f00",
}  # fmt: skip


def test_what_is_sent_is_openai_s_protocol_and_nothing_of_ours() -> None:
    assert build_body(ONE, "m") == {
        "model": "m", "max_tokens": 8, "temperature": 0.0, "seed": 0, "messages": [{"role": "user", "content": "Why?"}],
    }  # fmt: skip
    talk = replace(ONE, turns=("Why?", "So.", "Why so?"), system="Be brief.", about="never sent", top_logprobs=5)
    assert [turn["role"] for turn in build_body(talk, "m")["messages"]] == ["system", "user", "assistant", "user"]
    assert build_body(talk, "m")["top_logprobs"] == 5
    assert "never sent" not in str(build_body(talk, "m"))
    assert build_body(replace(ONE, form="completion"), "m")["prompt"] == "Why?"


def test_every_field_of_a_request_and_the_model_are_part_of_its_key() -> None:
    keys = {hash_request(replace(ONE, **{name: value}), "m") for name, value in OTHERS.items()}  # type: ignore[arg-type]
    assert len(keys | {hash_request(ONE, "m"), hash_request(ONE, "n")}) == len(OTHERS) + 2


@pytest.mark.parametrize("text", ["plain", "ünïcode", "日本語" * 50])
def test_no_tokenizer_makes_more_tokens_than_bytes(text: Any) -> None:
    assert bound_tokens(replace(ONE, turns=(text,), system=text)) >= 8 + 2 * len(text.encode())
