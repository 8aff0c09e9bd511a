"""Compares the planned peak memory of a training with what a process takes: resident size above that before the model.

`python -m bench.training_memory [--base FOLDER]`: the scratch shape, and a model in a folder, each in a process of its
own; two steps, since Adam's moments come with the first. About 20 CPU seconds for a model of 135M.
"""

import argparse
import json
import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from m2m.planning.llama_shapes import read_shape
from m2m.planning.training_memory import TrainingSetup, estimate_memory

SCRATCH = {"vocab_size": 4096, "hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4,
           "num_attention_heads": 4, "num_key_value_heads": 4, "tie_word_embeddings": True}  # fmt: skip
CASES = [
    ("scratch", TrainingSetup("full", 0, "float32", 8, 1024, 1, False, 1)),
    ("scratch", TrainingSetup("full", 0, "float32", 32, 1024, 1, False, 1)),
    ("base", TrainingSetup("full", 0, "float32", 4, 256, 1, False, 1)),
    ("base", TrainingSetup("full", 0, "float32", 2, 256, 2, False, 1)),
    ("base", TrainingSetup("full", 0, "float32", 8, 256, 1, True, 1)),
    ("base", TrainingSetup("full", 0, "mixed", 4, 256, 1, False, 1)),
]


def measure(kind: str, base: str, setup: TrainingSetup, result: Any) -> None:
    """Put the estimated and the measured bytes into the queue `result`."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig
    from trl import SFTTrainer  # noqa: F401  # what it takes is not the training's

    from m2m.models import read_model
    from m2m.training.finetuning import finetune
    from m2m.training.pretrain import train_tokenizer
    from tests.conftest import TEXTS  # a tokenizer is needed for its padding token alone

    torch.zeros(8, requires_grad=True).sum().backward()  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as scratch:
        words = train_tokenizer(TEXTS * 4, Path(scratch) / "tokenizer", vocab_size=320)
        before = psutil.Process().memory_info().rss
        if kind == "scratch":
            model = AutoModelForCausalLM.from_config(LlamaConfig(**SCRATCH, max_position_embeddings=4096))
        else:
            model = read_model(Path(base), "float32", "sdpa")
        shape = read_shape(model.config.to_dict())
        rng = np.random.default_rng(1)
        size = setup.rows * setup.accumulate
        rows = [([5, 6], rng.integers(3, shape.vocab, setup.length - 2).tolist()) for _ in range(2 * size)]
        recipe = finetune.Recipe(
            seed=1, method="full", lora_rank=1, lora_alpha=1, lora_dropout=0.0, lora_targets="all-linear",
            batch_size=size, accumulate=setup.accumulate, learning_rate=1e-5, warmup_share=0.0, packing="none",
            attention="sdpa", gradient_checkpointing="full" if setup.checkpointing else "none", dtype=setup.dtype,
            kernels="none", optimizer="adamw",
        )  # fmt: skip
        trainer = finetune._trainer(model, words, rows, recipe, setup.rows, Path(scratch) / "out", True)
        Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
        trainer.train()
        status = Path("/proc/self/status").read_text().splitlines()
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))  # KiB
        result.put((estimate_memory(shape, setup)._asdict(), 1024 * peak - before))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="")
    parser.add_argument("--only", choices=("scratch", "base"))
    chosen = parser.parse_args()
    print(
        "| model | dtype | rows × tokens, accumulate, checkpointing | planned, GB | measured, GB | planned / measured |"
    )
    print("|---|---|---|---:|---:|---:|", flush=True)
    context = multiprocessing.get_context("spawn")
    for kind, setup in CASES:
        if (kind == "base" and not chosen.base) or chosen.only not in (None, kind):
            continue
        result = context.Queue()
        process = context.Process(target=measure, args=(kind, chosen.base, setup, result))
        process.start()
        planned, measured = result.get(timeout=1200)
        process.join()
        name = "scratch, 2.6M" if kind == "scratch" else Path(chosen.base).name
        form = f"{setup.rows} × {setup.length:,}, {setup.accumulate}, {'full' if setup.checkpointing else 'none'}"
        ratio = planned["peak"] / measured
        print(f"| {name} | {setup.dtype} | {form} | {planned['peak'] / 1e9:.2f} | {measured / 1e9:.2f} | {ratio:.2f} |")
        print(json.dumps({name: round(value / 1e9, 3) for name, value in planned.items()}), flush=True)


if __name__ == "__main__":
    main()
