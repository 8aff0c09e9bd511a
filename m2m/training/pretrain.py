"""Trains a byte-level BPE tokenizer and a small Llama from plain text."""

import gzip
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from m2m.models import keep_freed_memory, save_tokenizer
from m2m.planning.gpus import estimate_token_flops
from m2m.training.trainer.loop import TRAINER_SETTINGS, LossPoint, run_training

END = "<|end|>"
MOST_TRAINED_ROWS = 250_000  # of a pool, from which a tokenizer is trained: more change few types and take minutes


def split_corpus(texts: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The held-out fiftieth, and the texts for training; sorted by ids that are hashes, their order is random."""
    return texts[: len(texts) // 50], texts[len(texts) // 50 :]


def join_pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Instruction and response as one text, of the first 250,000 `pairs`: by ids that are hashes, a random sample."""
    return (f"{instruction}\n{response}" for instruction, response in islice(pairs, MOST_TRAINED_ROWS))


def train_tokenizer(texts: Iterable[str], folder: Path, *, vocab_size: int) -> Any:
    """A byte-level BPE tokenizer of `vocab_size` types with one special token, which ends a text; saved in `folder`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=END, pad_token=END, clean_up_tokenization_spaces=False
    )
    save_tokenizer(tokenizer, folder)
    return tokenizer


def build_model(tokenizer: Any, *, hidden_size: int, layers: int, heads: int, context: int, seed: int) -> Any:
    """A randomly initialised Llama of this shape, with tied embeddings, in float32."""
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed
    from transformers.utils import logging

    keep_freed_memory()
    logging.disable_progress_bar()
    set_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden_size,
            intermediate_size=hidden_size * 8 // 3,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            max_position_embeddings=context,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def pack_blocks(tokenizer: Any, texts: Sequence[str], length: int) -> list[list[int]]:
    """`texts` as one stream, an end token after each, as rows: an end token, then `length` − 1 tokens of the stream."""
    stream = [
        i
        for ids in tokenizer(list(texts), split_special_tokens=True)["input_ids"]
        for i in (*ids, tokenizer.eos_token_id)
    ]
    width = length - 1
    starts = range(0, len(stream) - width + 1, width)
    return [[tokenizer.eos_token_id, *stream[start : start + width]] for start in starts]


def pretrain(
    model: Any, rows: Sequence[Sequence[int]], folder: Path, *, seed: int, batch_size: int, learning_rate: float
) -> list[LossPoint]:
    """Train `model` once over `rows` of one length, on every token; save it in `folder`; return its loss curve."""
    from transformers import Trainer, TrainingArguments

    with tempfile.TemporaryDirectory() as scratch:
        settings = TrainingArguments(
            output_dir=scratch,
            seed=seed,
            num_train_epochs=1,
            per_device_train_batch_size=batch_size,
            learning_rate=learning_rate,
            lr_scheduler_type="linear",
            warmup_steps=0.05,
            weight_decay=0.1,
            logging_steps=20,
            **TRAINER_SETTINGS,
        )
        settings._n_gpu = min(settings.n_gpu, 1)  # or each of several GPUs would take a batch, for fewer steps
        data = [{"input_ids": row, "labels": row} for row in rows]
        trainer = Trainer(model=model, args=settings, train_dataset=data)
        return run_training(
            trainer,
            name="base",
            key=str(seed),
            tokens=[sum(map(len, rows[start : start + batch_size])) for start in range(0, len(rows), batch_size)],
            flops=estimate_token_flops(model.num_parameters(), model.num_parameters()),
            params={"seed": seed, "batch_size": batch_size, "learning_rate": learning_rate, "rows": len(rows)},
            resume=None,
            save=lambda: model.save_pretrained(folder),
        )


def measure_bits_per_byte(model: Any, tokenizer: Any, texts: Sequence[str], length: int) -> float:
    """−log2 p(text) / UTF-8 bytes over whole blocks of `texts`; end tokens cost bits and have no byte."""
    import torch

    model.eval()
    rows: Any = torch.tensor(pack_blocks(tokenizer, texts, length), device=model.device)
    with torch.inference_mode():
        nats = sum(model(input_ids=batch, labels=batch).loss.item() * batch[:, 1:].numel() for batch in rows.split(32))
    decoded = tokenizer.batch_decode(rows[:, 1:], skip_special_tokens=True)
    return float(nats) / math.log(2) / sum(len(text.encode()) for text in decoded)


def measure_gzip_bits(texts: Sequence[str]) -> float:
    """The bits a byte of gzip -9 for `texts` joined by newlines: a reference for the model's."""
    raw = "\n".join(texts).encode()
    return 8 * len(gzip.compress(raw, compresslevel=9, mtime=0)) / len(raw)
