"""Times steps of fine-tuning a Llama-2-7B-shaped model with random weights: in full and with LoRA, padded and packed.

`python -m bench.training [--methods full lora] [--loops Trainer TRL plain] [--kernels none liger] [--lengths whole]`,
about a minute for each method, loop and kind of kernels on a GPU of 80 GB. Each case is timed by every loop, side by
side: "Trainer" is the trainer of the finetune stage, "TRL" is TRL's SFTTrainer with its own loss, which also computes
each token's entropy and accuracy, "plain" a short loop, for which torch, transformers, TRL, peft and numpy are enough.
`--tiny` is a try on a CPU. Cases with Liger's kernels stand below the plain ones where the package liger-kernel is
installed. First come the loss and gradient of a small model by each path, against padded rows and plain kernels: a loss
that differs by more than 0.001 of it ends the run with an error.
"Whole" rows have 2,048 tokens; "mixed" rows have log-normal lengths around 600, cut at 2,048, like lengths together.
Each case does all its steps once before it is timed, so that the first use of a shape is in no figure.
Only tokens of rows count, padding does not. MFU: 6 · N · tokens/s (LoRA: 4 · N, and 2 for each adapter weight) over the
GPU's dense bfloat16 peak by its data sheet; a forward pass done again (checkpointing) is not counted as work.
"""

import argparse
import gc
import importlib.util
import json
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from m2m.planning.gpus import estimate_token_flops, find_peak_flops
from m2m.training.finetuning.collation import TokenRow, label_tokens, require_exact_packing
from m2m.training.finetuning.kernels import Kernels, apply_kernels
from m2m.training.finetuning.lora import add_adapters
from m2m.training.finetuning.varlen import register_varlen

LLAMA_2_7B = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32}
TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
LORA: dict[str, Any] = {"seed": 1, "rank": 16, "alpha": 32, "dropout": 0.0, "targets": "all-linear"}
STEPS = 4  # done twice, and timed the second time
MOST_CHANGE = 1e-3  # of a loss by another path, as a share of the plain one


class Case(NamedTuple):
    """One row of the table."""

    method: str
    lengths: str
    packing: str
    attention: str
    checkpointing: str
    batch_size: int
    accumulate: int
    kernels: Kernels


def cases(method: str, kernels: Kernels) -> Iterator[Case]:
    """Whole rows without checkpointing, the least memory first; mixed lengths padded, then packed, then all of it."""
    at_once = (1, 2) if method == "full" else (2, 4)
    for rows in at_once:
        yield Case(method, "whole", "none", "sdpa", "none", 8, 8 // rows, kernels)
    for packing, attention in (
        ("none", "sdpa"),
        ("exact", "sdpa"),
        ("exact", "flash_attention_2"),
        ("exact", "varlen"),
    ):
        yield Case(method, "mixed", packing, attention, "full", 16, 4, kernels)
    yield Case(method, "mixed", "exact", "varlen", "none", 16, 8 if method == "full" else 4, kernels)


def compare_paths(device: str) -> None:
    """Print how far loss and gradient of a small Llama are from the plain path's, in bfloat16 arithmetic.

    SystemExit where a loss is further away than MOST_CHANGE.
    """
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    rng = np.random.default_rng(1)
    config = LlamaConfig(
        vocab_size=4096, hidden_size=256, intermediate_size=688, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, use_cache=False,
    )  # fmt: skip
    rows = [label_tokens((rng.integers(3, 4096, 20).tolist(), rng.integers(3, 4096, n).tolist()), 0) for n in (300, 90)]
    has_liger = device == "cuda" and importlib.util.find_spec("liger_kernel")
    paths: list[tuple[Kernels, bool]] = [("none", False), ("none", True)]
    paths += [("liger", False), ("liger", True)] if has_liger else []
    found = []
    for kernels, packed in paths:
        torch.manual_seed(1)
        with torch.device(device):
            attention = "varlen" if packed else "sdpa"
            model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=attention)
        apply_kernels(model, kernels)
        batch = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=packed)(rows)
        moved = {name: value.to(device) if torch.is_tensor(value) else value for name, value in batch.items()}
        with torch.autocast(device, torch.bfloat16):
            loss = model(**moved, num_items_in_batch=torch.tensor(390, device=device), use_cache=False).loss
        loss.backward()
        gradient = torch.cat([weight.grad.flatten() for weight in model.parameters()])
        found.append((float(loss.detach()), gradient))
        change, angle = found[-1][0] / found[0][0] - 1, torch.cosine_similarity(gradient, found[0][1], dim=0)
        name = f"kernels {kernels}, {'packed, varlen' if packed else 'padded, sdpa'}"
        print(
            f"{name}: loss {found[-1][0]:.6f} ({change:+.1e}), cosine of the gradients {float(angle):.6f}", flush=True
        )
        require_equal(name, change)


def require_equal(name: str, change: float) -> None:
    """SystemExit where the path `name` changes the loss by a larger share than MOST_CHANGE, or to no number."""
    if not abs(change) <= MOST_CHANGE:
        raise SystemExit(
            f"the loss by {name} must be within {MOST_CHANGE} of the plain one, differs by {change:+.1e}: "
            "leave this path out, its times mean nothing"
        )


def rows_of(case: Case, length: int, vocabulary: int) -> list[TokenRow]:
    """Random tokens; a third of each row is its prompt."""
    rng = np.random.default_rng(1)
    count = STEPS * case.batch_size
    sampled = np.exp(rng.normal(np.log(600 / 2048 * length), 0.7, count)).astype(int).clip(8, length)
    lengths = np.sort(sampled) if case.lengths == "mixed" else np.full(count, length)
    steps = rng.permutation(lengths.reshape(STEPS, case.batch_size)).ravel()
    texts = [rng.integers(3, vocabulary, size).tolist() for size in steps]
    return [(text[: len(text) // 3], text[len(text) // 3 :]) for text in texts]


def plain_times(model: Any, rows: list[TokenRow], case: Case) -> list[float]:
    """When each step ended, seconds, in a loop of our own."""
    import torch
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    kind, at_once = model.device.type, case.batch_size // case.accumulate
    collate = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=case.packing == "exact")
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    adam = torch.optim.AdamW(trained, lr=1e-5, betas=(0.9, 0.95), fused=True)
    ended = []
    for start in range(0, len(rows), case.batch_size):
        step = rows[start : start + case.batch_size]
        tokens = sum(len(completion) for _, completion in step)
        for offset in range(0, case.batch_size, at_once):
            batch = collate([label_tokens(row, 0) for row in step[offset : offset + at_once]])
            moved = {name: value.to(kind) if torch.is_tensor(value) else value for name, value in batch.items()}
            with torch.autocast(kind, torch.bfloat16):
                model(**moved, num_items_in_batch=tokens, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        adam.step()
        adam.zero_grad()
        ended.append(_now())
    return ended


def trainer_times(model: Any, rows: list[TokenRow], case: Case) -> list[float]:
    """The same, by the trainer that the finetune stage makes, guard and all."""
    return time_trainer(model, rows, case, trl=False)


def trl_times(model: Any, rows: list[TokenRow], case: Case) -> list[float]:
    """The same, by TRL's trainer with the loss of its own."""
    return time_trainer(model, rows, case, trl=True)


def time_trainer(model: Any, rows: list[TokenRow], case: Case, *, trl: bool) -> list[float]:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
    from trl import SFTTrainer

    from m2m.training.finetuning.finetune import Recipe, _trainer

    ended: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ended.append(_now())

    named = {f"lora_{name}": value for name, value in LORA.items() if name != "seed"}
    recipe = Recipe(
        seed=1, method=case.method, batch_size=case.batch_size, accumulate=case.accumulate, learning_rate=1e-5,  # type: ignore[arg-type]
        warmup_share=0.0, packing=case.packing, attention=case.attention, gradient_checkpointing="none",  # type: ignore[arg-type]
        dtype="bfloat16", kernels=case.kernels, optimizer="adamw", **named,
    )  # fmt: skip
    at_once, cpu = case.batch_size // case.accumulate, model.device.type == "cpu"

    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"<pad>": 0})), pad_token="<pad>")
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(model, words, rows, recipe, at_once, Path(folder), cpu)
        if trl:
            type(trainer).compute_loss = SFTTrainer.compute_loss
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Clock())
        trainer.train()
    return ended


LOOPS = {"plain": plain_times, "Trainer": trainer_times, "TRL": trl_times}


def measured(model: Any, llama: Any, case: Case, loop: str, length: int) -> dict[str, Any]:
    """The case's figures, or why there are none; `model` is `llama`, or that with adapters."""
    import torch

    cuda = model.device.type == "cuda"
    figures: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if cuda else "CPU",
        "loop": loop,
    }
    if case.attention == "flash_attention_2" and not (cuda and importlib.util.find_spec("flash_attn")):
        return figures | {"note": "flash-attn is not installed" if cuda else "no GPU"}
    if case.kernels == "liger" and not (cuda and importlib.util.find_spec("liger_kernel")):
        return figures | {"note": "liger-kernel is not installed" if cuda else "no GPU"}
    if case.kernels == "liger" and loop == "TRL":
        return figures | {"note": "TRL's loss needs whole logits"}
    rows = rows_of(case, length, model.config.vocab_size)
    gc.collect()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    if case.checkpointing == "full":
        model.activation_checkpointing_enable({"use_reentrant": False})
    else:
        model.activation_checkpointing_disable()
    llama.set_attn_implementation(case.attention)
    model.train()
    try:
        if case.packing == "exact":
            require_exact_packing(llama.config, torch.bfloat16, model.device, case.attention)
        ended = LOOPS[loop](model, 2 * rows, case)[STEPS - 1 :]
    except torch.OutOfMemoryError:
        return figures | {"note": f"out of memory at {torch.cuda.max_memory_allocated() / 1e9:.1f} GB"}
    finally:
        model.zero_grad(set_to_none=True)
    seconds = ended[-1] - ended[0]
    rate = sum(len(prompt) + len(completion) for prompt, completion in rows) / seconds
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    flops = rate * estimate_token_flops(sum(weight.numel() for weight in model.parameters()), trained)
    figures |= {"steps": len(ended) - 1, "seconds": seconds, "tokens_per_second": rate, "tflops": flops / 1e12}
    if cuda:
        peak = find_peak_flops(figures["device"])
        figures |= {"mfu": flops / peak if peak else None, "peak_gb": torch.cuda.max_memory_allocated() / 1e9}
    return figures


def show(case: Case, figures: dict[str, Any]) -> None:
    """A row for people, a line of JSON for programs."""
    packed = f"packing {case.packing}, {case.attention}"
    name = f"{case.method}, {case.lengths} rows, {case.batch_size // case.accumulate} at once, {packed}, "
    name += f"checkpointing {case.checkpointing}, kernels {case.kernels}"
    form = {"tokens_per_second": "{:,.0f}", "mfu": "{:.1%}", "peak_gb": "{:.1f} GB"}
    cells = [form[key].format(figures[key]) if figures.get(key) is not None else "–" for key in form]
    print(f"| {name} | {figures['loop']} | {' | '.join(cells)} | {figures.get('note', '')} |")
    print(json.dumps({"case": name, **case._asdict(), **figures}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=["full", "lora"], default=["full", "lora"])
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=["Trainer", "TRL"])
    parser.add_argument("--kernels", nargs="+", choices=["none", "liger"], default=["none", "liger"])
    parser.add_argument("--lengths", nargs="+", choices=["whole", "mixed"], default=["whole", "mixed"])
    parser.add_argument("--tiny", action="store_true")
    chosen = parser.parse_args()

    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    device = "cuda" if torch.cuda.is_available() and not chosen.tiny else "cpu"
    if device == "cpu" and not chosen.tiny:
        parser.error("no GPU here: --tiny tries the benchmark on the CPU")
    shape, length, words = (TINY, 64, 500) if chosen.tiny else (LLAMA_2_7B, 2048, 32000)
    config = LlamaConfig(vocab_size=words, max_position_embeddings=4096, use_cache=False, **shape)
    register_varlen("varlen", "exact", "mixed")
    compare_paths(device)
    print("| case | loop | tokens/s | MFU | peak memory | note |\n|---|---|---:|---:|---:|---|", flush=True)
    for method, kernels in product(chosen.methods, chosen.kernels):
        with torch.device(device):
            llama = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation="sdpa")
        if device == "cuda" and importlib.util.find_spec("liger_kernel"):
            apply_kernels(llama, kernels)
        model = add_adapters(llama, **LORA) if method == "lora" else llama
        for case in cases(method, kernels):
            for loop in chosen.loops if case.lengths in chosen.lengths else ():
                show(case, measured(model, llama, case, loop, length))
        del llama, model


def _now() -> float:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
