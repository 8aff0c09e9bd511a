"""Corpus → the base model and its tokenizer: a small Llama trained here, or a hub model held by its commit."""

from pathlib import Path

from m2m.models import copy_tokenizer, resolve_commit, write_reference
from m2m.runtime.artifacts import read_table
from m2m.runtime.cli import run
from m2m.runtime.records import write_json
from m2m.schemas.corpus import Corpus
from m2m.training.pretrain import (
    build_model,
    measure_bits_per_byte,
    measure_gzip_bits,
    pack_blocks,
    pretrain,
    train_tokenizer,
)


def main(
    corpus: Path,
    model: Path,
    tokenizer: Path,
    report: Path,
    /,
    *,
    name: str,
    revision: str,
    seed: int,
    vocab_size: int,
    hidden_size: int,
    layers: int,
    heads: int,
    context: int,
    block: int,
    batch_size: int,
    learning_rate: float,
    train_tokens: int,
) -> None:
    """`name` is "scratch", a hub id or a folder; the sizes are for "scratch" alone."""
    if name != "scratch":
        commit = resolve_commit(name, revision)
        copy_tokenizer(name, commit, tokenizer)
        write_reference(model, str(Path(name).resolve()) if commit == "local" else name, commit)
        write_json(report, {"base": name, "revision": commit})
        return
    texts = read_table(corpus, Corpus)["text"].to_list()
    heldout, training = texts[: len(texts) // 50], texts[len(texts) // 50 :]  # ids are hashes: their order is random
    words = train_tokenizer(training, tokenizer, vocab_size=vocab_size)
    llama = build_model(words, hidden_size=hidden_size, layers=layers, heads=heads, context=context, seed=seed)
    rows = pack_blocks(words, training, block)[: train_tokens // block]
    pretrain(llama, rows, model, seed=seed, batch_size=batch_size, learning_rate=learning_rate)
    measured = measure_bits_per_byte(llama, words, heldout, block)
    gzipped = measure_gzip_bits(heldout)
    print(f"base: {measured:.3f} bits a byte on held-out text; gzip needs {gzipped:.3f}")
    write_json(
        report,
        {
            "base": name,
            "base_parameters": llama.num_parameters(),
            "base_train_tokens": sum(map(len, rows)),
            "base_heldout_texts": len(heldout),
            "base_bits_per_byte": round(measured, 6),
            "gzip_bits_per_byte": round(gzipped, 6),
        },
    )


if __name__ == "__main__":
    run(main)
