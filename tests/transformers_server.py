"""`transformers serve` on loopback with a tiny model: a real server that speaks OpenAI's protocol."""

import copy
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def save_chat_model(folder: Path, tokenizer: Any, model: Any) -> Path:
    """`model` and `tokenizer` in `folder`, with a chat template."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": TEMPLATE}))
    return folder


def save_parrot(folder: Path, tokenizer: Any, says: str) -> Path:
    """A Llama in `folder` that says `says` at every turn, and ends: weights by hand, no training.

    `says` is one token. Attention and MLP add nothing, so that the next token follows from the last one alone: the
    turn's last token → `says` → the end token.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    words = copy.deepcopy(tokenizer)
    words.add_tokens([says])
    turn, said = words("assistant:", add_special_tokens=False)["input_ids"][-1], words.convert_tokens_to_ids(says)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        eos_token_id=words.eos_token_id, bos_token_id=None, pad_token_id=None, tie_word_embeddings=False,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight.zero_()
        read, write = model.get_input_embeddings().weight, model.get_output_embeddings().weight
        read[:, 0], read[turn, 0], read[said, 0] = 1.0, 0.0, 0.0
        read[turn, 1] = read[said, 2] = write[said, 1] = write[words.eos_token_id, 2] = 1.0
    return save_chat_model(folder, words, model)


@contextmanager
def transformers_serve(log: Path) -> Iterator[str]:
    """The URL of a server that loads the model that a request names: a folder's absolute path."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "transformers.cli.transformers", "serve", "--host", "127.0.0.1", "--port", str(port)]
    env = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("w") as lines, subprocess.Popen(words, stdout=lines, stderr=lines, env=env) as server:
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/health", server, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.kill()


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer in two minutes: {log.read_text()}")
