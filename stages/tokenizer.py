"""Corpus → the tokenizer of the base model: a byte-level BPE trained here, or that of a model that exists."""

import sys
from itertools import chain
from pathlib import Path

from m2m.gguf_models import find_gguf, hash_gguf, load_gguf_tokenizer
from m2m.models import REFERENCE, copy_tokenizer, resolve_commit, save_tokenizer
from m2m.runtime.artifacts import read_table, write_json
from m2m.runtime.cli import run
from m2m.schemas.corpus import Corpus
from m2m.schemas.pool import Pool
from m2m.strategies import SIDES
from m2m.table_slices import count_table_rows, read_slices
from m2m.training.pretrain import MOST_TRAINED_ROWS, join_pairs, split_corpus, train_tokenizer


def main(corpus: Path, pool: Path, tokenizer: Path, /, *, name: str, revision: str, vocab_size: int) -> None:
    """`name` is "scratch", or a hub id, a folder or a GGUF file, whose commit or hash is kept beside the tokenizer.

    Without a corpus, "scratch" trains on the pool: enough to choose a subset by, not to train a base model.
    """
    if gguf := find_gguf(name):
        save_tokenizer(load_gguf_tokenizer(gguf), tokenizer)
        write_json(tokenizer / REFERENCE, {"name": name, "revision": f"sha256:{hash_gguf(gguf)}"})
        return
    if name != "scratch":
        commit = resolve_commit(name, revision)
        copy_tokenizer(name, commit, tokenizer)
        write_json(tokenizer / REFERENCE, {"name": name, "revision": commit})
        return
    _, texts = split_corpus(read_table(corpus, Corpus)["text"].to_list())
    if texts:
        train_tokenizer(texts, tokenizer, vocab_size=vocab_size)
        return
    rows = count_table_rows(pool)
    part = f", on {MOST_TRAINED_ROWS:,} of its {rows:,} rows" if rows > MOST_TRAINED_ROWS else ""
    print(f"tokenizer: there is no corpus, so it is trained on the pool{part}", file=sys.stderr)
    slices = read_slices(pool, Pool, ["id", *SIDES])
    pairs = chain.from_iterable(table.select(SIDES).iter_rows() for table in slices)
    train_tokenizer(join_pairs(pairs), tokenizer, vocab_size=vocab_size)


if __name__ == "__main__":
    run(main)
