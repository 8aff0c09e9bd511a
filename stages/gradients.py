"""The subset + a proxy model → a projected gradient a row: only where a proxy is named."""

import sys
from pathlib import Path

import polars as pl

from m2m.base_passes.gradients import project_gradients
from m2m.base_passes.response_loss import cut_pair
from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import get_columns, read_table, require_ids, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.vectors import Vectors
from m2m.text.prompt_format import PromptFormat, encode_pairs


def main(
    pairs: Path,
    subset: Path,
    model: Path,
    tokenizer: Path,
    gradients: Path,
    /,
    *,
    proxy: str | None,
    prompt_format: PromptFormat,
    seed: int,
    dims: int,
    max_length: int,
) -> None:
    """The loss is that of the response and its end token after the instruction. Without a `proxy` there are no rows.

    ValueError for a hub id: its model may change, and nobody would see it.
    """
    if proxy is None:
        write_table(gradients, Vectors, pl.DataFrame(schema=get_columns(Vectors)))
        return
    if proxy != "base" and not Path(proxy).is_dir():
        raise ValueError(f"gradients.proxy must be base, or a folder with a model and its tokenizer, got {proxy}")
    pool = read_table(pairs, Pairs).sort("id")
    rows = pool.join(require_ids(subset, read_table(subset, Subset), pool["id"]), on="id", how="semi")
    model_folder, tokenizer_folder = (model, tokenizer) if proxy == "base" else (Path(proxy), Path(proxy))
    words = load_tokenizer(tokenizer_folder)
    encoded = encode_pairs(words, rows["instruction"].to_list(), rows["response"].to_list(), prompt_format)
    inputs = [cut_pair(pair.prompt, pair.completion, max_length) for pair in encoded]
    long = sum(len(pair.prompt) + len(pair.completion) > max_length for pair in encoded)
    print(f"gradients: {long} of {rows.height} rows are cut to gradients.max_length {max_length}", file=sys.stderr)
    matrix = project_gradients(load_model(model_folder, "float32"), inputs, dims=dims, seed=seed)
    write_table(gradients, Vectors, rows.select("id", pl.Series("vector", matrix).cast(pl.List(pl.Float32))))


if __name__ == "__main__":
    run(main)
