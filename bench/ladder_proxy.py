"""Trains a cheap model on the very subsets of a finished study: the other half of the ladder (bench.ladder).

`python -m bench.ladder_proxy TARGET RUN FOLDER`, in the clone whose experiments TARGET was collected from. RUN is the
folder of a finished run of the default cell: its base model, tokenizer and recipe are the proxy's. FOLDER gets
grid.csv, TARGET's with the proxy's bpb reduction. What FOLDER has is not trained again; a cell takes 15 CPU seconds.
The subsets are handed over, not chosen anew: lengths and bands are counted in the tokens of the target's base.
"""

import argparse
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.lent_gpu import hash_folder
from m2m.grid.dvc_experiments import locate_cached_file, read_experiments
from m2m.grid.params.params_file import read_settings
from m2m.grid.provenance import Lock
from m2m.models import load_tokenizer, read_model
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.grid import Grid
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts
from m2m.schemas.subset import Subset
from m2m.strategies import SIDES
from m2m.text.prompt_format import encode_pairs
from m2m.text.tokenize import tokenize_units
from m2m.training.finetuning import finetune
from m2m.training.finetuning.batch_order import arrange_rows, order_batches
from m2m.training.finetuning.collation import TokenRow
from m2m.training.finetuning.truncation import find_trainable_rows, truncate_rows
from stages import generate

SUBSET, PAIRS, PROMPTS = "data/subsets/{arm}.parquet", "data/pairs.parquet", "data/prompts.parquet"


def locate_out(lock: Lock, path: str) -> Path:
    """Where DVC's cache has what a cell's stage wrote to `path`. OSError where it is not there."""
    md5 = next(stage["outs"][path] for stage in lock.values() if path in stage["outs"])
    file = locate_cached_file(md5)
    if not file.is_file():
        raise OSError(f"{path} must be in DVC's cache, but it is not: run dvc exp pull")
    return file


def measure_subset(run: Path, settings: Any, ids: pl.Series, lock: Lock, seed: int) -> float:
    """Bits a byte of the prompts' references under the proxy, trained on the rows `ids`.

    As finetune and generate do it, but that a row whose prompt is too long for the proxy is dropped, and any share of
    responses may be cut: the target had other limits. Both are printed.
    """
    tune, words = settings["finetune"], load_tokenizer(run / "models/tokenizer")
    pool = read_table(locate_out(lock, PAIRS), Pairs).filter(pl.col("id").is_in(ids.implode())).sort("id")
    rows = _encode_rows(pool, words, run / "models/tokenizer", settings["prompt_format"], tune["max_length"])
    recipe = finetune.Recipe(**{name: tune[name] for name in finetune.Recipe._fields if name != "seed"}, seed=seed)
    lengths = np.array([len(prompt) + len(completion) for prompt, completion in rows])
    order = order_batches(lengths, recipe.batch_size, tune["epochs"], np.random.default_rng(seed))
    model = read_model(run / "models/base", "float32", "sdpa")
    with tempfile.TemporaryDirectory() as scratch:
        arranged, at_once = arrange_rows(rows, order, ([], [])), recipe.batch_size // recipe.accumulate
        finetune._trainer(model, words, arranged, recipe, at_once, Path(scratch), True).train()
    return score_prompts(model, words, settings, read_table(locate_out(lock, PROMPTS), Prompts))


def score_prompts(model: Any, words: Any, settings: Any, prompts: pl.DataFrame) -> float:
    """Bits a byte of the references, with prompts and references cut as generate cuts them."""
    answer = settings["generate"]
    limit = answer["max_length"] - answer["max_new_tokens"]
    format_, batch_size = settings["prompt_format"], answer["batch_size"]
    table = prompts.sort("id")
    scores = generate._score_references(model, words, table, format_, answer["max_length"], limit, batch_size)
    return math.fsum(scores["bits"]) / int(scores["bytes"].sum())


def _encode_rows(
    pool: pl.DataFrame, words: Any, tokenizer: Path, prompt_format: Any, max_length: int
) -> list[TokenRow]:
    texts = [pool[side].to_list() for side in SIDES]
    encoded = encode_pairs(words, texts[0], texts[1], prompt_format)
    prompts = [pair.prompt for pair in encoded]
    trainable, note = find_trainable_rows(pool["id"].to_list(), prompts, max_length, "drop")
    lengths_alone = np.diff(tokenize_units("base", tokenizer, texts[1]).offsets).tolist()
    pairs = [(encoded[row].prompt, encoded[row].completion) for row in trainable]
    rows, counts = truncate_rows(pairs, [lengths_alone[row] for row in trainable], max_length, 1.0)
    if note or counts["lost_tokens"]:
        share = counts["lost_tokens"] / (counts["lost_tokens"] + counts["response_tokens"])
        print(f"{len(encoded) - len(rows)} of {len(encoded)} rows dropped, {share:.1%} of response tokens cut")
    return rows


def train_missing(grid: pl.DataFrame, run: Path, log: Path) -> dict[str, float]:
    """Bits a byte by `name_training`, of every cell of `grid` and its opponent."""
    settings, base = read_settings(run / "params.yaml"), hash_folder(run / "models/base")[0]
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    measured: dict[str, float] = {line["key"]: line["bits_a_byte"] for line in lines}
    for lock in (cell.lock for cell in read_experiments() if cell.name in set(grid["experiment"])):
        for arm in ("opponent", "candidate"):
            key = name_training(lock, arm, base)
            if key not in measured:
                ids = read_table(locate_out(lock, SUBSET.format(arm=arm)), Subset)["id"]
                measured[key] = measure_subset(run, settings, ids, lock, read_seed(lock, arm))
                with log.open("a") as file:
                    file.write(json.dumps({"key": key, "bits_a_byte": measured[key]}) + "\n")
    return measured


def read_seed(lock: Lock, arm: str) -> int:
    """The seed of the order of the arm's rows."""
    params = lock[f"subset@{arm}"]["params"]
    return int(params["subset"]["seed"] if arm == "candidate" else params["opponent"]["seed"])


def name_training(lock: Lock, arm: str, base: str) -> str:
    """The hashes of the base model and of the subset, and its seed: equal where the training is."""
    return f"{base}-{lock[f'subset@{arm}']['outs'][SUBSET.format(arm=arm)]}-{read_seed(lock, arm)}"


def build_proxy_grid(grid: pl.DataFrame, reductions: dict[str, float], opponents: dict[str, float]) -> pl.DataFrame:
    """`grid` with the proxy's bpb reduction and opponent by experiment, and no other outcome."""
    outcomes = [name for name in grid.columns if "bpb_reduction" in name or "win_rate" in name]
    proxy = pl.DataFrame(
        {
            "experiment": list(reductions),
            "bpb_reduction": list(reductions.values()),
            "opponent_bits_per_byte": [opponents[name] for name in reductions],
        }
    )
    rest = grid.drop(*outcomes, "opponent_bits_per_byte")
    joined = rest.join(proxy, on="experiment", how="inner", maintain_order="left")
    return joined.with_columns(likelihood_win_rate=pl.lit(None, pl.Float64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("target", "run", "folder"):
        parser.add_argument(name, type=Path)
    chosen = parser.parse_args()
    grid = read_table(chosen.target / "grid.csv", Grid)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    measured = train_missing(grid, chosen.run, chosen.folder / "trainings.jsonl")
    locks = {cell.name: cell.lock for cell in read_experiments() if cell.name in set(grid["experiment"])}
    base = hash_folder(chosen.run / "models/base")[0]
    scores = {
        arm: {name: measured[name_training(lock, arm, base)] for name, lock in locks.items()}
        for arm in ("opponent", "candidate")
    }
    opponents = scores["opponent"]
    reductions = {name: bits - scores["candidate"][name] for name, bits in opponents.items()}
    write_table(chosen.folder / "grid.csv", Grid, build_proxy_grid(grid, reductions, opponents))
    print(f"{len(locks)} of {len(grid)} cells of {chosen.target}: {chosen.folder / 'grid.csv'}")


if __name__ == "__main__":
    main()
