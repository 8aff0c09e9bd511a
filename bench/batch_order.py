"""Measures what the order of rows does to a training: bits a byte and their spread, under several orders of a subset.

`python -m bench.batch_order RUN LOG [--subsets 2] [--orders 4]`: RUN is the folder of a finished run of the default
cell; what LOG has is not trained again. A training takes about 20 CPU seconds. The arms train the same random subsets:
"windows" sorts the rows of 16 steps by length together, as this project did at first; "random" fills each step at
random, unsorted; "project" is what the project does: steps at random, sorted inside, in micro-batches of two rows;
"token weights" sorts as "windows" does, and divides each step's loss by the mean tokens of a step, not by its own.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int64

from m2m.inference.generate import score_completions
from m2m.models import load_tokenizer, read_model
from m2m.text.prompt_format import encode_pairs
from m2m.training.finetuning import finetune
from m2m.training.finetuning.batch_order import arrange_rows, order_batches
from m2m.training.finetuning.collation import TokenRow

RECIPE: dict[str, Any] = {
    "method": "full", "lora_rank": 16, "lora_alpha": 32, "lora_dropout": 0.0, "lora_targets": "all-linear",
    "batch_size": 8, "accumulate": 1, "learning_rate": 2e-4, "warmup_share": 0.05, "packing": "none",
    "attention": "sdpa", "gradient_checkpointing": "none", "dtype": "float32",
    "kernels": "none", "optimizer": "adamw",
}  # fmt: skip
ROWS, WINDOW = 500, 16
Order = Int64[np.ndarray, "steps batch_size"]


def sort_windows(lengths: Int64[np.ndarray, "rows"], batch_size: int, rng: np.random.Generator) -> Order:
    """The order of the first versions: rows of WINDOW steps sorted by length together, then the steps shuffled."""
    shuffled, wide = rng.permutation(len(lengths)), WINDOW * batch_size
    windows = [shuffled[start : start + wide] for start in range(0, len(shuffled), wide)]
    steps = np.full((-(-len(lengths) // batch_size), batch_size), -1, dtype=np.int64)
    steps.ravel()[: len(lengths)] = np.concatenate([window[np.argsort(lengths[window])] for window in windows])
    return rng.permutation(steps)


def fill_at_random(lengths: Int64[np.ndarray, "rows"], batch_size: int, rng: np.random.Generator) -> Order:
    """Every step a random sample."""
    steps = np.full((-(-len(lengths) // batch_size), batch_size), -1, dtype=np.int64)
    steps.ravel()[: len(lengths)] = rng.permutation(len(lengths))
    return steps


ARMS: dict[str, Callable[..., Order]] = {
    "windows": sort_windows,
    "random": fill_at_random,
    "token weights": sort_windows,
    "project": lambda lengths, batch_size, rng: order_batches(lengths, batch_size, 1, rng),
}


def train(base: Path, tokenizer: Any, rows: list[TokenRow], order: Order, seed: int, arm: str) -> Any:
    """The model, trained by the finetune stage's own trainer."""
    from transformers import PrinterCallback

    recipe = finetune.Recipe(seed=seed, **RECIPE | {"accumulate": 4 if arm == "project" else 1})
    model = read_model(base, "float32", "sdpa")
    arranged = arrange_rows(rows, order, ([], []))
    with tempfile.TemporaryDirectory() as scratch:
        trainer = finetune._trainer(
            model, tokenizer, arranged, recipe, recipe.batch_size // recipe.accumulate, Path(scratch), True
        )
        trainer.remove_callback(PrinterCallback)
        if arm == "token weights":
            get_samples = trainer.get_batch_samples
            mean = sum(len(completion) for _, completion in rows) / len(order)
            trainer.get_batch_samples = lambda *given: (get_samples(*given)[0], mean)
        trainer.train()
    return model


def count_padded_tokens(rows: list[TokenRow], order: Order, rows_at_once: int) -> int:
    """Tokens that the model computes, padding included."""
    lengths = np.array([len(prompt) + len(completion) for prompt, completion in rows] + [1])
    return int((lengths[order].reshape(-1, rows_at_once).max(axis=1) * rows_at_once).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--subsets", type=int, default=2)
    parser.add_argument("--orders", type=int, default=4)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["windows", "project", "token weights"])
    chosen = parser.parse_args()

    lines = chosen.log.read_text().splitlines() if chosen.log.exists() else []
    finished = {(line["arm"], line["subset"], line["order"]) for line in map(json.loads, lines)}
    base, tokenizer = chosen.run / "models/base", load_tokenizer(chosen.run / "models/tokenizer")
    pool, prompts = (pl.read_parquet(chosen.run / f"data/{name}.parquet").sort("id") for name in ("pairs", "prompts"))
    references = encode_pairs(tokenizer, prompts["instruction"].to_list(), prompts["reference"].to_list(), "plain")
    size = sum(len(text.encode()) for text in prompts["reference"])
    for subset in range(chosen.subsets):
        part = pool[np.sort(np.random.default_rng(subset).choice(len(pool), ROWS, replace=False))]
        pairs = encode_pairs(tokenizer, part["instruction"].to_list(), part["response"].to_list(), "plain")
        rows: list[TokenRow] = [(pair.prompt, pair.completion) for pair in pairs]
        lengths = np.array([len(prompt) + len(completion) for prompt, completion in rows])
        for seed in range(chosen.orders):
            for arm in (arm for arm in chosen.arms if (arm, subset, seed) not in finished):
                order = ARMS[arm](lengths, RECIPE["batch_size"], np.random.default_rng(100 * subset + seed))
                start = time.process_time()
                model = train(base, tokenizer, rows, order, seed, arm)
                seconds = time.process_time() - start
                scored = score_completions(model, tokenizer, [pair[:2] for pair in references], batch_size=64)
                bits = math.fsum(scored) / size
                padded = count_padded_tokens(rows, order, 2 if arm == "project" else 8)
                figures = {"bits_a_byte": bits, "cpu_seconds": seconds, "tokens": padded}
                with chosen.log.open("a") as log:
                    log.write(json.dumps({"arm": arm, "subset": subset, "order": seed, **figures}) + "\n")


if __name__ == "__main__":
    main()
