"""Fine-tunes a base on random subsets at several learning rates: bits a byte of held-out references, before and after.

`python -m bench.learning_rate RUN BASE TOKENIZER LOG [--rates 0 1e-5 3e-5] [--rows 64] [--prompts 24]`: RUN is the
folder of a finished run, for its pool and prompts; BASE and TOKENIZER are folders, as models/base and models/tokenizer.
What LOG has is not trained again. With SmolLM2-135M a rate takes two to three CPU minutes and 7 GB at 100 rows.
"""

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from m2m.inference.generate import score_completions
from m2m.models import load_tokenizer, read_model
from m2m.text.prompt_format import encode_pairs
from m2m.training.finetuning import finetune
from m2m.training.finetuning.batch_order import arrange_rows, order_batches
from m2m.training.finetuning.collation import TokenRow


def train(base: Path, tokenizer: Any, rows: list[TokenRow], rate: float, seed: int) -> Any:
    """The model after one pass in micro-batches of two rows, as in profile smollm2; with rate 0 as it was before."""
    model = read_model(base, "float32", "sdpa")
    if rate == 0:
        return model
    recipe = finetune.Recipe(
        seed=seed, method="full", lora_rank=1, lora_alpha=1, lora_dropout=0.0, lora_targets="all-linear",
        batch_size=8, accumulate=4, learning_rate=rate, warmup_share=0.1, packing="none", attention="sdpa",
        gradient_checkpointing="none", dtype="mixed", kernels="none", optimizer="adamw",
    )  # fmt: skip
    lengths = np.array([len(prompt) + len(completion) for prompt, completion in rows])
    order = order_batches(lengths, recipe.batch_size, 1, np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as scratch:
        finetune._trainer(model, tokenizer, arrange_rows(rows, order, ([], [])), recipe, 2, Path(scratch), True).train()
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "base", "tokenizer", "log"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 1e-5, 3e-5, 1e-4, 3e-4])
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    chosen = parser.parse_args()

    lines = chosen.log.read_text().splitlines() if chosen.log.exists() else []
    finished = {(line["seed"], line["rate"]) for line in map(json.loads, lines)}
    tokenizer = load_tokenizer(chosen.tokenizer)
    pool, prompts = (pl.read_parquet(chosen.run / f"data/{name}.parquet").sort("id") for name in ("pairs", "prompts"))
    prompts = prompts.head(chosen.prompts)
    references = encode_pairs(tokenizer, prompts["instruction"].to_list(), prompts["reference"].to_list(), "chat")
    size = sum(len(text.encode()) for text in prompts["reference"])
    for seed in chosen.seeds:
        part = pool[np.sort(np.random.default_rng(seed).choice(len(pool), chosen.rows, replace=False))]
        pairs = encode_pairs(tokenizer, part["instruction"].to_list(), part["response"].to_list(), "chat")
        rows: list[TokenRow] = [(pair.prompt, pair.completion) for pair in pairs]
        for rate in (rate for rate in chosen.rates if (seed, rate) not in finished):
            start = time.process_time()
            model = train(chosen.base, tokenizer, rows, rate, seed).bfloat16()
            seconds = time.process_time() - start
            bits = (
                math.fsum(score_completions(model, tokenizer, [pair[:2] for pair in references], batch_size=4)) / size
            )
            tokens = sum(len(completion) for _, completion in rows)
            figures = {"bits_a_byte": bits, "trained_tokens": tokens, "cpu_seconds": seconds}
            with chosen.log.open("a") as log:
                log.write(json.dumps({"seed": seed, "rate": rate, **figures}) + "\n")


if __name__ == "__main__":
    main()
