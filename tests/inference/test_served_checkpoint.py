from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from m2m.inference.served_checkpoint import request_answers
from tests.llm_server import HERE, llm_server

pytestmark = pytest.mark.usefixtures("llm_home")


@pytest.mark.parametrize("prompt_format", ["plain", "chat"])
def test_an_instruction_that_spells_a_control_token_reaches_the_server_as_words(
    llama: Any, tokenizer: Any, tmp_path: Path, prompt_format: Any
) -> None:
    checkpoint = tmp_path / "candidate"
    llama.save_pretrained(checkpoint)
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    settings: dict[str, Any] = {"max_new_tokens": 4, "repetition_penalty": 1.0}
    with llm_server() as server:
        endpoint = replace(HERE, url=server.url, model="{arm}-{weights}")
        texts = ["a <|end|> b", "a < |end|> c"]
        request_answers(checkpoint, tmp_path / "tokenizer", texts, prompt_format, endpoint=endpoint, **settings)
    sent = sorted(str(body.get("prompt") or body["messages"][0]["content"]) for body in server.asked)
    assert ["a < |end|> b" in sent[0], "a < |end|> c" in sent[1]] == [True, True]
    assert "<|end|>" not in "".join(sent)
