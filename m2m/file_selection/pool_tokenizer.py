"""The tokenizer that counts a pool: the one that the user names, or one that is trained on the pool."""

from pathlib import Path

import polars as pl

from m2m.strategies import SIDES


def prepare_tokenizer(name: str, rows: pl.DataFrame, vocab_size: int, folder: Path) -> str:
    """Save in `folder` the tokenizer `name`, a folder or "id" or "id@commit"; describe it in a few words.

    Without a name, a byte-level BPE is trained on `rows` (schema Pool).
    """
    if not name:
        from m2m.training.pretrain import MOST_TRAINED_ROWS, join_pairs, train_tokenizer

        types = len(train_tokenizer(join_pairs(rows.select(SIDES).iter_rows()), folder, vocab_size=vocab_size))
        part = f"{MOST_TRAINED_ROWS:,} rows of this pool" if rows.height > MOST_TRAINED_ROWS else "this pool"
        return f"a byte-level BPE of {types:,} types, trained on {part}"
    from m2m.models import copy_tokenizer, resolve_commit

    if Path(name).is_dir() and not Path(name, "tokenizer.json").is_file():
        raise ValueError(
            f"--tokenizer {name} must have a tokenizer.json, which it has not: "
            "load it with transformers, save_pretrained to a new folder, and name that"
        )
    source, _, revision = (name, "", "") if Path(name).is_dir() else name.partition("@")
    try:
        copy_tokenizer(source, resolve_commit(source, revision or "main"), folder)
    except OSError as error:
        raise ValueError(
            f"--tokenizer {name} must be a folder with a tokenizer.json, or an id of the Hugging Face hub, and could "
            "not be loaded: check the name, the network, and HF_TOKEN where a licence must be accepted"
        ) from error
    return f"the tokenizer of {Path(source).resolve().name if Path(source).is_dir() else source}"
