"""The current subset → files for TRL, axolotl or LLaMA-Factory, with a data card."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from m2m.export.data_card import SIDES, Card, render_card
from m2m.export.licences import UNSTATED, find_licence
from m2m.export.trainer_formats import ExportFormat, describe_for_llama_factory, format_record
from m2m.grid.dvc_experiments import Lock, read_lock
from m2m.grid.provenance import get_cell_settings, is_consistent, is_finished, flags, hash_provenance
from m2m.runtime.artifacts import read_table
from m2m.runtime.cli import run
from m2m.runtime.records import read_json, write_json
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.tokens import Tokens

PAIRS, CELL_METRICS = Path("data/pairs.parquet"), Path("metrics/cell.json")
SUBSET, SUMMARY = Path("data/subsets/candidate.parquet"), Path("data/subsets/candidate.json")
TOKENS = {side: Path(f"data/tokens/{side}.parquet") for side in SIDES}
NEEDED = ("respond", "band@instruction", "band@response", "subset@candidate")
CHOSEN = (
    "rows",
    "pool_rows",
    "candidate_rows",
    "k",
    "k_min",
    "k_max",
    "units_covered",
    "k_evenness",
    "response_tokens",
)


def main(out: Path, /, *, format: ExportFormat = "prompt-completion") -> None:
    """Write the subset of the workspace, as `dvc repro` or `dvc exp apply` left it, into the new folder OUT.

    `dvc repro band@instruction band@response subset@candidate` is enough: nothing is trained or judged for it.

    Args:
        out: a new or empty folder; it gets data.jsonl (or data.parquet), README.md, and for LLaMA-Factory
            dataset_info.json.
        format: prompt-completion and messages for TRL and axolotl, alpaca and sharegpt for LLaMA-Factory too; parquet
            with id, source and unit.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"OUT must be a new or empty folder, {out} is none: name another")
    lock = read_lock()
    _fresh(lock)
    rows = read_table(SUBSET, Subset).join(read_table(PAIRS, Pairs), on="id", how="left", validate="1:1").sort("turn")
    out.mkdir(parents=True, exist_ok=True)
    file = out / ("data.parquet" if format == "parquet" else "data.jsonl")
    if format == "parquet":
        rows.write_parquet(file)
    else:
        lines = [json.dumps(format_record(row, format), ensure_ascii=False) for row in rows.to_dicts()]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if described := describe_for_llama_factory(format):
        write_json(out / "dataset_info.json", described)
    (out / "README.md").write_text(render_card(_known(file, rows, lock)), encoding="utf-8")
    print(f"{rows.height} rows: {', '.join(sorted(str(path) for path in out.iterdir()))}")


def _fresh(lock: Lock) -> None:
    """ValueError unless all that is exported and told of it is of one run, be it of the subset alone."""
    if "ingest" not in lock or not is_consistent(lock, NEEDED):
        raise ValueError(f"dvc.lock must tell of one run up to the subset: run dvc repro {' '.join(NEEDED[1:])}")
    outs = {path: known for stage in lock.values() for path, known in stage["outs"].items()}
    for path in (PAIRS, SUBSET, SUMMARY, *TOKENS.values(), *([CELL_METRICS] if is_finished(lock) else [])):
        if not path.exists() or _md5(path) != outs.get(str(path)):
            raise ValueError(f"{path} must be what dvc.lock tells of: run dvc repro, or dvc checkout")


def _known(file: Path, rows: pl.DataFrame, lock: Lock) -> Card:
    trained = is_finished(lock)
    metrics = read_json(CELL_METRICS) if trained else {}
    summary = read_json(SUMMARY)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    return Card(
        file.name,
        get_cell_settings(lock),
        _sources(rows, lock),
        {"HEAD when exported": commit}
        | ({"provenance of the cell": hash_provenance(lock)} if trained else {"trained": "not yet: no diversity is told"})
        | {f"md5 of {path}": _md5(path) for path in (SUBSET, PAIRS)}
        | {f"sha256 of {file.name}": hashlib.sha256(file.read_bytes()).hexdigest()},
        _lengths(rows),
        {name: summary[name] for name in CHOSEN},
        {name: value for name, value in metrics.items() if name.startswith(SIDES)},
    )


def _sources(rows: pl.DataFrame, lock: Lock) -> list[dict[str, Any]]:
    """As the run was told them: params.yaml may have been changed since."""
    told = {name: flags(lock[name]["cmd"]) for name in ("ingest", "respond")}
    counts = rows.group_by("source").agg(rows=pl.len(), new=pl.col("original").count()).sort("source")
    return [_source(name, told, count, new) for name, count, new in counts.rows()]


def _source(name: str, told: Mapping[str, Mapping[str, list[str]]], count: int, new: int) -> dict[str, Any]:
    given = {key: told["ingest"].get(f"sources.{name}.{key}", []) for key in ("id", "path", "licence", "packages")}
    source = {key: [] if words == ["None"] else words for key, words in given.items()}  # null in params.yaml
    packages = source["packages"]
    where = " ".join(source["id"] or source["path"]) or f"{len(packages)} installed packages"
    stated = " ".join(source["licence"]) or UNSTATED
    licences = "; ".join(f"{package}: {find_licence(package)}" for package in packages) or stated
    writer = f"{new} by {' '.join(told['respond']['endpoint.model'])}" if new else "the source's own"
    return {"source": name, "rows": count, "from": where, "licence": licences, "responses": writer}


def _lengths(rows: pl.DataFrame) -> pl.DataFrame:
    characters = rows.select(pl.col(side).str.len_chars().alias(f"{side}, characters") for side in SIDES)
    tables = [read_table(TOKENS[side], Tokens) for side in SIDES]
    counted = [
        rows.select("id").join(table, on="id", how="left").select(pl.col("tokens").list.len().alias(f"{side}, tokens"))
        for side, table in zip(SIDES, tables, strict=True)
    ]
    return pl.concat([characters, *counted], how="horizontal")


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    run(main)
